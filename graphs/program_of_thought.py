"""``program-of-thought``: the policy writes a program, the sandbox runs it, its value is the answer.

Source: Chen et al. 2022, "Program of Thoughts Prompting" (arXiv 2211.12588); n samples and a vote as there. We differ in that the
model is asked without worked examples, and in the repair attempts: where a program fails or gives nothing that can be an answer,
the model is told what went wrong and writes another one, as in Chen et al. 2023, Self-Debugging (arXiv 2304.05128).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, NamedTuple, Required

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field, model_validator

from ..agents.policy import ROLE, Sampling, one_request, read_candidates, sampled, with_role_prompt
from ..agents.programs import find_program, read_value, solution, what_is_wrong, with_value
from ..agents.quoted import as_data, fill
from ..core.answers import group
from ..core.budget import CallBounds
from ..core.calls import CallResult, ModelCall
from ..core.candidate import Candidate
from ..core.model_spec import ModelSpec
from ..core.problem import Message, Problem
from ..core.result import Outcome, StopReason
from ..core.sandbox import Execution, Limits
from .selection import VOTED_KINDS, select_all, tally
from .strategy import Context, State, Strategy

_REPAIR = "program.repair"
_SEVERAL = 0.4
"""The temperature of several samples, as in the paper."""


class ProgramOfThoughtConfig(Sampling):
    """Options of ``program-of-thought``."""

    n: int = Field(default=1, ge=1, le=1024)
    """Programs whose answers are voted on."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """Sampling temperature; 0.4 by default where n is more than 1."""
    repairs: int = Field(default=1, ge=0, le=8)
    """Further attempts at each program that fails or gives no answer."""
    limits: Limits = Limits()
    """What each program may take, such as ``--set limits.seconds=2``."""
    batched: bool = True
    """Ask for all first attempts in one request where the model has the ability ``n``: its prompt is paid once."""

    @model_validator(mode="before")
    @classmethod
    def _several_samples_differ(cls, given: Any) -> Any:
        """Complete the temperature, so that a stored run says all that decided it."""
        if isinstance(given, Mapping) and given.get("n", 1) != 1 and "temperature" not in given:
            return {**given, "temperature": _SEVERAL}
        return given


class _Attempt(NamedTuple):
    """The latest program of a sample, and what came of it."""

    sample: int
    candidate: Candidate
    """As the model wrote it."""
    execution: Execution | None = None
    """None before it was run, and where there is no program."""
    settled: bool = False
    """In the pool: it has its answer, or no further attempt is left."""


class _State(State):
    attempts: Required[list[_Attempt]]
    """By sample, but for those whose calls failed."""
    visit: Required[int]
    stop_reason: Required[StopReason]


_Runtime = Runtime[Context[ProgramOfThoughtConfig]]


async def _write(state: _State, runtime: _Runtime) -> _State:  # noqa: ARG001
    """A wave of the policy: the first attempts of n samples."""
    context = runtime.context
    scope, problem, config = context.scope, context.problem, context.config
    messages = _asked(context)
    many = config.n if one_request(scope.spec(ROLE), config.n, batched=config.batched) else 1
    calls = [sampled(scope, "write", messages, config, index=index, n=many) for index in range(config.n // many)]
    attempts: list[_Attempt] = []

    async def consume(result: CallResult) -> bool:
        attempts.extend(
            _Attempt(result.index + place, candidate) for place, candidate in enumerate(read_candidates(result, problem, config))
        )
        return False

    wave = await scope.wave("write", calls, consume=consume)
    return {"attempts": attempts, "visit": 0, "stop_reason": wave.stop_reason}


async def _run(state: _State, runtime: _Runtime) -> _State:
    """A wave of the sandbox: every program not run yet. What gave an answer, or was the last attempt, is settled."""
    context, visit = runtime.context, state["visit"]
    scope, config = context.scope, context.config
    new = [attempt for attempt in state["attempts"] if not attempt.settled and attempt.execution is None]
    programs = {attempt.sample: program for attempt in new if (program := find_program(attempt.candidate.text)) is not None}
    done = await scope.execute("run", [with_value(code) for code in programs.values()], limits=config.limits, visit=visit)
    executions = dict(zip(programs, done.results, strict=True))
    reason = _first_cut(state["stop_reason"], done.stop_reason)
    attempts = []
    for attempt in state["attempts"]:
        ran = attempt._replace(execution=executions.get(attempt.sample, attempt.execution))
        known = ran.sample not in programs or ran.execution is not None
        last = visit == config.repairs and known
        if not ran.settled and (last or _answered(ran, context)):
            ran = _settle(ran, context)
        attempts.append(ran)
    return {"attempts": attempts, "visit": visit, "stop_reason": reason}


async def _repair(state: _State, runtime: _Runtime) -> _State:
    """A wave of the policy: another program for each sample whose last one gave no answer."""
    context, visit = runtime.context, state["visit"] + 1
    problem, config = context.problem, context.config
    wrong = [attempt for attempt in state["attempts"] if not attempt.settled]
    repaired: dict[int, _Attempt] = {}

    async def consume(result: CallResult) -> bool:
        sample = wrong[result.index].sample
        for candidate in read_candidates(result, problem, config):
            repaired[sample] = _Attempt(sample, candidate)
        return False

    calls = [_repair_call(context, attempt, visit) for attempt in wrong]
    wave = await context.scope.wave("repair", calls, consume=consume, visit=visit)
    attempts = [repaired.get(attempt.sample, attempt) for attempt in state["attempts"]]
    return {"attempts": attempts, "visit": visit, "stop_reason": wave.stop_reason}


async def _vote(state: _State, runtime: _Runtime) -> State:
    """Every selector on the same candidates; the majority decides."""
    context, attempts = runtime.context, state["attempts"]
    if state["stop_reason"] is not StopReason.STEERED:  # a stopped run goes on when it is resumed: nothing more is final yet
        attempts = [attempt if attempt.settled else _settle(attempt, context) for attempt in attempts]
    candidates = [context.scope.candidates[attempt.candidate.id] for attempt in attempts if attempt.settled]
    groups = await group([candidate.answer for candidate in candidates], context.scope.same_answer)
    selections = select_all(candidates, groups)
    winner = selections["majority"]
    outcome = Outcome(
        candidates=tuple(candidate.id for candidate in candidates),
        pick=winner.candidate,
        selections=selections,
        confidence=winner.support,
        votes=tally(candidates, groups),
        stop_reason=state["stop_reason"],
    )
    return {"outcome": outcome}


def _next(state: _State, runtime: _Runtime) -> Literal["repair", "vote"]:
    open_ones = any(not attempt.settled for attempt in state["attempts"])
    left = state["visit"] < runtime.context.config.repairs
    return "repair" if open_ones and left and state["stop_reason"] is StopReason.FINISHED else "vote"


def _asked(context: Context[ProgramOfThoughtConfig]) -> tuple[Message, ...]:
    return with_role_prompt(context.problem.messages, context.scope.prompts[_prompt_name(context.problem)])


def _repair_call(context: Context[ProgramOfThoughtConfig], attempt: _Attempt, visit: int) -> ModelCall:
    """Shows the last attempt only: what came before it was no better, and every turn is paid anew."""
    text = attempt.candidate.text
    error = what_is_wrong(find_program(text), attempt.execution, context.problem.answer_kind)
    again = fill(context.scope.prompts[_REPAIR], error=as_data(error))
    said = Message(role="assistant", content=text or "(nothing)")
    messages = (*_asked(context), said, Message(role="user", content=again))
    return sampled(context.scope, "repair", messages, context.config, visit=visit, index=attempt.sample)


def _answered(attempt: _Attempt, context: Context[ProgramOfThoughtConfig]) -> bool:
    return _with_answer(attempt, context).answer is not None


def _with_answer(attempt: _Attempt, context: Context[ProgramOfThoughtConfig]) -> Candidate:
    """The candidate that an attempt is: its answer is what its program gave, whatever its text says."""
    execution, last_number = attempt.execution, context.config.last_number
    answer = read_value(execution, context.problem.answer_kind, last_number=last_number) if execution is not None else None
    text = solution(attempt.candidate.text, execution)
    return attempt.candidate.model_copy(update={"text": text, "answer": answer})


def _settle(attempt: _Attempt, context: Context[ProgramOfThoughtConfig]) -> _Attempt:
    context.scope.add(_with_answer(attempt, context))
    return attempt._replace(settled=True)


def _first_cut(before: StopReason, now: StopReason) -> StopReason:
    return now if before is StopReason.FINISHED else before


def _prompt_name(problem: Problem) -> str:
    return f"program.{problem.answer_kind}"


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("write", _write)
    graph.add_node("run", _run)
    graph.add_node("repair", _repair)
    graph.add_node("vote", _vote)
    graph.add_edge(START, "write")
    graph.add_edge("write", "run")
    graph.add_conditional_edges("run", _next, ["repair", "vote"])
    graph.add_edge("repair", "run")
    graph.add_edge("vote", END)
    return graph.compile()


def _cost(config: ProgramOfThoughtConfig, team: Mapping[str, ModelSpec], _problem: Problem) -> CallBounds:
    """The first attempts; then every repair of every sample at most."""
    first = 1 if one_request(team[ROLE], config.n, batched=config.batched) else config.n
    return CallBounds(first, first + config.n * config.repairs)


STRATEGY = Strategy(
    name="program-of-thought",
    summary="Write a program, run it in the sandbox, and take what it computes; optionally vote over several.",
    paper="Chen et al. 2022 (arXiv 2211.12588)",
    config=ProgramOfThoughtConfig,
    build=_build,
    cost=_cost,
    prompts=lambda problem: (_prompt_name(problem), _REPAIR),
    samples=lambda config: config.n * (1 + config.repairs),
    converses=True,
    runs_code=True,
    kinds=VOTED_KINDS,
)
