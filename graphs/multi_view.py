"""``multi-view``: look at the problem in several ways, vote over all of them.

Source: Lai et al. 2025, Multidimensional Reasoning Consistency (arXiv 2503.02670): answers that agree across changes of the
prompt are likelier right, and votes are joint over all changes. There the order of worked examples, the phrasing and the language
change. We differ in what changes: there are no worked examples here, so that styles of solving take their place; for languages
there is ``cross-lingual``. Rephrasings are written by the policy and checked (:mod:`..agents.rephrasing`): one that lost a number
is not used, a warning says so, and its paths see the question as it is. All prompts are ours.

The vote is a plurality over the paths of all views: all four invariants of :mod:`.selection` hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field, field_validator

from ..agents.policy import ROLE, keep_candidates, one_request, prompt_name, sampled, with_role_prompt
from ..agents.rephrasing import PROMPT as REPHRASE
from ..agents.rephrasing import Rephrasing, read_rephrasing, rephrase_call
from ..agents.translator import retold
from ..core.budget import CallBounds
from ..core.calls import CallResult, ModelCall
from ..core.errors import UnknownNameError
from ..core.events import Warned
from ..core.model_spec import ModelSpec
from ..core.options import Names
from ..core.problem import Problem
from ..core.result import StopReason
from .sampling import Plan, Planned, Sampled, vote
from .selection import VOTED_KINDS
from .strategy import Context, Strategy
from .views import Batch, Path, batches, in_turn, share

PLAIN = "plain"
"""The view of the question as it is, in no particular style."""
STYLES = ("steps", "plan", "backwards", "equations")
"""Ways to solve a problem; the policy is told each by a prompt file."""


class MultiViewConfig(Planned):
    """Options of ``multi-view``."""

    n: int = Field(default=12, ge=1, le=1024)
    """Paths, split evenly over the views; what is left over goes to the plain view first, then to the others in their order."""
    rephrasings: int = Field(default=2, ge=0, le=16)
    """Views of the question in other words, each of which takes one call more."""
    styles: Names = ("plan", "backwards", "equations")
    """Views that are told how to solve it: ``steps``, ``plan`` first, ``backwards``, by ``equations``."""
    batched: bool = True
    """Ask for all paths of a view in one request where the model has the ability ``n``: its prompt is paid once."""

    @field_validator("styles")
    @classmethod
    def _known_once(cls, styles: tuple[str, ...]) -> tuple[str, ...]:
        for style in styles:
            if style not in STYLES:
                raise UnknownNameError("style", style, STYLES)
            if styles.count(style) > 1:
                raise ValueError(f"style {style} is given twice")
        return styles

    @property
    def plan(self) -> Plan:
        """All n paths; which of them are one request, the views say."""
        return Plan(self.n, batched=self.batched)

    @property
    def shares(self) -> dict[str, int]:
        """How many paths each view is given: the plain one, the rephrasings, then the styles."""
        other_words = (_rephrased(number) for number in range(self.rephrasings))
        return share(self.n, (PLAIN, *other_words, *self.styles), PLAIN)

    @property
    def rephrased(self) -> list[str]:
        """The views in other words that have paths."""
        shares = self.shares
        names = map(_rephrased, range(self.rephrasings))
        return [name for name in names if shares[name]]


class _State(Sampled, total=False):
    rephrasings: dict[str, Rephrasing]
    """By view."""


_Runtime = Runtime[Context[MultiViewConfig]]


async def _rephrase(state: _State, runtime: _Runtime) -> _State:  # noqa: ARG001
    """A wave of the policy: the question in other words, for every such view that has paths."""
    context = runtime.context
    scope, problem, config = context.scope, context.problem, context.config
    views, found = config.rephrased, dict[str, Rephrasing]()

    async def consume(result: CallResult) -> bool:
        found[views[result.index]] = read_rephrasing(result, problem)
        return False

    calls = [rephrase_call(scope, "rephrase", problem, config, index=index) for index in range(len(views))]
    wave = await scope.wave("rephrase", calls, consume=consume)
    return {"samples": [], "visit": 0, "stop_reason": wave.stop_reason, "rephrasings": found}


async def _propose(state: _State, runtime: _Runtime) -> _State:
    """A wave of the policy: every path."""
    context = runtime.context
    scope, problem, config = context.scope, context.problem, context.config
    _warn_of_fallbacks(context, state)
    asked = _batches(config, scope.spec(ROLE))
    ids: dict[Path, str] = {}

    async def consume(result: CallResult) -> bool:
        ids.update(zip(asked[result.index].paths, keep_candidates(scope, result, problem, config), strict=False))
        return False

    wave = await scope.wave("propose", [_propose_call(context, state, batch) for batch in asked], consume=consume)
    before = state.get("stop_reason", StopReason.FINISHED)
    reason = wave.stop_reason if before is StopReason.FINISHED else before
    samples = [ids.get(path) for path in in_turn(config.shares)]
    return {"samples": samples, "visit": 0, "stop_reason": reason}


def _begin(state: _State, runtime: _Runtime) -> Literal["rephrase", "propose"]:  # noqa: ARG001
    return "rephrase" if runtime.context.config.rephrased else "propose"


def _rephrased_next(state: _State) -> Literal["propose", "vote"]:
    """A run that a person stopped may go on from here: nothing is made of what is missing."""
    return "vote" if state["stop_reason"] is StopReason.STEERED else "propose"


def _rephrased(number: int) -> str:
    return f"rephrased-{number + 1}"


def _batches(config: MultiViewConfig, policy: ModelSpec) -> list[Batch]:
    return batches(config.shares, lambda paths: one_request(policy, paths, batched=config.batched))


def _propose_call(context: Context[MultiViewConfig], state: _State, batch: Batch) -> ModelCall:
    """Its seed depends on view and number alone: other views beside it change no path."""
    scope, config, (view, index) = context.scope, context.config, batch.first
    problem, prompt = context.problem, scope.prompts[prompt_name(context.problem)]
    if view in config.styles:
        prompt = f"{prompt}\n{scope.prompts[_style_prompt(view)]}"
    rephrasing = state.get("rephrasings", {}).get(view)
    if rephrasing is not None and not rephrasing.error:
        problem = retold(problem, rephrasing.said)
    messages = with_role_prompt(problem.messages, prompt)
    return sampled(scope, f"propose.{view}", messages, config, index=index, n=batch.size)


def _style_prompt(style: str) -> str:
    return f"multi-view.{style}"


def _warn_of_fallbacks(context: Context[MultiViewConfig], state: _State) -> None:
    """Say which rephrasings are not used, and why."""
    scope, missing = context.scope, Rephrasing("", f"no call was left for it ({state.get('stop_reason')})")
    for index, view in enumerate(context.config.rephrased):
        why = state.get("rephrasings", {}).get(view, missing).error
        if why:
            message = f"the paths of view {view} see the question as it is: {why}"
            scope.emit(Warned(scope=scope.path, node="rephrase", index=index, code="not_rephrased", message=message))


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("rephrase", _rephrase)
    graph.add_node("propose", _propose)
    graph.add_node("vote", vote)
    graph.add_conditional_edges(START, _begin, ["rephrase", "propose"])
    graph.add_conditional_edges("rephrase", _rephrased_next, ["propose", "vote"])
    graph.add_edge("propose", "vote")
    graph.add_edge("vote", END)
    return graph.compile()


def _cost(config: MultiViewConfig, team: Mapping[str, ModelSpec], _problem: Problem) -> CallBounds:
    """The paths, and a call for each rephrasing that has any."""
    calls = len(_batches(config, team[ROLE])) + len(config.rephrased)
    return CallBounds(calls, calls)


STRATEGY = Strategy(
    name="multi-view",
    summary="Look at the problem in several ways, rephrased and in other styles of solving, and vote over all of them.",
    paper="Lai et al. 2025 (arXiv 2503.02670)",
    config=MultiViewConfig,
    build=_build,
    cost=_cost,
    prompts=lambda problem: (prompt_name(problem), REPHRASE, *map(_style_prompt, STYLES)),
    samples=lambda config: config.n + len(config.rephrased),
    converses=True,
    kinds=VOTED_KINDS,
)
