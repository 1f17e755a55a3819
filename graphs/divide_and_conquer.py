"""``divide-and-conquer``: vote, and where the vote is not clear ask again with help: then that second vote decides.

Source: "Divide and Conquer for Large Language Models Reasoning" (arXiv 2401.05190). The confidence score is the share of the top
answer among n samples. A problem with a high one is done. One with a low one is asked again ``again`` times, by the ``remedy``:

* ``knowledge`` (PKR): the policy first writes down what one must know, once, and answers with it;
* ``options`` (FCR): only the options that appeared among the samples are left; of other kinds of answer, those that were given
  are shown as candidates, none of which need be right;
* ``both``.

The authors' code is not published: threshold, numbers and prompts are ours. We differ in that the question keeps the text of
all its options, which can be written in any way: it is said which are left, and a vote for another one does not count. A sample
that failed or cannot be read counts against the confidence score. Where the second vote has no readable answer, or was cut
short by a budget, plurality over everything seen decides.

Each of the two votes keeps what plurality keeps among its own samples. The whole is label symmetric and monotone, but neither
permutation invariant (a sample of the first stage weighs otherwise than one of the second) nor independent (one more first
sample for a third answer can bring about the second vote, which reverses two others).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from ..agents.notes import KNOWING, KNOWLEDGE, notes_call, read_notes, told_more, with_notes
from ..agents.policy import ROLE, keep_candidates, one_request, prompt_name, sample_calls
from ..agents.quoted import as_data, fill
from ..core.budget import CallBounds
from ..core.calls import CallResult
from ..core.events import Warned
from ..core.model_spec import ModelSpec
from ..core.problem import AnswerKind, Problem
from ..core.protocols import Scope
from ..core.result import StopReason
from .sampling import Plan, Planned, Sampled, decided, groups_of, propose, sampling_cost
from .selection import VOTED_KINDS, majority, named, tally
from .strategy import Context, State, Strategy

_OPTIONS, _CANDIDATES = "divide-and-conquer.options", "divide-and-conquer.candidates"


class DivideAndConquerConfig(Planned):
    """Options of ``divide-and-conquer``."""

    n: int = Field(default=8, ge=1, le=1024)
    """First samples."""
    threshold: float = Field(default=0.75, gt=0, le=1)
    """Share of all n samples that the top answer needs to be accepted."""
    remedy: Literal["knowledge", "options", "both"] = "both"
    """With what help it is asked again: ``knowledge`` written before, only the ``options`` that appeared, or both."""
    again: int = Field(default=8, ge=1, le=1024)
    """Further samples where the top answer is not accepted; their vote decides."""
    batched: bool = True
    """Ask for the samples of a stage in one request where the model has the ability ``n``: its prompt is paid once."""

    @property
    def plan(self) -> Plan:
        """The first samples."""
        return Plan(self.n, batched=self.batched)


class _State(Sampled, total=False):
    clear: bool
    """Whether the first vote is accepted."""
    knowledge: str
    second: list[str | None]
    """Ids of the second samples; None for a call that failed."""


_Runtime = Runtime[Context[DivideAndConquerConfig]]


def confidence_score(groups: Sequence[int]) -> float:
    """The share of the top answer among all samples, those without a readable answer (-1) included; 0 without any."""
    counts = Counter(group for group in groups if group >= 0)
    return max(counts.values(), default=0) / len(groups) if groups else 0.0


async def _propose(state: _State, runtime: _Runtime) -> _State:
    """A wave of the policy: the first samples."""
    found, context = await propose(state, runtime), runtime.context
    clear = confidence_score(await groups_of(context.scope, found["samples"])) >= context.config.threshold
    accepted = clear and found["stop_reason"] is StopReason.FINISHED
    reason = StopReason.AGREED if accepted else found["stop_reason"]
    return {"samples": found["samples"], "visit": 0, "stop_reason": reason, "clear": accepted}


async def _know(state: _State, runtime: _Runtime) -> _State:
    """A wave of the policy: what one must know."""
    context = runtime.context
    scope = context.scope
    knowledge = ""

    async def consume(result: CallResult) -> bool:
        nonlocal knowledge
        knowledge = read_notes(result)
        return False

    wave = await scope.wave("know", [notes_call(scope, "know", KNOWLEDGE, context.problem, context.config)], consume=consume)
    if not knowledge and wave.stop_reason is StopReason.FINISHED:
        _warn(scope, "know", "no_knowledge", "no knowledge was written: the question is asked again without")
    return {**state, "knowledge": knowledge, "stop_reason": wave.stop_reason}


async def _again(state: _State, runtime: _Runtime) -> _State:
    """A wave of the policy: the second samples, with help."""
    context = runtime.context
    scope, problem, config = context.scope, context.problem, context.config
    helped = await _helped(context, state)
    calls = sample_calls(scope, "again", helped, config, config.again, batched=config.batched)
    second: list[str | None] = []

    async def consume(result: CallResult) -> bool:
        second.extend(keep_candidates(scope, result, problem, config) or [None])
        return False

    wave = await scope.wave("again", calls, consume=consume)
    return {**state, "second": second, "stop_reason": wave.stop_reason}


async def _decide(state: _State, runtime: _Runtime) -> State:
    """The second vote where there was a whole one, else the vote over everything seen."""
    context, reason = runtime.context, state["stop_reason"]
    scope = context.scope
    first = [key for key in state["samples"] if key is not None]
    second = [key for key in state.get("second", ()) if key is not None]
    candidates = [scope.candidates[key] for key in (*first, *second)]
    groups = await groups_of(scope, [*first, *second])
    selections = {"majority": majority(candidates, groups)}
    if "second" in state and reason is StopReason.FINISHED:
        left = _left(context.problem, groups, len(first))
        remedied = candidates[len(first) :], left[len(first) :]
        selections["remedy"] = majority(*remedied)
        if selections["remedy"].candidate is not None:
            outcome = decided(context, candidates, groups, selections, by="remedy", reason=reason)
            return {"outcome": outcome.model_copy(update={"votes": tally(*remedied)})}
        _warn(scope, "decide", "no_second_vote", "asked again, nobody gave an answer that counts: all samples vote together")
    return {"outcome": decided(context, candidates, groups, selections, by="majority", reason=reason)}


async def _helped(context: Context[DivideAndConquerConfig], state: _State) -> Problem:
    """The problem as it is asked again."""
    scope, problem, remedy = context.scope, context.problem, context.config.remedy
    helped = problem
    if knowledge := state.get("knowledge"):
        helped = with_notes(scope, KNOWING, helped, knowledge)
    if remedy != "knowledge":
        given = [scope.candidates[key] for key in state["samples"] if key is not None]
        answers = sorted(named(given, await groups_of(scope, [candidate.id for candidate in given])).values())
        if len(answers) > 1:
            prompt = _OPTIONS if problem.answer_kind is AnswerKind.CHOICE else _CANDIDATES
            return told_more(helped, fill(scope.prompts[prompt], answers=as_data(answers)))
        _warn(scope, "again", "no_options", "fewer than two answers appeared: the question is asked again without naming any")
    return helped


def _left(problem: Problem, groups: Sequence[int], first: int) -> list[int]:
    """The groups, those of options that had been ruled out without a vote: a choice is among what appeared at ``first``."""
    appeared = set(groups[:first]) - {-1}
    ruled_out = problem.answer_kind is AnswerKind.CHOICE and len(appeared) > 1
    return [mine if mine in appeared or not ruled_out else -1 for mine in groups]


def _warn(scope: Scope, node: str, code: str, message: str) -> None:
    scope.emit(Warned(scope=scope.path, node=node, code=code, message=message))


def _proposed(state: _State, runtime: _Runtime) -> Literal["know", "again", "decide"]:
    if state["stop_reason"] is not StopReason.FINISHED:
        return "decide"
    return "again" if runtime.context.config.remedy == "options" else "know"


def _known(state: _State) -> Literal["again", "decide"]:
    return "again" if state["stop_reason"] is StopReason.FINISHED else "decide"


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("propose", _propose)
    graph.add_node("know", _know)
    graph.add_node("again", _again)
    graph.add_node("decide", _decide)
    graph.add_edge(START, "propose")
    graph.add_conditional_edges("propose", _proposed, ["know", "again", "decide"])
    graph.add_conditional_edges("know", _known, ["again", "decide"])
    graph.add_edge("again", "decide")
    graph.add_edge("decide", END)
    return graph.compile()


def _cost(config: DivideAndConquerConfig, team: Mapping[str, ModelSpec], problem: Problem) -> CallBounds:
    """The first samples; then the second ones, and the knowledge before them."""
    least = sampling_cost(config, team, problem).least
    second = 1 if one_request(team[ROLE], config.again, batched=config.batched) else config.again
    return CallBounds(least, least + second + (config.remedy != "options"))


STRATEGY = Strategy(
    name="divide-and-conquer",
    summary="Vote, and where no answer is clear ask again, with knowledge or only among the answers that appeared.",
    paper="Divide and Conquer for Large Language Models Reasoning (arXiv 2401.05190)",
    config=DivideAndConquerConfig,
    build=_build,
    cost=_cost,
    prompts=lambda problem: (prompt_name(problem), KNOWLEDGE, KNOWING, _OPTIONS, _CANDIDATES),
    samples=lambda config: config.n + config.again + (config.remedy != "options"),
    converses=True,
    kinds=VOTED_KINDS,
)
