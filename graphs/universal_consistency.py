"""``universal-consistency``: sample several answers, and have a model say which of them is the most consistent with the others.

Source: Chen et al. 2023, "Universal Self-Consistency for Large Language Model Generation" (arXiv 2311.17311), at temperature 0 as
there; it votes on what no rule can compare, such as texts and programs. We differ in the words of the prompt, in that candidates
are shown in an order drawn by the run's seed, since models prefer some places, and in that several such orders may be asked and
vote. Candidates without a readable answer are not shown.

Invariants: for given choices of the model the vote over them keeps all (see :func:`.choosing.most_picked`). From samples to
winner none holds for every model: permutation invariance and label symmetry fail for one that goes by place or by spelling,
monotony and independence where one more candidate makes another of them seem the most consistent.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Required

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from ..agents.policy import prompts_for
from ..agents.selector import ROLE, Choosing, choice_call, read_choice
from ..core.budget import CallBounds
from ..core.calls import CallResult
from ..core.model_spec import Ability, ModelSpec
from ..core.problem import AnswerKind, Problem
from ..core.result import StopReason
from .choosing import conclude, grouped, most_picked, warn_of_shortened
from .sampling import Plan, Planned, Sampled, propose, sampling_cost
from .selection import majority
from .strategy import Context, State, Strategy

_PROMPT = "selector.consistent"


class UniversalConsistencyConfig(Choosing, Planned):
    """Options of ``universal-consistency``."""

    n: int = Field(default=8, ge=1, le=128)
    """Samples."""
    permutations: int = Field(default=1, ge=1, le=64)
    """Orders in which the samples are shown, each in a call of its own; the choices vote."""
    batched: bool = True
    """Ask for all samples in one request where the model has the ability ``n``: its prompt is paid once."""

    @property
    def plan(self) -> Plan:
        """All n samples."""
        return Plan(self.n, batched=self.batched)


class _State(Sampled):
    picks: Required[list[str]]
    """Ids, one for each order in which a choice could be read."""


_Runtime = Runtime[Context[UniversalConsistencyConfig]]


async def _select(state: _State, runtime: _Runtime) -> dict[str, Any]:
    """A wave of the selector: one call for each order of the samples that can be read, unless they all agree."""
    context, cut = runtime.context, state["stop_reason"]
    scope, config = context.scope, context.config
    candidates, groups = await grouped(context, state)
    if max(groups, default=-1) < 1:
        return {"picks": []}
    able = [candidate for candidate, number in zip(candidates, groups, strict=True) if number >= 0]
    drawn = (scope.rng("select", index=index).sample(able, len(able)) for index in range(config.permutations))
    orders = list({tuple(each.id for each in order): order for order in drawn}.values())
    picks: list[str] = []

    async def consume(result: CallResult) -> bool:
        place = read_choice(result, len(able))
        if place is not None:
            picks.append(orders[result.index][place].id)
        return False

    calls = [
        choice_call(scope, "select", context.problem, order, config, prompt=_PROMPT, index=index)
        for index, order in enumerate(orders)
    ]
    wave = await scope.judging().wave("select", calls, consume=consume)
    return {"picks": picks, "stop_reason": wave.stop_reason if cut is StopReason.FINISHED else cut}


async def _vote(state: _State, runtime: _Runtime) -> State:
    """The answer that was chosen most often."""
    context, reason = runtime.context, state["stop_reason"]
    candidates, groups = await grouped(context, state)
    agreed = max(groups, default=-1) == 0
    choice = majority(candidates, groups) if agreed else most_picked(candidates, groups, state["picks"])
    if not agreed and reason is not StopReason.STEERED:
        warn_of_shortened(context, [candidate for candidate in candidates if candidate.answer is not None])
    return {"outcome": conclude(context, candidates, groups, choice, reason=reason, node="vote")}


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("propose", propose)
    graph.add_node("select", _select)
    graph.add_node("vote", _vote)
    graph.add_edge(START, "propose")
    graph.add_edge("propose", "select")
    graph.add_edge("select", "vote")
    graph.add_edge("vote", END)
    return graph.compile()


def _cost(config: UniversalConsistencyConfig, team: Mapping[str, ModelSpec], problem: Problem) -> CallBounds:
    """The samples; then a choice for each order, or none where they agree, or hold no answer."""
    samples = sampling_cost(config, team, problem)
    return CallBounds(samples.least, samples.most + (config.permutations if config.n > 1 else 0))


STRATEGY = Strategy(
    name="universal-consistency",
    summary="Sample several answers, and have a model say which is the most consistent with the others; for texts and code, too.",
    paper="Chen et al. 2023 (arXiv 2311.17311)",
    config=UniversalConsistencyConfig,
    build=_build,
    cost=_cost,
    prompts=lambda problem: (*prompts_for(problem), _PROMPT),
    roles=lambda _config: {ROLE: frozenset({Ability.CHAT})},
    kinds=frozenset(AnswerKind) - {AnswerKind.TOOL_CALL},
)
