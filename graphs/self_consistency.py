"""``self-consistency``: sample several solutions, vote on their answers.

Source: Wang et al. 2022 (arXiv 2203.11171). With ``stop=beta`` sampling ends as soon as the vote is settled: Aggarwal et al.
2023, Adaptive-Consistency (arXiv 2305.11860). We differ there in keeping a window of calls in flight; the decision is made on
the first k samples by index all the same, so that the window changes speed and never the answer.
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
from ..core.model_spec import ModelSpec
from ..core.problem import Problem
from ..core.protocols import Scope
from ..core.result import Outcome, StopReason
from .selection import VOTED_KINDS, select_all, tally
from .stopping import beta_agrees
from .strategy import Context, State, Strategy


class SelfConsistencyConfig(Sampling):
    """Options of ``self-consistency``."""

    n: int = Field(default=8, ge=1, le=1024)
    """Samples; with ``stop=beta`` the most there can be."""
    stop: Literal["fixed", "beta"] = "fixed"
    """``fixed`` takes all n samples; ``beta`` stops when the leading answer is sure to keep its majority."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """How sure ``beta`` must be. At 0.95 four equal answers are enough."""
    window: int = Field(default=4, ge=1)
    """Calls in flight under ``beta``."""
    batched: bool = True
    """Ask for all samples of ``fixed`` in one request where the model has the ability ``n``: its prompt is paid once."""


class _State(State):
    ids: Required[list[str]]
    stop_reason: Required[StopReason]


def _batched(config: SelfConsistencyConfig) -> bool:
    """A stopping rule must see samples one by one."""
    return config.batched and config.stop == "fixed"


async def _propose(state: _State, runtime: Runtime[Context[SelfConsistencyConfig]]) -> _State:  # noqa: ARG001
    """A wave of the policy: n samples, or as many as the stopping rule wants."""
    context = runtime.context
    scope, problem, config = context.scope, context.problem, context.config
    ids: list[str] = []

    async def consume(result: CallResult) -> bool:
        ids.extend(keep_candidates(scope, result, problem, config))
        return config.stop == "beta" and beta_agrees(await _groups(scope, ids), config.confidence)

    window = config.window if config.stop == "beta" else None
    calls = sample_calls(scope, "propose", problem, config, config.n, batched=_batched(config))
    wave = await scope.wave("propose", calls, consume=consume, window=window)
    for result in wave.late:
        keep_candidates(scope, result, problem, config, counted=False)
    return {"ids": ids, "stop_reason": wave.stop_reason}


async def _vote(state: _State, runtime: Runtime[Context[SelfConsistencyConfig]]) -> State:
    """Every selector on the same candidates; the majority decides."""
    scope, ids = runtime.context.scope, state["ids"]
    candidates = [scope.candidates[key] for key in ids]
    groups = await _groups(scope, ids)
    selections = select_all(candidates, groups)
    winner = selections["majority"]
    outcome = Outcome(
        candidates=tuple(ids),
        pick=winner.candidate,
        selections=selections,
        confidence=winner.support,
        votes=tally(candidates, groups),
        stop_reason=state["stop_reason"],
    )
    return {"outcome": outcome}


async def _groups(scope: Scope, ids: list[str]) -> tuple[int, ...]:
    return await group([scope.candidates[key].answer for key in ids], scope.same_answer)


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("propose", _propose)
    graph.add_node("vote", _vote)
    graph.add_edge(START, "propose")
    graph.add_edge("propose", "vote")
    graph.add_edge("vote", END)
    return graph.compile()


def _cost(config: SelfConsistencyConfig, team: Mapping[str, ModelSpec], _problem: Problem) -> CallBounds:
    if one_request(team[ROLE], config.n, batched=_batched(config)):
        return CallBounds(1, 1)
    return CallBounds(min(config.n, _least_for(config.confidence)) if config.stop == "beta" else config.n, config.n)


def _least_for(confidence: float) -> int:
    """Equal answers that settle a vote with no other answer in it."""
    count = 1
    while not beta_agrees([0] * count, confidence):
        count += 1
    return count


STRATEGY = Strategy(
    name="self-consistency",
    summary="Sample several solutions and take the majority answer; optionally stop once the vote is settled.",
    paper="Wang et al. 2022 (arXiv 2203.11171); stop=beta: Aggarwal et al. 2023 (arXiv 2305.11860)",
    config=SelfConsistencyConfig,
    build=_build,
    cost=_cost,
    prompts=prompts_for,
    kinds=VOTED_KINDS,
)
