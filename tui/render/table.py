"""Columns that fit a width: what matters least is left out first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.text import Text

GAP = 2


class Column(NamedTuple):
    """A column of a table."""

    width: int
    drop: int = 0
    """The higher, the sooner it is left out; 0 is never."""
    grows: bool = False
    """Takes what is left over."""


class Fitted(NamedTuple):
    """A column that is shown."""

    place: int
    width: int


def fitted(columns: Mapping[str, Column], width: int) -> list[Fitted]:
    """The columns that are shown in ``width`` cells, with their widths."""
    shown = list(enumerate(columns.values()))
    while (need := sum(column.width + GAP for _, column in shown) - GAP) > width and any(column.drop for _, column in shown):
        shown.remove(max(shown, key=lambda each: each[1].drop))
    left = width - need
    return [Fitted(place, max(1, column.width + left if column.grows else column.width)) for place, column in shown]


def line(cells: Sequence[Text], columns: Sequence[Fitted]) -> Text:
    """The cells that are shown, each cut or filled to its column."""
    text = Text(no_wrap=True, end="")
    for number, column in enumerate(columns):
        cell = cells[column.place].copy()
        cell.truncate(column.width, overflow="ellipsis", pad=True)
        if number:
            text.append(" " * GAP)
        text.append_text(cell)
    return text
