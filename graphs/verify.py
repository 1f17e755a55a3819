"""``verify``: score solutions that are there already. No policy writes anything, unless the verifier asks it to.

What is judged are the problem's ``solutions``: those of another program, of a person, of a benchmark. Each becomes a candidate
of the run, so that scores, steps, rationales and evidence are stored, replayed and shown like those of any other.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Required

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from ..core.answers import extract
from ..core.budget import CallBounds
from ..core.candidate import Candidate
from ..core.model_spec import ModelSpec
from ..core.problem import AnswerKind, Problem
from ..core.result import Outcome, StopReason
from ..core.steps import split_steps
from ..core.thinking import split_thinking
from .judged import Judged
from .selection import NOTHING, select_all
from .strategy import Context, State, Strategy

GIVEN = "given"
"""The name of the model of candidates that no model of the run wrote."""


class VerifyConfig(Judged):
    """Options of ``verify``."""


class _State(State):
    ids: Required[list[str]]
    stop_reason: Required[StopReason]


async def _place(state: _State, runtime: Runtime[Context[VerifyConfig]]) -> _State:  # noqa: ARG001
    """Put the given solutions into the pool."""
    scope, problem = runtime.context.scope, runtime.context.problem
    candidates = [
        Candidate(
            id=f"{scope.path}/{GIVEN}.0.{index}#0",
            text=solution.text,
            steps=solution.steps,
            answer=extract(split_thinking(solution.text)[1], problem.answer_kind, language=problem.language),
            language=problem.language,
            role=GIVEN,
            model=GIVEN,
        )
        for index, solution in enumerate(problem.solutions)
    ]
    for candidate in candidates:
        scope.add(candidate)
    return {"ids": [candidate.id for candidate in candidates], "stop_reason": StopReason.FINISHED}


async def _score(state: _State, runtime: Runtime[Context[VerifyConfig]]) -> _State:
    """The verifier's work on every solution, whether an answer can be read in it or not."""
    context = runtime.context
    given = [context.scope.candidates[key] for key in state["ids"]]
    scores = await context.config.judging.score(context.scope, context.problem, given, node="score")
    return {"ids": state["ids"], "stop_reason": scores.stop_reason}


async def _select(state: _State, runtime: Runtime[Context[VerifyConfig]]) -> State:
    """The best by score. Nothing is voted on: solutions that were given are no samples."""
    scope, ids = runtime.context.scope, state["ids"]
    candidates = [scope.candidates[key] for key in ids]
    picks = select_all(candidates, range(len(candidates)))
    selections = {name: pick for name, pick in picks.items() if name.startswith("best-of")}
    winner = selections.get("best-of", NOTHING)
    outcome = Outcome(
        candidates=tuple(ids),
        pick=winner.candidate,
        selections=selections,
        confidence=winner.support,
        decided_by="best-of",
        stop_reason=state["stop_reason"],
    )
    return {"outcome": outcome}


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("place", _place)
    graph.add_node("score", _score)
    graph.add_node("select", _select)
    graph.add_edge(START, "place")
    graph.add_edge("place", "score")
    graph.add_edge("score", "select")
    graph.add_edge("select", END)
    return graph.compile()


def _cost(config: VerifyConfig, team: Mapping[str, ModelSpec], problem: Problem) -> CallBounds:
    """As much judging as the solutions need, whichever of them are alike."""
    steps = [len(solution.steps or split_steps(solution.text)) for solution in problem.solutions]
    return config.judging.cost(team, max(1, len(steps)), max(steps, default=1))


STRATEGY = Strategy(
    name="verify",
    summary="Score solutions that are there already, whole or step by step.",
    paper="the verifier's own",
    config=VerifyConfig,
    build=_build,
    cost=_cost,
    prompts=lambda _problem: (),
    abilities={},
    verifiers=lambda config: (config.judging,),
    judges=True,
    kinds=frozenset(AnswerKind),
)
