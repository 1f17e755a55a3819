"""What all strategies share that draw samples of one prompt and decide among them: the wave of samples, and the outcome.

Such a strategy is a config that has a :class:`Plan` and a :class:`Vote`. Which samples count depends on their index alone:
a stopping rule sees the first k of them, whatever arrived first, and late finishers are kept but never counted.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Literal, NamedTuple, Required, Self

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import model_validator

from ..agents.policy import ROLE, Sampling, keep_candidates, one_request, sample_calls
from ..core.answers import group
from ..core.budget import CallBounds
from ..core.calls import CallResult, Choice
from ..core.candidate import Candidate, Score
from ..core.events import Warned
from ..core.model_spec import ModelSpec
from ..core.problem import Problem
from ..core.protocols import Scope
from ..core.result import Outcome, Selection, StopReason
from .selection import NOTHING, VOTED_KINDS, select_all, tally
from .strategy import Context, State

Agrees = Callable[[Sequence[int]], bool]
"""A stopping rule of :mod:`.stopping`, of the answer groups of the samples so far."""
Weigh = Callable[[Sequence[Candidate]], Sequence[Score | None]]
"""What each sample is worth beside all the others."""


class Plan(NamedTuple):
    """How samples are drawn."""

    n: int
    """At most."""
    batched: bool = False
    """Ask for those of a wave in one request where the model can."""
    agrees: Agrees | None = None
    """Says when there are enough; None: never before n."""
    window: int | None = None
    """Calls in flight; None: those of a wave at once."""
    at_once: int | None = None
    """Samples of a wave, after which the next begins; None: all."""
    rate: Callable[[Choice], Score | None] | None = None
    """What a sample is worth by itself, as its reply tells; None where it does not."""


class Vote(NamedTuple):
    """How samples are decided among."""

    by: str = "majority"
    """The selector that decides; the majority does where it has nothing to go by, with a warning."""
    judge: str = ""
    """Whose scores it goes by."""
    weigh: Weigh | None = None
    """Gives the samples their last score, which the selector goes by; None where they have theirs already, or none is needed."""


class Planned(Sampling):
    """Options of a strategy that draws samples by a plan and decides among them."""

    @property
    @abstractmethod
    def plan(self) -> Plan:
        """How they are drawn."""

    @property
    def vote(self) -> Vote:
        """How they are decided among."""
        return Vote()


class Told(Planned):
    """Options of a strategy that decides by log-probabilities, which it therefore always asks for."""

    logprobs: bool = True
    """Log-probabilities are what is voted with: they cannot be left out."""

    @model_validator(mode="after")
    def _asks_for_what_it_votes_with(self) -> Self:
        if not self.logprobs:
            raise ValueError("logprobs cannot be off: votes are weighed by them")
        return self


class Sampled(State):
    """State of a graph whose first node is :func:`propose`."""

    samples: Required[list[str | None]]
    """Ids by index; None for a call that failed."""
    visit: Required[int]
    stop_reason: Required[StopReason]


async def propose(state: Sampled, runtime: Runtime[Context[Any]]) -> Sampled:
    """A wave of the policy: as many samples as the plan asks for at once, or as its stopping rule wants."""
    scope, problem, config = runtime.context.scope, runtime.context.problem, runtime.context.config
    plan: Plan = config.plan
    samples, visit = list(state.get("samples", ())), state.get("visit", -1) + 1
    before, wanted = len(samples), min(plan.at_once or plan.n, plan.n - len(samples))
    calls = sample_calls(scope, "propose", problem, config, wanted, batched=plan.batched, visit=visit)

    async def consume(result: CallResult) -> bool:
        kept = keep_candidates(scope, result, problem, config)
        if plan.rate is not None and result.reply is not None:
            for place, (key, choice) in enumerate(zip(kept, result.reply.choices, strict=True), start=before + result.index):
                if (score := plan.rate(choice)) is not None:
                    scope.rate(key, score, node="propose", index=place)
        asked = wanted if len(calls) == 1 else 1
        samples.extend([*kept, *[None] * (asked - len(kept))])
        return plan.agrees is not None and plan.agrees(await groups_of(scope, samples))

    wave = await scope.wave("propose", calls, consume=consume, window=plan.window, visit=visit)
    for result in wave.late:
        keep_candidates(scope, result, problem, config, counted=False)
    return {"samples": samples, "visit": visit, "stop_reason": wave.stop_reason}


def drawn(scope: Scope, state: Sampled) -> list[Candidate]:
    """The candidates that the samples are, by index."""
    return [scope.candidates[key] for key in state["samples"] if key is not None]


async def outcome(context: Context[Any], state: Sampled, *, node: str) -> Outcome:
    """Every selector on the same candidates, one of which decides."""
    scope, reason, rule = context.scope, state["stop_reason"], context.config.vote
    candidates = drawn(scope, state)
    if rule.weigh is not None:
        candidates = _weighed(scope, candidates, rule.weigh(candidates), node, final=reason is not StopReason.STEERED)
    groups = await group([candidate.answer for candidate in candidates], scope.same_answer)
    selections = select_all(candidates, groups)
    by, kind = rule.by, context.problem.answer_kind
    if kind not in VOTED_KINDS:
        del selections["majority"]
    if by not in selections:
        instead = "the majority decides" if kind in VOTED_KINDS else f"and answers of kind {kind} cannot be voted on"
        if max(groups, default=-1) >= 0 and reason is not StopReason.STEERED:  # a stopped run may yet go on
            message = f"{rule.judge} gave no candidate a score: {instead}"
            scope.emit(Warned(scope=scope.path, node=node, code="no_scores", message=message))
        by = "majority" if kind in VOTED_KINDS else by
    return decided(context, candidates, groups, selections, by=by, reason=reason)


def decided(
    context: Context[Any],
    candidates: Sequence[Candidate],
    groups: Sequence[int],
    selections: dict[str, Selection],
    *,
    by: str,
    reason: StopReason,
) -> Outcome:
    """The outcome where the selector ``by`` decides; it picks nothing where it is none of ``selections``."""
    winner = selections.get(by, NOTHING)
    return Outcome(
        candidates=tuple(candidate.id for candidate in candidates),
        pick=winner.candidate,
        selections=selections,
        confidence=winner.support,
        votes=tally(candidates, groups) if context.problem.answer_kind in VOTED_KINDS else (),
        decided_by=by,
        stop_reason=reason,
    )


async def vote(state: Sampled, runtime: Runtime[Context[Any]]) -> State:
    """Every selector on the same candidates; the one that the config names decides."""
    return {"outcome": await outcome(runtime.context, state, node="vote")}


def _next(state: Sampled, runtime: Runtime[Context[Any]]) -> Literal["propose", "vote"]:
    more = len(state["samples"]) < runtime.context.config.plan.n
    return "propose" if more and state["stop_reason"] is StopReason.FINISHED else "vote"


@cache
def voting() -> CompiledStateGraph[Any, Any, Any, Any]:
    """The graph of samples, in one wave or several, and a vote."""
    graph = StateGraph(Sampled, context_schema=Context)
    graph.add_node("propose", propose)
    graph.add_node("vote", vote)
    graph.add_edge(START, "propose")
    graph.add_conditional_edges("propose", _next, ["propose", "vote"])
    graph.add_edge("vote", END)
    return graph.compile()


def sampling_cost(config: Planned, team: Mapping[str, ModelSpec], _problem: Problem) -> CallBounds:
    """The calls of a plan: where its rule agrees as soon as it can, and where it never does."""
    plan = config.plan
    soonest = plan.n
    if plan.agrees is not None:
        soonest = next((count for count in range(1, plan.n) if plan.agrees([0] * count)), plan.n)
    return CallBounds(_calls(plan, team[ROLE], soonest), _calls(plan, team[ROLE], plan.n))


def _calls(plan: Plan, policy: ModelSpec, samples: int) -> int:
    """Calls that ``samples`` take; a request for several is made whole."""
    size = plan.at_once or plan.n
    return sum(
        1 if one_request(policy, min(size, plan.n - start), batched=plan.batched) else min(size, samples - start)
        for start in range(0, samples, size)
    )


async def groups_of(scope: Scope, samples: Sequence[str | None]) -> tuple[int, ...]:
    """The groups of the samples' answers, by index; -1 for a call that failed (None) and for a sample without an answer."""
    return await group([None if key is None else scope.candidates[key].answer for key in samples], scope.same_answer)


def _weighed(
    scope: Scope, candidates: Sequence[Candidate], scores: Sequence[Score | None], node: str, *, final: bool
) -> list[Candidate]:
    """The candidates with their scores; those of a stopped run, which may yet draw more samples, are not told as facts."""
    for place, (candidate, score) in enumerate(zip(candidates, scores, strict=True)):
        if final and score is not None:
            scope.rate(candidate.id, score, node=node, index=place)
    pairs = zip(candidates, scores, strict=True)
    return [candidate if score is None else candidate.with_score(score) for candidate, score in pairs]
