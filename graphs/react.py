"""``react``: think, call a tool, look at what it gave, and so on until the answer.

Source: Yao et al. 2022, ReAct (arXiv 2210.03629), without worked examples. A model with the ability ``tools`` calls them
natively, any other in the paper's text form. Every call is to say why it is needed and is counted: Qian et al. 2025, SMART (arXiv
2502.11435), whose point is that models call tools for what they know. A call made before in the same words is answered from
what was said then. Only what the policy says last is read for the answer, never what a tool gave.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import islice
from typing import Any, Literal, NamedTuple, Required

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from ..agents.policy import ROLE, Sampling, prompt_name, read_answer, read_candidates, sampled, with_role_prompt
from ..agents.quoted import fill
from ..agents.react_text import (
    OBSERVATION,
    STOPS,
    arguments_for,
    observation,
    offered,
    read_turn,
    requested,
    same_call,
    transcript,
    with_justification,
)
from ..core.budget import CallBounds
from ..core.calls import CallResult, ModelCall
from ..core.candidate import Candidate, ToolCounts
from ..core.model_spec import Ability, ModelSpec
from ..core.options import Names
from ..core.problem import AnswerKind, Message, Problem
from ..core.protocols import Scope
from ..core.result import Outcome, StopReason
from ..core.tooling import ToolRequest, ToolResult
from .selection import select_all
from .strategy import Context, State, Strategy

_NATIVE, _TEXT, _LAST = "react.native", "react.text", "react.last"


class ReactConfig(Sampling):
    """Options of ``react``."""

    temperature: float = Field(default=0.0, ge=0, le=2)
    """0 takes the likeliest token each time."""
    tools: Names = Field(default=("calculator",), min_length=1)
    """Names of the tools that it may call, such as ``calculator,python``."""
    turns: int = Field(default=6, ge=1, le=64)
    """Turns with tools, after which it has to answer."""
    calls_per_turn: int = Field(default=4, ge=1, le=64)
    """Calls that a model may make at once; further ones are errors."""
    form: Literal["auto", "native", "text"] = "auto"
    """How tools are called: ``native`` by the model's own protocol, ``text`` as in the paper, ``auto`` natively where it can."""
    max_output: int = Field(default=4_000, ge=100)
    """Characters of a tool's output that the model is shown."""

    @property
    def abilities(self) -> frozenset[Ability]:
        """What the policy's model must be able to do beside chat."""
        return super().abilities | ({Ability.TOOLS} if self.form == "native" else frozenset())


class _Wish(NamedTuple):
    """A call that the model asks for, and the id under which it wants the result; None in text."""

    request: ToolRequest
    id: str | None


class _State(State):
    said: Required[tuple[Message, ...]]
    """The conversation after the problem."""
    wishes: Required[tuple[_Wish, ...]]
    """Of the last turn, not carried out yet."""
    seen: Required[dict[str, ToolResult]]
    """What every call gave, by :func:`.react_text.same_call`."""
    counts: Required[ToolCounts]
    final: Required[str | None]
    """Id of the candidate; None before the last word."""
    turn: Required[int]
    stop_reason: Required[StopReason]


_Runtime = Runtime[Context[ReactConfig]]


async def _think(state: _State, runtime: _Runtime) -> dict[str, Any]:
    """A call of the policy, which asks for tools or answers; the last one, or one after a call that failed, must answer."""
    context = runtime.context
    said, turn, counts = state.get("said", ()), state.get("turn", -1) + 1, state.get("counts", ToolCounts())
    scope, problem, config = context.scope, context.problem, context.config
    must = turn >= config.turns
    candidates: list[Candidate] = []

    async def consume(result: CallResult) -> bool:
        candidates.extend(read_candidates(result, problem, config))
        return False

    wave = await scope.wave("think", [_think_call(context, said, turn, must=must)], consume=consume, visit=turn)
    update: dict[str, Any] = {"said": said, "turn": turn, "counts": counts, "wishes": (), "seen": state.get("seen", {})}
    update |= {"stop_reason": wave.stop_reason, "final": None}
    if not candidates:
        # It failed for good: what is known so far has to do.
        return update | {"turn": turn if must else config.turns - 1}
    (candidate,) = candidates
    message, wishes, final = _read(context, candidate)
    if wishes and not must:
        return update | {"said": (*said, message), "wishes": wishes}
    answer = read_answer(final, candidate.finish_reason, problem, config)
    text = transcript((*said, message))
    scope.add(candidate.model_copy(update={"text": text, "answer": answer, "tool_calls": (), "tool_counts": counts}))
    return update | {"final": candidate.id}


async def _act(state: _State, runtime: _Runtime) -> dict[str, Any]:
    """A wave of tools: the calls of a turn that were not made before."""
    context, wishes, seen = runtime.context, state["wishes"], state["seen"]
    config = context.config
    keys = [same_call(wish.request) for wish in wishes]
    new: dict[str, ToolRequest] = {}
    for key, wish in zip(keys, wishes, strict=True):
        if key not in seen:
            new.setdefault(key, wish.request)
    made = dict(islice(new.items(), config.calls_per_turn))
    wave = await context.scope.call_tools("act", [*made.values()], visit=state["turn"])
    if wave.stop_reason is not StopReason.FINISHED:
        return {"stop_reason": wave.stop_reason}
    given = {key: result for key, result in zip(made, wave.results, strict=True) if result is not None}
    refused = ToolResult(error=f"not called: at most {config.calls_per_turn} calls can be made at once")
    results = [seen.get(key) or given.get(key) or refused for key in keys]
    again = [key in seen or key in keys[:place] for place, key in enumerate(keys)]
    told = [
        _shown(observation(result, config.max_output, again=repeated), wish)
        for result, repeated, wish in zip(results, again, wishes, strict=True)
    ]
    counts = _counted(state["counts"], wishes, results, sum(again))
    return {"said": (*state["said"], *told), "wishes": (), "seen": {**seen, **given}, "counts": counts}


async def _finish(state: _State, runtime: _Runtime) -> State:
    """The last word, where there is one."""
    final = state["final"]
    candidates = [runtime.context.scope.candidates[final]] if final is not None else []
    selections = select_all(candidates, [0 if candidate.answer is not None else -1 for candidate in candidates])
    ids = tuple(candidate.id for candidate in candidates)
    pick = selections["majority"].candidate
    return {"outcome": Outcome(candidates=ids, pick=pick, selections=selections, stop_reason=state["stop_reason"])}


def _after_thinking(state: _State, runtime: _Runtime) -> Literal["act", "think", "finish"]:
    if state["wishes"]:
        return "act"
    over = state["final"] is not None or state["turn"] >= runtime.context.config.turns
    return "finish" if over or state["stop_reason"] is not StopReason.FINISHED else "think"


def _after_acting(state: _State) -> Literal["think", "finish"]:
    return "think" if state["stop_reason"] is StopReason.FINISHED else "finish"


def _think_call(context: Context[ReactConfig], said: tuple[Message, ...], turn: int, *, must: bool) -> ModelCall:
    scope, native = context.scope, _native(context.scope, context.config)
    prompts, problem = scope.prompts, context.problem
    how = prompts[_NATIVE] if native else fill(prompts[_TEXT], tools="\n".join(map(offered, scope.tools.values())))
    messages = (*with_role_prompt(problem.messages, f"{prompts[prompt_name(problem)]}\n\n{how}"), *said)
    if must:
        messages = (*messages, Message(role="user", content=prompts[_LAST]))
    more: dict[str, Any] = {"stop": STOPS}
    if native:
        # Left in when none may be called: some APIs refuse a conversation with tools' results in it without them.
        tools = tuple(with_justification(spec) for spec in scope.tools.values())
        more = {"tools": tools, "tool_choice": "none" if must else None}
    return sampled(scope, "think", messages, context.config, visit=turn, **more)


def _native(scope: Scope, config: ReactConfig) -> bool:
    return config.form != "text" and Ability.TOOLS in scope.spec(ROLE).abilities


def _read(context: Context[ReactConfig], candidate: Candidate) -> tuple[Message, tuple[_Wish, ...], str]:
    """A reply as a turn of the conversation, what it asks for, and what of it may hold the answer."""
    specs = dict(context.scope.tools)
    if _native(context.scope, context.config):
        calls = candidate.tool_calls
        message = Message(role="assistant", content=candidate.text or None, tool_calls=calls)
        return message, tuple(_Wish(requested(call, specs), call.id) for call in calls), candidate.text
    turn = read_turn(candidate.text)
    message = Message(role="assistant", content=turn.said or "(nothing)")
    if turn.request is None:
        return message, (), turn.final
    arguments = arguments_for(specs.get(turn.request.name), turn.request.arguments)
    return message, (_Wish(turn.request.model_copy(update={"arguments": arguments}), None),), turn.final


def _shown(text: str, wish: _Wish) -> Message:
    if wish.id is None:
        return Message(role="user", content=f"{OBSERVATION} {text}")
    return Message(role="tool", content=text, tool_call_id=wish.id)


def _counted(before: ToolCounts, wishes: Sequence[_Wish], results: Sequence[ToolResult], repeated: int) -> ToolCounts:
    return ToolCounts(
        calls=before.calls + len(wishes),
        justified=before.justified + sum(bool(wish.request.justification) for wish in wishes),
        failed=before.failed + sum(result.error is not None for result in results),
        repeated=before.repeated + repeated,
    )


def _prompts(problem: Problem) -> tuple[str, ...]:
    return (prompt_name(problem), _NATIVE, _TEXT, _LAST)


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("think", _think)
    graph.add_node("act", _act)
    graph.add_node("finish", _finish)
    graph.add_edge(START, "think")
    graph.add_conditional_edges("think", _after_thinking, ["act", "think", "finish"])
    graph.add_conditional_edges("act", _after_acting, ["think", "finish"])
    graph.add_edge("finish", END)
    return graph.compile()


def _cost(config: ReactConfig, _team: Mapping[str, ModelSpec], _problem: Problem) -> CallBounds:
    """One call a turn and the last word. What models that its tools ask are called comes on top."""
    return CallBounds(1, config.turns + 1)


STRATEGY = Strategy(
    name="react",
    summary="Think, call a tool, look at what it gave, and so on until the answer.",
    paper="Yao et al. 2022 (arXiv 2210.03629); justified calls: Qian et al. 2025 (arXiv 2502.11435)",
    config=ReactConfig,
    build=_build,
    cost=_cost,
    prompts=_prompts,
    samples=lambda config: config.turns + 1,
    converses=True,
    tools=lambda config: config.tools,
    kinds=frozenset(AnswerKind) - {AnswerKind.TOOL_CALL},
)
