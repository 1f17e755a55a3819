"""A strategy that asks the policy once and then makes the tool calls, and runs the programs, that its options say."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from symposia.agents.policy import Sampling, keep_candidates, policy_call, prompts_for
from symposia.core.base import Frozen
from symposia.core.budget import CallBounds
from symposia.core.result import Outcome, Selection, StopReason
from symposia.core.sandbox import Limits
from symposia.core.tooling import ToolContext, ToolRequest
from symposia.graphs.registry import STRATEGIES
from symposia.graphs.strategy import Context, State, Strategy
from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedModel, ScriptedSandbox, fake_spec
from symposia.tools.tool import TOOLS, Tool


class CallingConfig(Sampling):
    """Options of ``calling``."""

    tools: tuple[str, ...] = ("echo",)
    calls: tuple[tuple[str, str], ...] = (("echo", '{"text": "hello"}'),)
    """Name and arguments of each."""
    programs: tuple[str, ...] = ()


class Heard:
    """What the strategy was given back in its last run."""

    results: tuple[Any, ...] = ()
    executions: tuple[Any, ...] = ()
    reasons: tuple[StopReason, ...] = ()


async def _work(state: State, runtime: Runtime[Context[CallingConfig]]) -> State:
    context = runtime.context
    scope, config = context.scope, context.config
    ids: list[str] = []

    async def consume(result: Any) -> bool:
        ids.extend(keep_candidates(scope, result, context.problem, config))
        return False

    wave = await scope.wave("propose", [policy_call(scope, "propose", context.problem, config)], consume=consume)
    asked = [ToolRequest(name=name, arguments=arguments, justification="because") for name, arguments in config.calls]
    tools = await scope.call_tools("act", asked)
    ran = await scope.execute("run", config.programs, limits=Limits())
    Heard.results, Heard.executions = tools.results, ran.results
    Heard.reasons = (tools.stop_reason, ran.stop_reason)
    cut = next((each for each in (wave.stop_reason, *Heard.reasons) if each is not StopReason.FINISHED), StopReason.FINISHED)
    pick = ids[0] if ids else None
    answer = scope.candidates[pick].answer if pick else None
    selections = {"majority": Selection(answer=answer and answer.text, candidate=pick)}
    return {"outcome": Outcome(candidates=tuple(ids), pick=pick, selections=selections, stop_reason=cut)}


def _build() -> Any:
    graph = StateGraph(State, context_schema=Context)
    graph.add_node("work", _work)
    graph.add_edge(START, "work")
    graph.add_edge("work", END)
    return graph.compile()


CALLING = Strategy(
    name="calling",
    summary="Calls what it is told to call.",
    paper="none",
    config=CallingConfig,
    build=_build,
    cost=lambda config, team, problem: CallBounds(1, 1),
    prompts=prompts_for,
    tools=lambda config: config.tools,
    runs_code=True,
)


class Text(Frozen):
    """Arguments of the tools below."""

    text: str = Field(description="Any text.")


def tool(name: str = "echo", work: Callable[[Text, ToolContext], Any] | None = None, **changes: Any) -> Tool[Any]:
    """A tool whose calls are counted in ``made``; by default it gives its text back."""

    async def echo(arguments: Text, context: ToolContext) -> Any:
        return {"echo": arguments.text}

    return Tool(name=name, description="Gives a text back.", arguments=Text, work=work or echo, **changes)


class Counted:
    """Work that counts its calls."""

    def __init__(self, seconds: float = 0.0, **changes: Any) -> None:
        self.calls: list[str] = []
        self.begun = asyncio.Event()
        self._seconds = seconds
        self.tool = tool(work=self._work, **changes)

    async def _work(self, arguments: Text, context: ToolContext) -> Any:
        self.calls.append(arguments.text)
        self.begun.set()
        await asyncio.sleep(self._seconds)
        return arguments.text.upper()


@contextmanager
def known(*tools: Tool[Any]) -> Iterator[None]:
    """Know the strategy, and these tools, by their names."""
    with ExitStack() as stack:
        stack.enter_context(STRATEGIES.having("calling", CALLING))
        for each in tools:
            stack.enter_context(TOOLS.having(each.name, each))
        yield


@asynccontextmanager
async def opened(
    folder: Path, *tools: Tool[Any], model: ScriptedModel | None = None, sandbox: Any = None, **flags: Any
) -> AsyncIterator[Session]:
    """A session that knows ``tools``; ``flags`` are settings."""
    settings = load_settings(flags={"strategy": "calling", **flags}, environ={}, cwd=folder, user_file=folder / "none.toml")
    gateway = ModelGateway(transports={"direct": model or ScriptedModel()}, retry=RetryPolicy(max_attempts=1))
    with known(*tools):
        async with Session(
            settings=settings,
            store=folder / "runs.db",
            gateway=gateway,
            models={"fake": fake_spec()},
            sandbox=sandbox or ScriptedSandbox(),
        ) as session:
            yield session
