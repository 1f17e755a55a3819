"""``code-consistency``: write several programs, run all of them on the same inputs, and take one of those that most agree with.

Sources: MBR-exec, Shi et al. 2022, "Natural Language to Code Translation with Execution" (arXiv 2204.11454): the program that
does on all inputs the same as most do; and the clustering of AlphaCode, Li et al. 2022 (arXiv 2203.07814). Inputs are those of
the tests that the question shows. Where it shows none the policy is asked for some, once, and told no more of the programs than
name and parameters of the function that most of them define. We differ in that the results named by shown tests filter nothing,
that no model was trained to write inputs, and that a program that fails on an input loses to one that ran on more of them.

It is a strategy of its own, and not an equality of answers: equality there is a matter of two answers alone, needs no sandbox,
and asks no model. What its vote keeps is said at :func:`.behaviour.most_alike`; inputs depend on all programs where they are
asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from ..agents.code_inputs import CodeInput, common_function, examples, most_read_input, read_inputs
from ..agents.code_runs import behaviour, code_for
from ..agents.policy import prompts_for, sampled
from ..agents.quoted import asking, conversation, fill
from ..core.budget import CallBounds
from ..core.calls import CallResult
from ..core.events import Warned
from ..core.model_spec import ModelSpec
from ..core.problem import AnswerKind, Problem
from ..core.protocols import Scope
from ..core.result import Outcome, StopReason
from ..core.sandbox import Limits
from .behaviour import Grouped, by_behaviour, most_alike
from .sampling import Plan, Planned, Sampled, drawn, propose, sampling_cost
from .selection import select_all, tally
from .strategy import Context, State, Strategy

_CALLED, _TYPED = "code.inputs-called", "code.inputs-typed"


class CodeConsistencyConfig(Planned):
    """Options of ``code-consistency``."""

    n: int = Field(default=8, ge=1, le=256)
    """Programs."""
    inputs: int = Field(default=8, ge=1, le=64)
    """Inputs that the policy is asked for where the question shows no tests."""
    limits: Limits = Limits()
    """What a program may take on each input, such as ``--set limits.seconds=2``."""
    batched: bool = True
    """Ask for all programs in one request where the model has the ability ``n``: its prompt is paid once."""

    @property
    def plan(self) -> Plan:
        """All n programs."""
        return Plan(self.n, batched=self.batched)


class _State(Sampled, total=False):
    inputs: tuple[CodeInput, ...]
    """Those that were asked for; absent where none were."""
    grouped: Grouped
    """The programs by sample; absent where they were not run."""


_Runtime = Runtime[Context[CodeConsistencyConfig]]


async def _inputs(state: _State, runtime: _Runtime) -> dict[str, Any]:
    """A call of the policy: inputs for the programs that there are."""
    scope, problem, config = runtime.context.scope, runtime.context.problem, runtime.context.config
    programs = _distinct(scope, state)
    function = None if most_read_input(programs) else common_function(programs, problem.question)
    parts = {"conversation": conversation(problem.messages), "count": str(config.inputs)}
    if function is not None:
        parts["signature"] = function.signature
    text = fill(scope.prompts[_TYPED if function is None else _CALLED], **parts)
    found: list[CodeInput] = []

    async def consume(result: CallResult) -> bool:
        for choice in result.reply.choices if result.reply is not None else ():
            found.extend(read_inputs(choice.text, function, config.inputs))
        return False

    call = sampled(scope, "inputs", (asking(text, problem.messages),), config.model_copy(update={"temperature": 0.0}))
    wave = await scope.wave("inputs", [call], consume=consume)
    return {"inputs": tuple(found), "stop_reason": wave.stop_reason}


async def _run(state: _State, runtime: _Runtime) -> dict[str, Any]:
    """A wave of the sandbox: each program on each input, or once as it is where there are none. Equal ones are run once."""
    scope, problem, config = runtime.context.scope, runtime.context.problem, runtime.context.config
    programs = _distinct(scope, state)
    given: list[CodeInput | None] = [*(state.get("inputs") or examples(problem.question))] or [None]
    work = [code_for(program, each) for program in programs for each in given]
    done = await scope.execute("run", work, limits=config.limits)
    rows = [done.results[start : start + len(given)] for start in range(0, len(work), len(given))]
    known = [place for place in range(len(given)) if all(row[place] is not None for row in rows)]  # the run may be halted
    did = {
        program: [behaviour(program, given[place], ran) for place in known if (ran := row[place]) is not None]
        for program, row in zip(programs, rows, strict=True)
    }
    each = _programs(scope, state)
    grouped = by_behaviour(each, [did[program] if program is not None else [] for program in each])
    reason = state["stop_reason"] if state["stop_reason"] is not StopReason.FINISHED else done.stop_reason
    if reason is not StopReason.STEERED:  # a stopped run goes on when it is resumed
        _warn(scope, grouped, given)
    return {"grouped": grouped, "stop_reason": reason}


async def _vote(state: _State, runtime: _Runtime) -> State:
    """The largest group of programs; programs that were not run are equal where their texts are."""
    scope = runtime.context.scope
    candidates, programs = drawn(scope, state), _programs(scope, state)
    grouped = state.get("grouped") or by_behaviour(programs, [[] for _ in programs])
    winner = most_alike(candidates, grouped)
    outcome = Outcome(
        candidates=tuple(candidate.id for candidate in candidates),
        pick=winner.candidate,
        selections=select_all(candidates, grouped.groups) | {"majority": winner},
        confidence=winner.support,
        votes=tally(candidates, grouped.groups),
        stop_reason=state["stop_reason"],
    )
    return {"outcome": outcome}


def _after_propose(state: _State, runtime: _Runtime) -> Literal["inputs", "run", "vote"]:
    """Inputs are asked for where there are several programs that could take some, and none are shown."""
    programs, question = _distinct(runtime.context.scope, state), runtime.context.problem.question
    if len(programs) < 2 or state["stop_reason"] is StopReason.STEERED:
        return "vote"
    takes = most_read_input(programs) or common_function(programs, question) is not None
    return "inputs" if takes and not examples(question) and state["stop_reason"] is StopReason.FINISHED else "run"


def _after_inputs(state: _State) -> Literal["run", "vote"]:
    return "vote" if state["stop_reason"] is StopReason.STEERED else "run"


def _programs(scope: Scope, state: _State) -> list[str | None]:
    """By sample, but for those whose calls failed."""
    return [None if candidate.answer is None else candidate.answer.value for candidate in drawn(scope, state)]


def _distinct(scope: Scope, state: _State) -> list[str]:
    return list(dict.fromkeys(program for program in _programs(scope, state) if program is not None))


def _warn(scope: Scope, grouped: Grouped, given: list[CodeInput | None]) -> None:
    """Say where programs were not compared as they should be."""
    said = []
    if given == [None]:
        said.append(("no_inputs", "there are no inputs to run the programs on: they were run once, as they are"))
    if not grouped.ran:
        said.append(("nothing_ran", "no program ran to its end: they are equal only where their texts are"))
    for index, (code, message) in enumerate(said):
        scope.emit(Warned(scope=scope.path, node="run", index=index, code=code, message=message))


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("propose", propose)
    graph.add_node("inputs", _inputs)
    graph.add_node("run", _run)
    graph.add_node("vote", _vote)
    graph.add_edge(START, "propose")
    graph.add_conditional_edges("propose", _after_propose, ["inputs", "run", "vote"])
    graph.add_conditional_edges("inputs", _after_inputs, ["run", "vote"])
    graph.add_edge("run", "vote")
    graph.add_edge("vote", END)
    return graph.compile()


def _cost(config: CodeConsistencyConfig, team: Mapping[str, ModelSpec], problem: Problem) -> CallBounds:
    """The programs; then one call for inputs, where the question shows none and the programs are not all the same."""
    samples = sampling_cost(config, team, problem)
    return CallBounds(samples.least, samples.most + int(not examples(problem.question)))


STRATEGY = Strategy(
    name="code-consistency",
    summary="Write several programs, run them on the same inputs, and take one of those that most do alike.",
    paper="Shi et al. 2022 (arXiv 2204.11454); Li et al. 2022 (arXiv 2203.07814)",
    config=CodeConsistencyConfig,
    build=_build,
    cost=_cost,
    prompts=lambda problem: (*prompts_for(problem), _CALLED, _TYPED),
    samples=lambda config: config.n + 1,
    runs_code=True,
    kinds=frozenset({AnswerKind.CODE}),
)
