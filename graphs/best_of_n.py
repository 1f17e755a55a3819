"""``best-of-n``: sample several solutions, have a verifier score each, take the best.

Source: Cobbe et al. 2021, "Training Verifiers to Solve Math Word Problems" (arXiv 2110.14168); ``select=weighted``: Li et al.
2022, DiVeRSe (arXiv 2206.02336). Where no score is to be had the majority decides, which is a declared fallback. A candidate
without a readable answer cannot win, so that no call is spent on judging it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Required

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from ..agents.policy import ROLE, Sampling, keep_candidates, one_request, prompts_for, sample_calls
from ..core.answers import group
from ..core.budget import CallBounds
from ..core.calls import CallResult
from ..core.events import Warned
from ..core.model_spec import ModelSpec
from ..core.problem import AnswerKind, Problem
from ..core.result import Outcome, StopReason
from .judged import Judged
from .selection import NOTHING, VOTED_KINDS, select_all, tally
from .strategy import Context, State, Strategy


class BestOfNConfig(Judged, Sampling):
    """Options of ``best-of-n``."""

    n: int = Field(default=8, ge=1, le=1024)
    """Samples."""
    batched: bool = True
    """Ask for all samples in one request where the model has the ability ``n``: its prompt is paid once."""
    select: Literal["best-of", "weighted"] = "best-of"
    """``best-of`` takes the sample with the highest score, ``weighted`` the answer with the largest sum of scores."""


class _State(State):
    ids: Required[list[str]]
    stop_reason: Required[StopReason]


async def _propose(state: _State, runtime: Runtime[Context[BestOfNConfig]]) -> _State:  # noqa: ARG001
    """A wave of the policy: n samples."""
    context = runtime.context
    scope, problem, config = context.scope, context.problem, context.config
    ids: list[str] = []

    async def consume(result: CallResult) -> bool:
        ids.extend(keep_candidates(scope, result, problem, config))
        return False

    calls = sample_calls(scope, "propose", problem, config, config.n, batched=config.batched)
    wave = await scope.wave("propose", calls, consume=consume)
    return {"ids": ids, "stop_reason": wave.stop_reason}


async def _score(state: _State, runtime: Runtime[Context[BestOfNConfig]]) -> _State:
    """A wave of the verifier: every candidate that could win."""
    context = runtime.context
    scope = context.scope
    able = [scope.candidates[key] for key in state["ids"] if scope.candidates[key].answer is not None]
    scores = await context.config.judging.score(scope, context.problem, able, node="score")
    cut = state["stop_reason"]
    return {"ids": state["ids"], "stop_reason": scores.stop_reason if cut is StopReason.FINISHED else cut}


async def _select(state: _State, runtime: Runtime[Context[BestOfNConfig]]) -> State:
    """Every selector on the same candidates; the one asked for decides."""
    context = runtime.context
    scope, ids = context.scope, state["ids"]
    candidates = [scope.candidates[key] for key in ids]
    groups = await group([candidate.answer for candidate in candidates], scope.same_answer)
    selections = select_all(candidates, groups)
    voted = context.problem.answer_kind in VOTED_KINDS
    if not voted:
        del selections["majority"]
    by: str = context.config.select
    if by not in selections:
        _warn_of_no_scores(context, state, voted=voted)
        by = "majority" if voted else by
    winner = selections.get(by, NOTHING)
    outcome = Outcome(
        candidates=tuple(ids),
        pick=winner.candidate,
        selections=selections,
        confidence=winner.support,
        votes=tally(candidates, groups) if voted else (),
        decided_by=by,
        stop_reason=state["stop_reason"],
    )
    return {"outcome": outcome}


def _warn_of_no_scores(context: Context[BestOfNConfig], state: _State, *, voted: bool) -> None:
    """Say that the verifier decided nothing; not in a run that a person stopped, which may yet go on, nor without answers."""
    scope = context.scope
    answered = any(scope.candidates[key].answer is not None for key in state["ids"])
    if not answered or state["stop_reason"] is StopReason.STEERED:
        return
    instead = "the majority decides" if voted else f"and answers of kind {context.problem.answer_kind} cannot be voted on"
    message = f"{context.config.verifier} gave no candidate a score: {instead}"
    scope.emit(Warned(scope=scope.path, node="select", code="no_scores", message=message))


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("propose", _propose)
    graph.add_node("score", _score)
    graph.add_node("select", _select)
    graph.add_edge(START, "propose")
    graph.add_edge("propose", "score")
    graph.add_edge("score", "select")
    graph.add_edge("select", END)
    return graph.compile()


def _cost(config: BestOfNConfig, team: Mapping[str, ModelSpec], _problem: Problem) -> CallBounds:
    """The samples; then as much judging as n different texts need, or none where no sample holds an answer."""
    samples = 1 if one_request(team[ROLE], config.n, batched=config.batched) else config.n
    return CallBounds(samples, samples + config.judging.cost(team, config.n).most)


STRATEGY = Strategy(
    name="best-of-n",
    summary="Sample several solutions, have a verifier score each, and take the best.",
    paper="Cobbe et al. 2021 (arXiv 2110.14168); select=weighted: Li et al. 2022 (arXiv 2206.02336)",
    config=BestOfNConfig,
    build=_build,
    cost=_cost,
    prompts=prompts_for,
    verifiers=lambda config: (config.judging,),
    kinds=frozenset(AnswerKind) - {AnswerKind.TOOL_CALL},
)
