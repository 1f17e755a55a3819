"""``divergence``: ask once coldly and once hotly, and only where the two answers differ ask more and vote.

Our own gate: we know of no paper that measured it. A cold answer that a hot sample comes to as well is taken to be stable, as the
first two samples of any early stop are; where temperature moves the answer, the question is worth a vote. The vote counts both
probes and every further sample alike, in the order cold, hot, further: it is :func:`.selection.majority`, whose invariants it
keeps, and whose ties go to the first answer, so that a tie of the cold answer's is the cold answer's.

Two equal answers do not make a right one: how often they are wrong together, only an experiment can tell.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from ..agents.policy import ROLE, keep_candidates, one_request, policy_call, prompts_for
from ..core.budget import CallBounds
from ..core.calls import CallResult
from ..core.model_spec import ModelSpec
from ..core.problem import Problem
from ..core.result import StopReason
from .sampling import Plan, Planned, Sampled, groups_of, propose, vote
from .selection import VOTED_KINDS
from .stopping import window_agrees
from .strategy import Context, Strategy

_COLD = 0.0
_PROBES = 2


class DivergenceConfig(Planned):
    """Options of ``divergence``."""

    temperature: float = Field(default=0.7, ge=0, le=2)
    """Temperature of the further samples; the cold one has 0."""
    hot: float = Field(default=1.0, gt=0, le=2)
    """Temperature of the hot sample."""
    more: int = Field(default=6, ge=1, le=1022)
    """Further samples where the cold answer and the hot one differ."""
    batched: bool = True
    """Ask for the further samples in one request where the model has the ability ``n``: its prompt is paid once."""

    @property
    def plan(self) -> Plan:
        """The two probes and all further samples."""
        return Plan(_PROBES + self.more, batched=self.batched)


_Runtime = Runtime[Context[DivergenceConfig]]


async def _probe(state: Sampled, runtime: _Runtime) -> Sampled:  # noqa: ARG001
    """A wave of the policy: one cold sample, one hot one. Equal answers end the run as agreed."""
    scope, problem, config = runtime.context.scope, runtime.context.problem, runtime.context.config
    samples: list[str | None] = []

    async def consume(result: CallResult) -> bool:
        samples.extend(keep_candidates(scope, result, problem, config) or [None])
        return window_agrees(await groups_of(scope, samples), _PROBES)

    heats = [config.model_copy(update={"temperature": heat}) for heat in (_COLD, config.hot)]
    calls = [policy_call(scope, "probe", problem, heat, index=index) for index, heat in enumerate(heats)]
    wave = await scope.wave("probe", calls, consume=consume)
    return {"samples": samples, "visit": 0, "stop_reason": wave.stop_reason}


def _next(state: Sampled) -> Literal["propose", "vote"]:
    return "propose" if state["stop_reason"] is StopReason.FINISHED else "vote"


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(Sampled, context_schema=Context)
    graph.add_node("probe", _probe)
    graph.add_node("propose", propose)
    graph.add_node("vote", vote)
    graph.add_edge(START, "probe")
    graph.add_conditional_edges("probe", _next, ["propose", "vote"])
    graph.add_edge("propose", "vote")
    graph.add_edge("vote", END)
    return graph.compile()


def _cost(config: DivergenceConfig, team: Mapping[str, ModelSpec], _problem: Problem) -> CallBounds:
    """The probes; then the further samples where they differ."""
    further = 1 if one_request(team[ROLE], config.more, batched=config.batched) else config.more
    return CallBounds(_PROBES, _PROBES + further)


STRATEGY = Strategy(
    name="divergence",
    summary="Ask once coldly and once hotly; where the answers differ, draw more samples and take the majority answer.",
    paper="none: our own gate",
    config=DivergenceConfig,
    build=_build,
    cost=_cost,
    prompts=prompts_for,
    samples=lambda config: config.plan.n,
    kinds=VOTED_KINDS,
)
