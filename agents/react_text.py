"""ReAct in text: reading a turn of the policy, and showing it what tools gave. Pure functions.

What a model writes after its first action is cut: it cannot have seen an observation yet, so that whatever it says of one is
made up. What tools give is shown as JSON on one line, which it cannot end from inside.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from functools import cache
from typing import Any, NamedTuple

from ..core.calls import ToolSpec
from ..core.problem import Message, ToolCall
from ..core.tooling import ToolRequest, ToolResult
from .quoted import as_data

OBSERVATION = "Observation:"
STOPS = (f"\n{OBSERVATION}",)
"""Where a model that goes on by itself is stopped."""
JUSTIFICATION = "justification"
"""The argument in which a model that calls tools natively says why."""

_MADE_UP = re.compile(r"^[ \t*#>-]*Observation\b", re.IGNORECASE | re.MULTILINE)
_ACTION = re.compile(r"^[ \t*#>-]*Action[ \t*]*:[ \t*]*(.*)$", re.IGNORECASE | re.MULTILINE)
_INPUT = re.compile(r"\s*[*#>-]*[ \t]*Action[ \t]+Input[ \t*]*:[ \t*]*", re.IGNORECASE)
_LABEL = re.compile(r"^[ \t*#>-]*Thought[ \t*]*:[ \t*]*", re.IGNORECASE | re.MULTILINE)
_INLINE = re.compile(r"([\w-]+)[ \t]*[\[(](.*)[\])]", re.DOTALL)
_FENCED = re.compile(r"\s*```[\w+-]*\n(.*?)(?:\n```|\Z)", re.DOTALL)


class Turn(NamedTuple):
    """A reply, read."""

    said: str
    """The part of it that counts: up to the end of its first action."""
    request: ToolRequest | None
    """The tool that it wants, None where it wants none; its arguments are JSON text only where the model wrote JSON."""
    final: str
    """What may hold the answer: what follows the closing label, else all that was said."""


def read_turn(text: str, *, closing: str = "Final Answer") -> Turn:
    """Read a reply of the form Thought, Action, Action Input, or ``closing:`` and the answer.

    Any text is a turn: one without an action is an answer.
    """
    made_up = _MADE_UP.search(text)
    said = (text[: made_up.start()] if made_up else text).rstrip()
    closed = _label(closing)
    action, final = _ACTION.search(said), closed.search(said)
    if action is None or (final is not None and final.start() < action.start()):
        return Turn(said, None, after(said, closing))
    name, arguments, end = _call(said, action, closed)
    thought = _LABEL.sub("", said[: action.start()]).strip()
    return Turn(said[:end].rstrip(), ToolRequest(name=name, arguments=arguments, justification=thought), said)


def after(text: str, closing: str) -> str:
    """What stands behind the closing label, else the whole text."""
    found = _label(closing).search(text)
    return text[found.end() :] if found else text


def arguments_for(spec: ToolSpec | None, text: str) -> str:
    """The arguments as JSON text. A bare text is taken as the only argument that a tool requires, be that a text or several."""
    given = _json(text)
    if isinstance(given, dict) or spec is None:
        return text
    properties, required = _schema(spec)
    match [properties.get(name, {}) for name in required]:
        case [{"type": "string"}]:
            only: Any = given if isinstance(given, str) else text
        case [{"type": "array", "items": {"type": "string"}}]:
            only = given if isinstance(given, list) else [given if isinstance(given, str) else text]
        case _:
            return text
    return json.dumps({required[0]: only})


def offered(spec: ToolSpec) -> str:
    """A tool as told to a model that calls tools in text: one line of JSON."""
    properties, required = _schema(spec)
    return as_data({"name": spec.name, "description": spec.description, "arguments": properties, "required": required})


def with_justification(spec: ToolSpec) -> ToolSpec:
    """A tool as offered to a model that calls tools natively: its first argument is why it is called."""
    properties, required = _schema(spec)
    if JUSTIFICATION in properties:
        return spec
    why = {"type": "string", "description": "Why this call is needed: what you cannot be sure of without it."}
    changes = {"properties": {JUSTIFICATION: why, **properties}, "required": [JUSTIFICATION, *required]}
    return spec.model_copy(update={"parameters": {**spec.parameters, **changes}})


def requested(call: ToolCall, specs: dict[str, ToolSpec]) -> ToolRequest:
    """A native call, its justification apart from the tool's own arguments."""
    name, text = call.function.name, call.function.arguments
    own = _schema(specs[name])[0] if name in specs else {}
    arguments = _json(text)
    if not isinstance(arguments, dict) or JUSTIFICATION in own:
        return ToolRequest(name=name, arguments=text)
    why = arguments.pop(JUSTIFICATION, "")
    said = why if isinstance(why, str) else ""
    return ToolRequest(name=name, arguments=json.dumps(arguments, ensure_ascii=False), justification=said.strip())


def same_call(request: ToolRequest) -> str:
    """Equal for calls that ask the same."""
    arguments = _json(request.arguments)
    return json.dumps([request.name, request.arguments if arguments is None else arguments], sort_keys=True)


def observation(result: ToolResult, limit: int, *, again: bool = False) -> str:
    """What a model is shown of a result, as one line of JSON; an output longer than ``limit`` characters is cut, and says so."""
    shown: dict[str, Any] = {"error": result.error[:limit]} if result.error is not None else {"output": result.output}
    if result.error is None:
        text = result.output if isinstance(result.output, str) else json.dumps(result.output, ensure_ascii=False)
        if len(text) > limit:
            shown = {"output": text[:limit], "note": f"cut: these are the first {limit:,} of {len(text):,} characters"}
    if again:
        shown["note"] = "you made this call before; this is what it gave then"
    return as_data(shown)


def transcript(messages: Iterable[Message]) -> str:
    """What was said and done, for people and verifiers."""
    return "\n\n".join(part for message in messages for part in _told(message))


def _schema(spec: ToolSpec) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """A tool's arguments by name, and those that it requires. A schema may be somebody else's: what is none is left out."""
    properties, required = spec.parameters.get("properties"), spec.parameters.get("required")
    named = {name: each for name, each in properties.items() if isinstance(each, dict)} if isinstance(properties, dict) else {}
    return named, [name for name in required if name in list(named)] if isinstance(required, list) else []


def _told(message: Message) -> list[str]:
    if message.role == "tool":
        return [f"{OBSERVATION} {message.text}"]
    calls = [f"Action: {call.function.name}\nAction Input: {call.function.arguments}" for call in message.tool_calls]
    return [part for part in (message.text, *calls) if part]


@cache
def _label(closing: str) -> re.Pattern[str]:
    """What closes a conversation: a line that begins with this label."""
    return re.compile(rf"^[ \t*#>-]*{re.escape(closing)}[ \t*]*:[ \t*]*", re.IGNORECASE | re.MULTILINE)


def _call(said: str, action: re.Match[str], closed: re.Pattern[str]) -> tuple[str, str, int]:
    """Name and arguments of an action, and where it ends."""
    name = action[1].strip().strip("`'\"*")
    found = _INPUT.match(said, action.end())
    if found is None:
        inline = _INLINE.fullmatch(name)  # the paper's own form: Search[entity]
        return (inline[1], inline[2], action.end()) if inline else (name, "{}", action.end())
    rest = said[found.end() :]
    fenced = _FENCED.match(rest)
    text, end = (fenced[1], fenced.end()) if fenced else (rest, len(rest))
    start = len(text) - len(text.lstrip())
    try:
        _, stop = json.JSONDecoder().raw_decode(text, start)
    except (ValueError, RecursionError):
        stop = None
    if stop is None or not text.startswith("{", start):
        cut = min(
            (each.start() for each in (_ACTION.search(text), closed.search(text), _LABEL.search(text)) if each), default=None
        )
        text = text if cut is None else text[:cut]
        return name, text.strip(), found.end() + (end if fenced or cut is None else cut)
    return name, text[start:stop], found.end() + (end if fenced else stop)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
