"""Texts broken into lines of a width."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len, chop_cells
from rich.text import Text

from .lines import words
from .skin import Skin

LINES = 20_000
"""Lines of a text that are shown: nobody scrolls further, and an export has them all."""


def wrapped(text: str, width: int, skin: Skin, *, dim: bool = False) -> list[Text]:
    """An inert text in lines of at most ``width`` cells, broken at spaces where there are any."""
    style = skin.dim if dim else ""
    found: list[Text] = []
    for line in text.split("\n"):
        found += [words((part, style)) for part in _broken(line, max(1, width))]
        if len(found) > LINES:
            return [*found[:LINES], words((f"({len(text):,} characters in all; an export has them)", skin.dim))]
    return found


def _broken(line: str, width: int) -> Iterator[str]:
    if cell_len(line) <= width:
        yield line
        return
    row, used = "", 0
    for word in line.split(" "):
        cells = cell_len(word)
        if row and used + 1 + cells <= width:
            row, used = f"{row} {word}", used + 1 + cells
            continue
        if row:
            yield row
        *full, row = chop_cells(word, width) or [""]
        yield from full
        used = cell_len(row)
    yield row
