"""Lines to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.text import Text

from ..item import Item
from .inert import one_line
from .lines import left, words
from .skin import Skin

_LABEL = 34
"""Cells of a label where there is a detail beside it, at most."""


def item_line(item: Item, places: Sequence[int], column: int, width: int, skin: Skin) -> Text:
    """One item: its label in ``column`` cells, and what there is to say of it. One that cannot be chosen says why.

    ``places`` are those of the characters in the label that were looked for.
    """
    label = words((one_line(item.label, column, skin), skin.dim if item.disabled else skin.text))
    for place in places:
        if label.plain[place : place + 1] == item.label[place : place + 1]:
            label.stylize(f"bold {skin.accent}".strip(), place, place + 1)
    line = left(label, column, skin).append("  ")
    room = width - column - 2
    if room < 8:
        return line
    told, style = (f"{skin.glyphs.rejected} {item.disabled}", skin.warn) if item.disabled else (item.detail, skin.dim)
    return line.append(one_line(told, room, skin), style or None)


def column_of(items: Iterable[Item], width: int) -> int:
    """Cells that labels get."""
    longest = max((len(item.label) for item in items), default=0)
    return max(1, min(longest, _LABEL, width))
