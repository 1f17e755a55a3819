"""``mixture``: layers of solutions, each written in view of the layer before it, and an aggregate of the last.

Source: Wang et al. 2024, "Mixture-of-Agents Enhances Large Language Model Capabilities" (arXiv 2406.04692). The proposers are the
policy, sampled n times, or ``members``, roles of the team with models of their own that take turns. We differ in the words of the
prompt, in that what others wrote stands in the user's turn as data and never in the system text, and in that the aggregate is
written at temperature 0. Where it holds no answer that can be read, the majority of the last layer decides.

The aggregate is a candidate of its own, and no vote: a model may write an answer that nobody proposed. No invariant of
:mod:`.selection` holds therefore, nor that an answer on which a whole layer agrees wins.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Required

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field, TypeAdapter, field_validator, model_validator

from ..agents.policy import ROLE, Sampling, one_request, prompt_name, prompts_for, read_candidates, sampled, with_role_prompt
from ..agents.quoted import fill
from ..agents.selector import Reading, shown_beside, solutions
from ..agents.verifiers.verifier import RoleName
from ..core.answers import group
from ..core.budget import CallBounds
from ..core.calls import CallResult, ModelCall
from ..core.candidate import Candidate
from ..core.model_spec import Ability, ModelSpec
from ..core.options import Names
from ..core.problem import AnswerKind, Message, Problem
from ..core.result import Selection, StopReason
from .choosing import conclude, selected, warn_of_shortened
from .strategy import Context, State, Strategy

AGGREGATOR = "aggregator"
AGGREGATE = "aggregate"
"""The selection of what the aggregator wrote."""
_PROMPT = "mixture.references"
_ROLE_NAME: TypeAdapter[str] = TypeAdapter(RoleName)


class MixtureConfig(Reading, Sampling):
    """Options of ``mixture``."""

    n: int = Field(default=4, ge=1, le=64)
    """Solutions in a layer."""
    layers: int = Field(default=2, ge=1, le=8)
    """Layers before the aggregate."""
    members: Names = ()
    """Roles whose models write the solutions of a layer in turn, such as ``--set members=ann,ben --model ann=…``; by default the
    policy writes all."""
    aggregate_temperature: float = Field(default=0.0, ge=0, le=2)
    """Temperature of the aggregate."""
    batched: bool = True
    """Ask for all solutions of a layer in one request where the policy alone writes them, and has the ability ``n``."""

    @field_validator("members")
    @classmethod
    def _roles_once(cls, members: tuple[str, ...]) -> tuple[str, ...]:
        for role in members:
            _ROLE_NAME.validate_python(role)
            if members.count(role) > 1:
                raise ValueError(f"member {role} is given twice")
        return members

    @model_validator(mode="after")
    def _all_have_a_turn(self) -> MixtureConfig:
        if len(self.members) > self.n:
            raise ValueError(f"n={self.n} leaves some of the {len(self.members)} members without a turn")
        return self


class _State(State):
    layers: Required[list[list[str]]]
    """Ids by layer."""
    aggregate: Required[list[str]]
    """Its id; empty where there is none."""
    stop_reason: Required[StopReason]


_Runtime = Runtime[Context[MixtureConfig]]


async def _propose(state: _State, runtime: _Runtime) -> dict[str, Any]:
    """A wave of the proposers: a layer. One after a layer that failed as a whole is shown the last one before it."""
    context, layers = runtime.context, list(state.get("layers", ()))
    scope, config, visit = context.scope, context.config, len(layers)
    messages = _asked(context, _last(layers))
    kept: list[str] = []

    async def consume(result: CallResult) -> bool:
        kept.extend(_keep(context, result, calls[result.index].role))
        return False

    if not config.members and one_request(scope.spec(ROLE), config.n, batched=config.batched):
        calls = [sampled(scope, "propose", messages, config, visit=visit, n=config.n)]
    else:
        turns = config.members or (ROLE,)
        calls = [
            _played_by(turns[index % len(turns)], sampled(scope, "propose", messages, config, visit=visit, index=index))
            for index in range(config.n)
        ]
    wave = await scope.wave("propose", calls, consume=consume, visit=visit)
    return {"layers": [*layers, kept], "aggregate": [], "stop_reason": wave.stop_reason}


async def _aggregate(state: _State, runtime: _Runtime) -> dict[str, Any]:
    """A call of the aggregator."""
    context = runtime.context
    config = context.config.model_copy(update={"temperature": context.config.aggregate_temperature})
    call = _played_by(AGGREGATOR, sampled(context.scope, "aggregate", _asked(context, _last(state["layers"])), config))
    kept: list[str] = []

    async def consume(result: CallResult) -> bool:
        kept.extend(_keep(context, result, AGGREGATOR))
        return False

    wave = await context.scope.wave("aggregate", [call], consume=consume)
    return {"aggregate": kept, "stop_reason": wave.stop_reason}


async def _decide(state: _State, runtime: _Runtime) -> State:
    """The aggregate, or else the majority of the last layer."""
    context, reason, layers = runtime.context, state["stop_reason"], state["layers"]
    pool = context.scope.candidates
    last = [pool[key] for key in _last(layers)]
    aggregate = next((pool[key] for key in state["aggregate"]), None)
    answers = [candidate.answer for candidate in last]
    *groups, its = await group([*answers, aggregate.answer if aggregate else None], context.scope.same_answer)
    if reason is not StopReason.STEERED:
        read = layers if aggregate else layers[:-1]
        warn_of_shortened(context, [pool[key] for layer in read for key in layer])
    found = conclude(
        context,
        last,
        groups,
        _choice(aggregate, groups, its),
        reason=reason,
        node="decide",
        by=AGGREGATE,
        missing="the aggregator gave no answer that can be read",
    )
    every = (*(key for layer in layers for key in layer), *state["aggregate"])
    return {"outcome": found.model_copy(update={"candidates": every})}


def _choice(aggregate: Candidate | None, groups: list[int], its: int) -> Selection | None:
    """The aggregate, where it has an answer; its support is the share of the last layer's answers that are the same."""
    votes = [number for number in groups if number >= 0]
    if its < 0:
        return None
    return selected(aggregate, votes.count(its) / len(votes) if votes else None)


def _asked(context: Context[MixtureConfig], before: list[str]) -> tuple[Message, ...]:
    """The problem, and what was written ``before``."""
    messages, prompts = context.problem.messages, context.scope.prompts
    if before:
        texts = [context.scope.candidates[key].text for key in before]
        shown = fill(prompts[_PROMPT], count=str(len(texts)), solutions=solutions(texts, context.config.shown))
        messages = shown_beside(messages, shown)
    return with_role_prompt(messages, prompts[prompt_name(context.problem)])


def _keep(context: Context[MixtureConfig], result: CallResult, role: str) -> list[str]:
    found = [each.model_copy(update={"role": role}) for each in read_candidates(result, context.problem, context.config)]
    for candidate in found:
        context.scope.add(candidate)
    return [candidate.id for candidate in found]


def _played_by(role: str, call: ModelCall) -> ModelCall:
    return call.model_copy(update={"role": role})


def _last(layers: list[list[str]]) -> list[str]:
    """The last layer that did not fail as a whole."""
    return next(filter(None, reversed(layers)), [])


def _next(state: _State, runtime: _Runtime) -> Literal["propose", "aggregate", "decide"]:
    if state["stop_reason"] is not StopReason.FINISHED:
        return "decide"
    if len(state["layers"]) < runtime.context.config.layers:
        return "propose"
    return "aggregate" if _last(state["layers"]) else "decide"


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("propose", _propose)
    graph.add_node("aggregate", _aggregate)
    graph.add_node("decide", _decide)
    graph.add_edge(START, "propose")
    graph.add_conditional_edges("propose", _next, ["propose", "aggregate", "decide"])
    graph.add_edge("aggregate", "decide")
    graph.add_edge("decide", END)
    return graph.compile()


def _cost(config: MixtureConfig, team: Mapping[str, ModelSpec], _problem: Problem) -> CallBounds:
    """The calls of each layer, and the aggregate."""
    one = not config.members and one_request(team[ROLE], config.n, batched=config.batched)
    calls = config.layers * (1 if one else config.n) + 1
    return CallBounds(calls, calls)


def _roles(config: MixtureConfig) -> dict[str, frozenset[Ability]]:
    return dict.fromkeys((*config.members, AGGREGATOR), config.abilities | {Ability.CHAT})


STRATEGY = Strategy(
    name="mixture",
    summary="Write several solutions, rewrite them in view of each other, layer by layer, and make one solution of the last.",
    paper="Wang et al. 2024, Mixture-of-Agents (arXiv 2406.04692)",
    config=MixtureConfig,
    build=_build,
    cost=_cost,
    prompts=lambda problem: (*prompts_for(problem), _PROMPT),
    roles=_roles,
    samples=lambda config: config.n * config.layers,
    converses=True,
    kinds=frozenset(AnswerKind) - {AnswerKind.TOOL_CALL},
)
