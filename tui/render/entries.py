"""An entry of a trace in a line, and a tool's call with what came of it."""

from __future__ import annotations

import json
from typing import Any

from rich.text import Text

from ..store.run import Note, Sample, ToolUse
from ..store.timeline import Entry
from .cells import span
from .inert import inert, one_line
from .lines import fit, words
from .log import note_line
from .samples import sample_line
from .skin import Skin
from .wrap import wrapped


def entry_line(entry: Entry, width: int, skin: Skin, *, picked: str | None) -> Text:
    """One line; ``picked`` is the id of the sample that the run took."""
    match entry:
        case Sample():
            return sample_line(entry, width, skin, picked=entry.id == picked)
        case ToolUse():
            return _tool_line(entry, width, skin)
        case Note():
            return note_line(entry, width, skin)


def headline(entry: Entry) -> str:
    """What an entry is called."""
    match entry:
        case Sample():
            return f"Sample {entry.number}"
        case ToolUse():
            return "Tool call"
        case Note():
            return "Note"


def _tool_line(use: ToolUse, width: int, skin: Skin) -> Text:
    if use.returned is None:
        told, style = "is working", skin.dim
    else:
        told = f"{'failed' if use.failed else 'came back'} after {span(use.seconds or 0.0)}"
        style = skin.bad if use.failed else skin.dim
    return fit(words(("   + ", skin.accent), (one_line(use.tool, 30, skin), skin.text), ("  " + told, style)), width, skin)


def tool_lines(use: ToolUse, called: Any, came: Any, width: int, skin: Skin, *, unfolded: bool) -> list[Text]:
    """A tool's call: its arguments, why it was made, and what it gave.

    ``called`` and ``came`` are its two events; None where they are not there.
    """
    lines = [_tool_line(use, width, skin), words()]
    if called is not None:
        if called.justification:
            lines += [*_said(called.justification, width, skin, skin.dim), words()]
        lines += [words(("asked with", skin.dim)), *_said(_pretty(called.arguments), width, skin, skin.text), words()]
    if came is not None:
        gave = f"error: {came.error}" if came.error is not None else _pretty(came.output)
        style = skin.bad if came.error is not None else skin.text
        shown = _said(gave, width, skin, style)
        if unfolded or came.error is not None or len(shown) == 1:
            lines += [words(("it gave", skin.dim)), *shown]
        else:
            lines.append(words((f"{skin.glyphs.closed} it gave {len(gave):,} characters", skin.dim)))
    return [fit(line, width, skin) for line in lines]


def _said(text: str, width: int, skin: Skin, style: str) -> list[Text]:
    return [words("  ", (line.plain, style)) for line in wrapped(inert(text), max(2, width - 2), skin)]


def _pretty(value: Any) -> str:
    """JSON as people read it: code with its line breaks."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict) and value and all(isinstance(each, str | int | float) for each in value.values()):
        parts = [f"{key}:\n{each}" if "\n" in str(each) else f"{key}: {each}" for key, each in value.items()]
        return "\n".join(parts)
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)
