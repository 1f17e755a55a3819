"""``write-tool``: the policy writes a tool with its tests, the sandbox tries it, and the tool that passes is the answer.

Source: Cai et al. 2023, "Large Language Models as Tool Makers" (arXiv 2305.17126), its tool-making half: a function with its own
tests, and what went wrong told to the model. We differ in that the user describes the tool, where there it is distilled from
solved problems. The answer is the tool as JSON. The run stores none: whoever runs it has the tool admitted once more and kept,
so that a replay or a fork changes no tool, and what a run holds is never trusted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Literal, Required

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field

from ..agents.policy import Sampling, read_candidates, sampled, with_role_prompt
from ..agents.programs import fenced_blocks, find_program
from ..agents.quoted import as_data, fill
from ..core.answers import extract
from ..core.budget import CallBounds
from ..core.calls import CallResult
from ..core.candidate import Answer, Candidate, ExtractionRule
from ..core.errors import ToolRefusedError
from ..core.model_spec import ModelSpec
from ..core.problem import AnswerKind, Message, Problem
from ..core.result import Outcome, StopReason
from ..core.written import WRITER, ToolDraft
from ..tools.admission import LIMITS, require_passed, require_sound, trials
from ..tools.written import draft_of
from .selection import select_all
from .strategy import Context, State, Strategy

_WRITE, _REPAIR = "tool.write", "tool.repair"


class WriteToolConfig(Sampling):
    """Options of ``write-tool``."""

    temperature: float = Field(default=0.0, ge=0, le=2)
    """0 takes the likeliest token each time."""
    max_tokens: int = Field(default=2048, gt=0)
    """Completion tokens an attempt may use."""
    repairs: int = Field(default=2, ge=0, le=8)
    """Further attempts at a tool that is not admitted."""
    name: str = ""
    """What the tool is called; empty: as the model calls it."""


class _State(State):
    candidate: Required[Candidate | None]
    """The latest attempt; None where the first call failed."""
    refused: Required[str | None]
    """Why it is not admitted; None before it was tried, too."""
    admitted: Required[ToolDraft | None]
    visit: Required[int]
    stop_reason: Required[StopReason]


_Runtime = Runtime[Context[WriteToolConfig]]


async def _write(state: _State, runtime: _Runtime) -> dict[str, Any]:  # noqa: ARG001
    """A call of the policy: the first attempt."""
    return {"visit": 0, "refused": None, "admitted": None, **await _attempt(runtime.context, "write", _asked(runtime.context), 0)}


async def _try(state: _State, runtime: _Runtime) -> dict[str, Any]:
    """A wave of the sandbox: the tests of a tool whose text is sound."""
    scope, config, candidate = runtime.context.scope, runtime.context.config, state["candidate"]
    if candidate is None:
        return {}
    try:
        draft = read_reply(candidate.text, config.name)
        require_sound(draft)
        done = await scope.execute("try", trials(draft), limits=LIMITS, visit=state["visit"])
        executions = [execution for execution in done.results if execution is not None]
        if len(executions) < len(done.results):  # halted
            return {"stop_reason": done.stop_reason}
        require_passed(draft, executions)
    except ToolRefusedError as error:
        return {"refused": error.message}
    return {"admitted": draft}


async def _repair(state: _State, runtime: _Runtime) -> dict[str, Any]:
    """A call of the policy: another attempt, for which it is shown the last one, if there is any, and what is wrong with it."""
    context, candidate, visit = runtime.context, state["candidate"], state["visit"] + 1
    messages = _asked(context)
    if candidate is not None:
        again = fill(context.scope.prompts[_REPAIR], error=as_data(state["refused"]))
        said = Message(role="assistant", content=candidate.text or "(nothing)")
        messages = (*messages, said, Message(role="user", content=again))
    made = await _attempt(context, "repair", messages, visit)
    if made["candidate"] is None:
        return {"visit": visit, "stop_reason": made["stop_reason"]}
    return {"visit": visit, "refused": None, **made}


async def _finish(state: _State, runtime: _Runtime) -> State:
    """The tool that was admitted is the answer; without one there is none."""
    scope, candidate, reason = runtime.context.scope, state["candidate"], state["stop_reason"]
    settled = state["admitted"] is not None or reason is not StopReason.STEERED  # what was stopped goes on when it is resumed
    found = [_settled(candidate, state["admitted"], state["refused"])] if candidate is not None and settled else []
    for each in found:
        scope.add(each)
    selections = select_all(found, [0 if each.answer is not None else -1 for each in found])
    ids = tuple(each.id for each in found)
    return {
        "outcome": Outcome(
            candidates=ids, pick=selections["majority"].candidate, selections=selections, confidence=None, stop_reason=reason
        )
    }


def read_reply(text: str, name: str = "") -> ToolDraft:
    """The tool in a reply: a fenced block of JSON, and one of Python where the JSON has no source. ``name`` is put in place of
    its own. Raises :class:`ToolRefusedError`.
    """
    blocks = [block for mark, block in fenced_blocks(text) if mark.lower() == "json"] or [text]
    try:
        found = json.loads(blocks[-1])
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ToolRefusedError("the reply holds no JSON object in a fenced block marked json")
    source = found.get("source") or find_program(text)
    if source is None:
        raise ToolRefusedError("the reply holds no Python in a fenced block marked python")
    return draft_of({**found, "source": source, **({"name": name} if name else {})})


async def _attempt(context: Context[WriteToolConfig], node: str, messages: tuple[Message, ...], visit: int) -> dict[str, Any]:
    candidates: list[Candidate] = []

    async def consume(result: CallResult) -> bool:
        candidates.extend(read_candidates(result, context.problem, context.config))
        return False

    wave = await context.scope.wave(
        node, [sampled(context.scope, node, messages, context.config, visit=visit)], consume=consume, visit=visit
    )
    return {"candidate": candidates[0] if candidates else None, "stop_reason": wave.stop_reason}


def _asked(context: Context[WriteToolConfig]) -> tuple[Message, ...]:
    return with_role_prompt(context.problem.messages, context.scope.prompts[_WRITE])


def _settled(candidate: Candidate, admitted: ToolDraft | None, refused: str | None) -> Candidate:
    """The candidate that an attempt is: its answer is the tool that was admitted, whatever else its text holds."""
    text = f"{candidate.text}\n\n{refused}" if refused else candidate.text
    return candidate.model_copy(update={"text": text, "answer": None if admitted is None else _answer(admitted)})


def _answer(draft: ToolDraft) -> Answer | None:
    found = extract(draft.model_dump_json(), AnswerKind.JSON)
    return found and found.model_copy(update={"rule": ExtractionRule.PROGRAM})


def _after_trying(state: _State, runtime: _Runtime) -> Literal["repair", "finish"]:
    left = state["visit"] < runtime.context.config.repairs and state["stop_reason"] is StopReason.FINISHED
    return "repair" if left and state["admitted"] is None else "finish"


def _after_repair(state: _State) -> Literal["try", "finish"]:
    return "try" if state["candidate"] is not None and state["refused"] is None else "finish"


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(_State, context_schema=Context)
    graph.add_node("write", _write)
    graph.add_node("try", _try)
    graph.add_node("repair", _repair)
    graph.add_node("finish", _finish)
    graph.add_edge(START, "write")
    graph.add_edge("write", "try")
    graph.add_conditional_edges("try", _after_trying, ["repair", "finish"])
    graph.add_conditional_edges("repair", _after_repair, ["try", "finish"])
    graph.add_edge("finish", END)
    return graph.compile()


def _cost(config: WriteToolConfig, _team: Mapping[str, ModelSpec], _problem: Problem) -> CallBounds:
    """The first attempt, then every repair at most."""
    return CallBounds(1, 1 + config.repairs)


STRATEGY = Strategy(
    name=WRITER,
    summary="Write a tool with its tests, try it in the sandbox, and mend it until it is admitted.",
    paper="Cai et al. 2023 (arXiv 2305.17126)",
    config=WriteToolConfig,
    build=_build,
    cost=_cost,
    prompts=lambda _problem: (_WRITE, _REPAIR),
    runs_code=True,
    kinds=frozenset({AnswerKind.JSON}),
)
