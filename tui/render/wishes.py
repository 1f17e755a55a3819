"""What people asked of a run: what waits still, and what was taken up last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.text import Text

from ...core.records import ControlKind, ControlRecord
from ..store.run import Note, Question
from .cells import span
from .inert import one_line
from .lines import fit, left, words
from .skin import Skin

_SHOWN = 3
"""Wishes that are listed: the newest."""
_WORDS = {
    ControlKind.PAUSE: "pause",
    ControlKind.PAUSE_NOW: "pause now",
    ControlKind.RESUME: "resume",
    ControlKind.STOP: "stop",
    ControlKind.STEER: "steer",
    ControlKind.QUEUE: "queue",
    ControlKind.RETUNE: "budget",
    ControlKind.RESPOND: "answer",
}
_COLUMN = 9


class Strip(NamedTuple):
    """What there is to tell."""

    wishes: Sequence[ControlRecord] = ()
    """Oldest first."""
    taken: Note | None = None
    """What was taken up last."""
    questions: Sequence[Question] = ()
    """Tools' calls that wait for a word, and got none yet."""


def wish_lines(strip: Strip, keys: tuple[str, str], now: float, width: int, skin: Skin) -> list[Text]:
    """A line each: calls that wait for a word, wishes that wait to be taken up, and what was taken up last.

    ``keys`` are those that open a question and that take back the last wish.
    """
    lines = [] if not strip.questions else [_asked(strip.questions, keys[0], width, skin)]
    hidden = len(strip.wishes) - _SHOWN
    if hidden > 0:
        lines.append(fit(words((f"  and {hidden} before these", skin.dim)), width, skin))
    shown = strip.wishes[-_SHOWN:]
    lines += [_wish(wish, keys[1] if wish is shown[-1] else "", now, width, skin) for wish in shown]
    if strip.taken is not None:
        lines.append(_taken(strip.taken, now, width, skin))
    return lines


def said(wish: ControlRecord) -> str:
    """What a wish says, in a line's words."""
    if wish.kind is ControlKind.RETUNE:
        return str(wish.budget)
    if wish.response is not None:
        note = f": {wish.response.note}" if wish.response.note else ""
        return ("yes" if wish.response.approve else "no") + note
    return wish.text


def _asked(questions: Sequence[Question], key: str, width: int, skin: Skin) -> Text:
    tools = ", ".join(dict.fromkeys(question.tool for question in questions))
    one = len(questions) == 1
    told = f"a call of {tools} waits" if one else f"{len(questions)} calls wait ({tools})"
    line = words((f"{skin.glyphs.refused} ", skin.warn), (one_line(told, max(1, width - 12), skin), f"bold {skin.warn}".strip()))
    return fit(line.append(f": {key}", skin.dim or None), width, skin)


def _wish(wish: ControlRecord, key: str, now: float, width: int, skin: Skin) -> Text:
    age = f" {span(max(0.0, now - wish.at))}" + (f"  {key} takes it back" if key else "")
    head = words((f"{skin.glyphs.idle} ", skin.person), left(words((_WORDS[wish.kind], skin.person)), _COLUMN, skin))
    room = width - head.cell_len - len(age)
    if room < _COLUMN:
        return fit(head.append(one_line(said(wish), max(0, width - head.cell_len), skin)), width, skin)
    return head.append_text(left(words(one_line(said(wish), room, skin)), room, skin)).append(age, skin.dim or None)


def _taken(note: Note, now: float, width: int, skin: Skin) -> Text:
    age = f" {span(max(0.0, now - note.at))} ago"
    room = max(1, width - 2 - len(age))
    line = words((f"{skin.glyphs.busy} ", skin.dim), (one_line(note.text, room, skin), skin.dim))
    return fit(left(line, width - len(age), skin).append(age, skin.dim or None), width, skin)
