"""The line above a draft: what will work on it, and what sending it does now."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rich.cells import cell_len
from rich.text import Text

from ..choices import Shown
from .inert import one_line
from .lines import left, words
from .skin import Skin

_NARROWEST = 5
"""Cells of a value: with fewer the whole chip is left out."""


class Deed(NamedTuple):
    """What a key does now."""

    key: str
    """As people read it; empty where nothing can be done."""
    does: str


def chips(shown: Shown, keys: Sequence[str], deeds: Sequence[Deed], width: int, skin: Skin, *, counts: bool = True) -> Text:
    """One line of at most ``width`` cells. What the keys do is always there, at its end; chips are left out before it is.

    ``keys`` are those that change strategy, team, budget and options. ``counts`` is False where what is sent is not worked on
    with these, but goes to a run that has its own.
    """
    said = _deeds(deeds, skin)
    room = width - said.cell_len - 2
    line = words()
    for key, value in zip(keys, (*shown[:3], shown.options or "options"), strict=True):
        dot = skin.glyphs.dot if line.plain else ""
        used = line.cell_len + cell_len(dot) + cell_len(key) + 1
        if room - used < min(_NARROWEST, cell_len(value)):
            break
        style = skin.text if counts and not (key == keys[-1] and not shown.options) else skin.dim
        line.append(f"{dot}{key} ", skin.dim or None).append(one_line(value, room - used, skin), style or None)
    return left(left(line, max(0, room), skin).append("  ").append_text(said) if room > 0 else said, width, skin)


def _deeds(deeds: Sequence[Deed], skin: Skin) -> Text:
    line = words()
    for deed in deeds:
        line.append(skin.glyphs.dot if line.plain else "", skin.dim or None)
        if deed.key:
            line.append(f"{deed.key} ", f"bold {skin.accent}".strip())
        line.append(deed.does, skin.dim or None)
    return line
