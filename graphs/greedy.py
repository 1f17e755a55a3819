"""``greedy``: one answer at temperature 0. The baseline every other strategy is measured against."""

from __future__ import annotations

from functools import cache
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from ..agents.policy import prompts_for
from ..core.problem import AnswerKind
from ..core.result import Outcome
from .sampling import Plan, Planned, Sampled, drawn, propose, sampling_cost
from .selection import select_all
from .strategy import Context, State, Strategy


class GreedyConfig(Planned):
    """Options of ``greedy``."""

    temperature: float = 0.0
    """0 takes the likeliest token each time."""

    @property
    def plan(self) -> Plan:
        """A single sample."""
        return Plan(1)


async def _propose(state: Sampled, runtime: Runtime[Context[Any]]) -> State:
    """The one answer is the pick, whatever its kind: nothing is compared."""
    sampled = await propose(state, runtime)
    candidates = drawn(runtime.context.scope, sampled)
    selections = select_all(candidates, [0 if candidate.answer is not None else -1 for candidate in candidates])
    ids, pick = tuple(candidate.id for candidate in candidates), selections["majority"].candidate
    return {"outcome": Outcome(candidates=ids, pick=pick, selections=selections, stop_reason=sampled["stop_reason"])}


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(Sampled, context_schema=Context)
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
    cost=sampling_cost,
    prompts=prompts_for,
    kinds=frozenset(AnswerKind) - {AnswerKind.TOOL_CALL},
)
