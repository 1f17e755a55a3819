"""``two-route``: answer directly, and answer from knowledge written down before; until both say the same.

Source: Li et al. 2025, LoRID (arXiv 2508.13037). There three adapters on one model answer directly, write only the needed
knowledge, and answer from question and knowledge; both routes are sampled again until they agree. We differ in that prompts
stand for the adapters, and in a cap on the rounds, after which a vote over everything seen decides.

Which invariants hold of the rule is said in :mod:`.agreement`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Required

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from ..agents.notes import KNOWING, KNOWLEDGE, notes_call, read_notes, with_notes
from ..agents.policy import Sampling, keep_candidates, policy_call, prompt_name
from ..core.budget import CallBounds
from ..core.calls import CallResult
from ..core.events import Warned
from ..core.model_spec import ModelSpec
from ..core.problem import Problem
from ..core.result import StopReason
from .agreement import pair_agrees, settle
from .selection import VOTED_KINDS
from .strategy import Context, State, Strategy


class TwoRouteConfig(Sampling):
    """Options of ``two-route``."""

    rounds: int = Field(default=3, ge=1, le=64)
    """Times that both routes are taken at most, three calls each; then everything seen is voted on."""


class _State(State):
    samples: Required[list[str | None]]
    """Ids in pairs, the direct answer first; None where there is none."""
    knowledge: Required[str]
    """Of this round; empty where none was written."""
    visit: Required[int]
    stop_reason: Required[StopReason]


_Runtime = Runtime[Context[TwoRouteConfig]]


async def _begin(state: _State, runtime: _Runtime) -> _State:
    """A wave of the policy: an answer, and the knowledge that another one needs."""
    context = runtime.context
    scope, problem, config = context.scope, context.problem, context.config
    visit = state.get("visit", -1) + 1
    kept: list[str] = []
    knowledge = ""

    async def consume(result: CallResult) -> bool:
        nonlocal knowledge
        if result.index == 0:
            kept.extend(keep_candidates(scope, result, problem, config))
        else:
            knowledge = read_notes(result)
        return False

    direct = policy_call(scope, "begin", problem, config, visit=visit)
    written = notes_call(scope, "begin", KNOWLEDGE, problem, config, visit=visit, index=1)
    wave = await scope.wave("begin", [direct, written], consume=consume, visit=visit)
    samples = [*state.get("samples", ()), next(iter(kept), None)]
    return {"samples": samples, "knowledge": knowledge, "visit": visit, "stop_reason": wave.stop_reason}


async def _apply(state: _State, runtime: _Runtime) -> _State:
    """A wave of the policy: the answer from question and knowledge, where there is any."""
    context, visit, knowledge = runtime.context, state["visit"], state["knowledge"]
    scope, problem, config = context.scope, context.problem, context.config
    kept: list[str] = []

    async def consume(result: CallResult) -> bool:
        kept.extend(keep_candidates(scope, result, problem, config))
        return False

    if not knowledge:
        message = f"no knowledge was written in round {visit + 1}, which therefore has no second route"
        scope.emit(Warned(scope=scope.path, node="apply", visit=visit, code="no_knowledge", message=message))
    told = with_notes(scope, KNOWING, problem, knowledge)
    calls = [policy_call(scope, "apply", told, config, visit=visit)] if knowledge else []
    wave = await scope.wave("apply", calls, consume=consume, visit=visit)
    samples = [*state["samples"], next(iter(kept), None)]
    agreed = await pair_agrees(scope, samples)
    return {**state, "samples": samples, "stop_reason": StopReason.AGREED if agreed else wave.stop_reason}


async def _decide(state: _State, runtime: _Runtime) -> State:
    """The answer that both routes came to, else the vote."""
    samples, reason = state["samples"], state["stop_reason"]
    chosen = samples[-2] if reason is StopReason.AGREED else None
    return {"outcome": await settle(runtime.context, samples, reason, chosen=chosen)}


def _begun(state: _State) -> Literal["apply", "decide"]:
    return "apply" if state["stop_reason"] is StopReason.FINISHED else "decide"


def _applied(state: _State, runtime: _Runtime) -> Literal["begin", "decide"]:
    more = state["visit"] + 1 < runtime.context.config.rounds
    return "begin" if more and state["stop_reason"] is StopReason.FINISHED else "decide"


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("begin", _begin)
    graph.add_node("apply", _apply)
    graph.add_node("decide", _decide)
    graph.add_edge(START, "begin")
    graph.add_conditional_edges("begin", _begun, ["apply", "decide"])
    graph.add_conditional_edges("apply", _applied, ["begin", "decide"])
    graph.add_edge("decide", END)
    return graph.compile()


def _cost(config: TwoRouteConfig, _team: Mapping[str, ModelSpec], _problem: Problem) -> CallBounds:
    """Three calls a round; two where no knowledge was written."""
    return CallBounds(2 if config.rounds == 1 else 3, 3 * config.rounds)


STRATEGY = Strategy(
    name="two-route",
    summary="Answer directly and from knowledge written down before, until both agree; else vote over everything seen.",
    paper="Li et al. 2025, LoRID (arXiv 2508.13037), with prompts in the place of its adapters",
    config=TwoRouteConfig,
    build=_build,
    cost=_cost,
    prompts=lambda problem: (prompt_name(problem), KNOWLEDGE, KNOWING),
    samples=lambda config: 3 * config.rounds,
    converses=True,
    kinds=VOTED_KINDS,
)
