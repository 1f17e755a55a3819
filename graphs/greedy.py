"""``greedy``: one answer at temperature 0. The baseline every other strategy is measured against."""

from __future__ import annotations

from functools import cache
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from ..agents.policy import Sampling, keep_candidates, policy_call, prompts_for
from ..core.budget import CallBounds
from ..core.calls import CallResult
from ..core.problem import AnswerKind
from ..core.result import Outcome
from .selection import select_all
from .strategy import Context, State, Strategy


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
    candidates = [scope.candidates[key] for key in ids]
    selections = select_all(candidates, [0 if candidate.answer is not None else -1 for candidate in candidates])
    pick = selections["majority"].candidate
    return {"outcome": Outcome(candidates=tuple(ids), pick=pick, selections=selections, stop_reason=wave.stop_reason)}


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
    cost=lambda _config, _team, _problem: CallBounds(1, 1),
    prompts=prompts_for,
    kinds=frozenset(AnswerKind) - {AnswerKind.TOOL_CALL},
)
