"""``best-of-n``: sample several solutions, have a verifier score each, take the best.

Source: Cobbe et al. 2021, "Training Verifiers to Solve Math Word Problems" (arXiv 2110.14168); ``select=weighted``: Li et al.
2022, DiVeRSe (arXiv 2206.02336). Where no score is to be had the majority decides, which is a declared fallback. A candidate
without a readable answer cannot win, so that no call is spent on judging it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from ..agents.policy import prompts_for
from ..core.budget import CallBounds
from ..core.model_spec import ModelSpec
from ..core.problem import AnswerKind, Problem
from .judged import Judged, score
from .sampling import Plan, Planned, Sampled, Vote, outcome, propose, sampling_cost
from .strategy import Context, State, Strategy


class BestOfNConfig(Judged, Planned):
    """Options of ``best-of-n``."""

    n: int = Field(default=8, ge=1, le=1024)
    """Samples."""
    batched: bool = True
    """Ask for all samples in one request where the model has the ability ``n``: its prompt is paid once."""
    select: Literal["best-of", "weighted"] = "best-of"
    """``best-of`` takes the sample with the highest score, ``weighted`` the answer with the largest sum of scores."""

    @property
    def plan(self) -> Plan:
        """All n samples."""
        return Plan(self.n, batched=self.batched)

    @property
    def vote(self) -> Vote:
        """By the verifier's scores."""
        return Vote(self.select, judge=self.verifier)


async def _select(state: Sampled, runtime: Runtime[Context[BestOfNConfig]]) -> State:
    """Every selector on the same candidates; the one asked for decides."""
    return {"outcome": await outcome(runtime.context, state, node="select")}


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(Sampled, context_schema=Context)
    graph.add_node("propose", propose)
    graph.add_node("score", score)
    graph.add_node("select", _select)
    graph.add_edge(START, "propose")
    graph.add_edge("propose", "score")
    graph.add_edge("score", "select")
    graph.add_edge("select", END)
    return graph.compile()


def _cost(config: BestOfNConfig, team: Mapping[str, ModelSpec], problem: Problem) -> CallBounds:
    """The samples; then as much judging as n different texts need, or none where no sample holds an answer."""
    samples = sampling_cost(config, team, problem)
    return CallBounds(samples.least, samples.most + config.judging.cost(team, config.n).most)


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
