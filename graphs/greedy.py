"""``greedy``: one answer at temperature 0. The baseline every other strategy is measured against."""

from __future__ import annotations

from functools import cache
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from ..agents.policy import Sampling, keep_candidates, policy_call, prompts_for
from ..core.calls import CallResult
from ..core.result import Outcome, Selection
from .strategy import CallBounds, Context, State, Strategy


class GreedyConfig(Sampling):
    """Options of ``greedy``."""

    temperature: float = 0.0
    """0 takes the likeliest token each time."""


async def _propose(state: State, runtime: Runtime[Context[GreedyConfig]]) -> State:  # noqa: ARG001
    context = runtime.context
    scope, problem, config = context.scope, context.problem, context.config
    ids: list[str] = []

    async def consume(result: CallResult) -> bool:
        ids.extend(keep_candidates(scope, result, problem, config))
        return False

    wave = await scope.wave("propose", [policy_call(scope, "propose", problem, config)], consume=consume)
    answer = scope.candidates[ids[0]].answer if ids else None
    pick = ids[0] if answer is not None else None
    selections = {"first": Selection(answer=answer.text if answer else None, candidate=pick)}
    return {
        "outcome": Outcome(candidates=tuple(ids), pick=pick, selections=selections, stop_reason=wave.stop_reason),
    }


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(State, context_schema=Context)
    graph.add_node("propose", _propose)
    graph.add_edge(START, "propose")
    graph.add_edge("propose", END)
    return graph.compile()


STRATEGY = Strategy(
    name="greedy",
    summary="One answer at temperature 0.",
    paper="Wei et al. 2022, chain-of-thought prompting (arXiv 2201.11903), decoded greedily",
    config=GreedyConfig,
    build=_build,
    cost=lambda _config, _team: CallBounds(1, 1),
    prompts=prompts_for,
)
