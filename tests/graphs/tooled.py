"""Sessions, tools and scripts for strategies that call tools and run programs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import Field

from symposia.core.base import Frozen
from symposia.core.model_spec import Ability
from symposia.core.tooling import ToolContext
from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import Answer, ScriptedModel, ScriptedSandbox, fake_spec
from symposia.tools.tool import TOOLS, Tool

PLAIN = (Ability.CHAT, Ability.SEED)
NATIVE = (*PLAIN, Ability.TOOLS)


class Text(Frozen):
    """Arguments of the tools below."""

    text: str = Field(description="Any text.")


class Told:
    """A tool that says what it is told to say, and remembers what it was asked."""

    def __init__(self, name: str = "look-up", says: Any = "nothing") -> None:
        self.asked: list[str] = []
        self._says = says
        self.tool = Tool(name=name, description="Looks a text up.", arguments=Text, work=self._work)

    async def _work(self, arguments: Text, context: ToolContext) -> Any:
        self.asked.append(arguments.text)
        return self._says(arguments.text) if callable(self._says) else self._says


def in_turn(*answers: Answer) -> Callable[[str, int], Answer]:
    """A script that gives one answer after the other, and the last one for good."""
    left = list(answers)
    return lambda prompt, sample: left.pop(0) if len(left) > 1 else left[0]


def wants(name: str, text: str, why: str = "to be sure") -> str:
    """A turn in text that wants a tool."""
    return f'Thought: {why}\nAction: {name}\nAction Input: {{"text": "{text}"}}'


def calls(*wanted: tuple[str, str]) -> dict[str, Any]:
    """A native turn that wants tools, by name and JSON arguments."""
    return {
        "content": None,
        "tool_calls": [
            {"id": f"c{place}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for place, (name, arguments) in enumerate(wanted)
        ],
    }


@asynccontextmanager
async def opened(
    folder: Path,
    model: ScriptedModel,
    tools: Sequence[Tool[Any]] = (),
    *,
    abilities: Sequence[Ability] = PLAIN,
    sandbox: ScriptedSandbox | None = None,
    **flags: Any,
) -> AsyncIterator[Session]:
    """A session on ``model`` that knows ``tools``; ``flags`` are settings."""
    settings = load_settings(flags=flags, environ={}, cwd=folder, user_file=folder / "none.toml")
    gateway = ModelGateway(transports={"direct": model}, retry=RetryPolicy(max_attempts=1))
    models = {"fake": fake_spec(abilities=abilities)}
    with ExitStack() as stack:
        for tool in tools:
            stack.enter_context(TOOLS.having(tool.name, tool))
        async with Session(
            settings=settings, store=":memory:", gateway=gateway, models=models, sandbox=sandbox or ScriptedSandbox()
        ) as session:
            yield session
