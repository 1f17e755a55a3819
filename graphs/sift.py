"""``sift``: write down what the problem says (a sticker), and answer once it leads where the question itself does.

Source: Zeng et al. 2025, "SIFT: Grounding LLM Reasoning in Contexts via Stickers" (arXiv 2502.14922). Greedy, as there:

1. ``sticker``: write a sticker; predict from it alone and from question and sticker. Equal answers decide.
2. ``forward``: mend the sticker against the question; predict and compare again.
3. ``inverse``: write the sticker that the last prediction implies, mend it against the question; predict and compare again.
4. ``question``: answer from the question alone.

The stage that decided stands in ``decided_by`` and among the selections. We differ in the words of the prompts, and in what is
done where no sticker comes back, which the paper does not say: the next stage begins, and a warning says so. A run whose budget
ends before any stage decided takes the answer with most votes among its predictions.

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

from ..agents.notes import notes_call, on_notes_alone, read_notes, with_notes
from ..agents.policy import Sampling, keep_candidates, policy_call, prompt_name
from ..core.budget import CallBounds
from ..core.calls import CallResult, ModelCall
from ..core.events import Warned
from ..core.model_spec import ModelSpec
from ..core.problem import Problem
from ..core.result import StopReason
from .agreement import pair_agrees, settle
from .selection import VOTED_KINDS
from .strategy import Context, State, Strategy

_STICKER, _FORWARD, _INVERSE = "sift.sticker", "sift.forward", "sift.inverse"
_BOTH, _ALONE = "sift.both", "sift.alone"
STAGES = ("sticker", "forward", "inverse")
"""By the number of the stage. What decides where none of them does is the ``question``."""
_QUESTION = "question"


class SiftConfig(Sampling):
    """Options of ``sift``."""

    temperature: float = Field(default=0.0, ge=0, le=2)
    """Sampling temperature of stickers and predictions; the paper's is 0."""


class _State(State):
    stage: Required[int]
    sticker: Required[str]
    """Empty where none came back."""
    samples: Required[list[str | None]]
    """Ids of the predictions, a pair a stage: from question and sticker, from the sticker alone. None for a call that failed."""
    decided_by: Required[str]
    """The stage; empty before one decided."""
    stop_reason: Required[StopReason]


_Runtime = Runtime[Context[SiftConfig]]


async def _sticker(state: _State, runtime: _Runtime) -> _State:  # noqa: ARG001
    """A wave of the policy: the sticker."""
    context = runtime.context
    begun: _State = {"stage": 0, "sticker": "", "samples": [], "decided_by": "", "stop_reason": StopReason.FINISHED}
    return await _noted(
        context, begun, "sticker", notes_call(context.scope, "sticker", _STICKER, context.problem, context.config)
    )


async def _forward(state: _State, runtime: _Runtime) -> _State:
    """A wave of the policy: the sticker, mended against the question."""
    context, stage = runtime.context, state["stage"] or 1
    call = notes_call(context.scope, "forward", _FORWARD, context.problem, context.config, visit=stage, notes=state["sticker"])
    return await _noted(context, {**state, "stage": stage}, "forward", call)


async def _inverse(state: _State, runtime: _Runtime) -> _State:
    """A wave of the policy: the sticker that the last prediction implies, the one that saw the question where there is one."""
    context, stage = runtime.context, 2
    text = context.scope.candidates[_latest(state)].text
    call = notes_call(context.scope, "inverse", _INVERSE, context.problem, context.config, visit=stage, solution=text)
    return await _noted(context, {**state, "stage": stage}, "inverse", call)


async def _predict(state: _State, runtime: _Runtime) -> _State:
    """A wave of the policy: the answers from question and sticker, and from the sticker alone."""
    context, stage, sticker = runtime.context, state["stage"], state["sticker"]
    scope, problem, config = context.scope, context.problem, context.config
    shown = (with_notes(scope, _BOTH, problem, sticker), on_notes_alone(scope, _ALONE, problem, sticker))
    calls = [policy_call(scope, "predict", each, config, visit=stage, index=index) for index, each in enumerate(shown)]
    found = await _predicted(context, state, "predict", calls, visit=stage)
    if found["stop_reason"] is StopReason.FINISHED and await pair_agrees(scope, found["samples"]):
        return {**found, "decided_by": STAGES[stage], "stop_reason": StopReason.AGREED}
    return found


async def _answer(state: _State, runtime: _Runtime) -> _State:
    """A wave of the policy: the answer from the question alone."""
    context = runtime.context
    call = policy_call(context.scope, "answer", context.problem, context.config)
    return {**await _predicted(context, state, "answer", [call]), "decided_by": _QUESTION}


async def _decide(state: _State, runtime: _Runtime) -> State:
    """The answer of the stage that decided; of those cut off before, what most predictions say."""
    by, samples = state["decided_by"], state["samples"]
    chosen = (samples[-1] if by == _QUESTION else samples[-2]) if by else None
    return {"outcome": await settle(runtime.context, samples, state["stop_reason"], by=by, chosen=chosen)}


async def _noted(context: Context[SiftConfig], state: _State, node: str, call: ModelCall) -> _State:
    """The state with the sticker that a call writes."""
    scope, stage = context.scope, state["stage"]
    sticker = ""

    async def consume(result: CallResult) -> bool:
        nonlocal sticker
        sticker = read_notes(result)
        return False

    wave = await scope.wave(node, [call], consume=consume, visit=stage)
    if not sticker and wave.stop_reason is StopReason.FINISHED:
        message = f"no sticker came back from the step {node}: what comes next goes without it"
        scope.emit(Warned(scope=scope.path, node=node, visit=stage, code="no_sticker", message=message))
    return {**state, "sticker": sticker, "stop_reason": wave.stop_reason}


async def _predicted(context: Context[SiftConfig], state: _State, node: str, calls: list[ModelCall], visit: int = 0) -> _State:
    """The state with the candidates of a wave."""
    samples: list[str | None] = [None] * len(calls)

    async def consume(result: CallResult) -> bool:
        kept = keep_candidates(context.scope, result, context.problem, context.config)
        samples[result.index] = kept[0] if kept else None
        return False

    wave = await context.scope.wave(node, calls, consume=consume, visit=visit)
    return {**state, "samples": [*state["samples"], *samples], "stop_reason": wave.stop_reason}


def _latest(state: _State) -> str:
    """The prediction that the next sticker is taken from; empty where there is none."""
    return next(filter(None, state["samples"][-2:]), "")


def _noted_next(state: _State) -> Literal["predict", "inverse", "answer", "decide"]:
    """A sticker is tried; without one the next stage begins."""
    if state["stop_reason"] is not StopReason.FINISHED:
        return "decide"
    if state["sticker"]:
        return "predict"
    return "inverse" if state["stage"] == 1 and _latest(state) else "answer"


def _implied_next(state: _State) -> Literal["forward", "answer", "decide"]:
    if state["stop_reason"] is not StopReason.FINISHED:
        return "decide"
    return "forward" if state["sticker"] else "answer"


def _predicted_next(state: _State) -> Literal["forward", "inverse", "answer", "decide"]:
    if state["stop_reason"] is not StopReason.FINISHED:
        return "decide"
    if state["stage"] == 0:
        return "forward"
    return "inverse" if state["stage"] == 1 and _latest(state) else "answer"


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("sticker", _sticker)
    graph.add_node("predict", _predict)
    graph.add_node("forward", _forward)
    graph.add_node("inverse", _inverse)
    graph.add_node("answer", _answer)
    graph.add_node("decide", _decide)
    graph.add_edge(START, "sticker")
    graph.add_conditional_edges("sticker", _noted_next, ["predict", "answer", "decide"])
    graph.add_conditional_edges("predict", _predicted_next, ["forward", "inverse", "answer", "decide"])
    graph.add_conditional_edges("forward", _noted_next, ["predict", "inverse", "answer", "decide"])
    graph.add_conditional_edges("inverse", _implied_next, ["forward", "answer", "decide"])
    graph.add_edge("answer", "decide")
    graph.add_edge("decide", END)
    return graph.compile()


def _cost(_config: SiftConfig, _team: Mapping[str, ModelSpec], _problem: Problem) -> CallBounds:
    """A sticker and two predictions; then two more stages and the answer from the question. Two calls where nothing is noted."""
    return CallBounds(2, 11)


STRATEGY = Strategy(
    name="sift",
    summary="Write down what the problem says, and answer once that leads to the same answer as the question does.",
    paper="Zeng et al. 2025 (arXiv 2502.14922)",
    config=SiftConfig,
    build=_build,
    cost=_cost,
    prompts=lambda problem: (prompt_name(problem), _STICKER, _FORWARD, _INVERSE, _BOTH, _ALONE),
    converses=True,
    kinds=VOTED_KINDS,
)
