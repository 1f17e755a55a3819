"""What changed from one text to another: side by side where there is room, else one under the other."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import NamedTuple

from rich.text import Text

from .inert import inert
from .lines import fit, left, words
from .skin import Skin
from .wrap import wrapped

SIDE_BY_SIDE = 120
"""Cells from which on the texts stand beside each other."""
_AROUND = 3
"""Lines that are shown around a change."""
_GUTTER = 2


class _Change(NamedTuple):
    """Lines that belong together: as they were, as they are. Equal where nothing changed."""

    old: list[str]
    new: list[str]
    same: bool


def diff_lines(old: str, new: str, width: int, skin: Skin) -> list[Text]:
    """The changed lines with some around them. Signs say as well as colours what went (``-``) and what came (``+``)."""
    changes = list(_changes(inert(old).split("\n"), inert(new).split("\n")))
    if all(change.same for change in changes):
        return [fit(words(("nothing changed", skin.dim)), width, skin)]
    draw = _beside if width >= SIDE_BY_SIDE else _under
    lines: list[Text] = []
    for place, change in enumerate(changes):
        shown = _around(change, first=place == 0, last=place == len(changes) - 1)
        for part in shown:
            lines += [_skipped(len(change.old), shown, skin)] if part is None else draw(part, width, skin)
    return [fit(line, width, skin) for line in lines]


def _changes(old: list[str], new: list[str]) -> Iterator[_Change]:
    for kind, start, end, first, last in SequenceMatcher(None, old, new).get_opcodes():
        yield _Change(old[start:end], new[first:last], kind == "equal")


def _around(change: _Change, *, first: bool, last: bool) -> list[_Change | None]:
    """What is shown: a change, and of equal lines those next to one. None stands for those that are not."""
    if not change.same:
        return [change]
    lines = change.old
    head = [] if first else lines[:_AROUND]
    tail = [] if last else lines[-_AROUND:]
    if len(head) + len(tail) + 1 >= len(lines):
        return [change]
    parts = [_Change(head, head, same=True) if head else None, None, _Change(tail, tail, same=True) if tail else None]
    return [part for at, part in enumerate(parts) if part is not None or at == 1]


def _skipped(lines: int, shown: list[_Change | None], skin: Skin) -> Text:
    hidden = lines - sum(len(part.old) for part in shown if part is not None)
    return words((f"{skin.glyphs.ellipsis} {hidden} lines as before", skin.dim))


def _under(change: _Change, width: int, skin: Skin) -> list[Text]:
    if change.same:
        return _side(change.old, width, " ", skin.dim, skin)
    return _side(change.old, width, "-", skin.low or skin.warn, skin) + _side(
        change.new, width, "+", skin.high or skin.accent, skin
    )


def _beside(change: _Change, width: int, skin: Skin) -> list[Text]:
    room = (width - 3) // 2
    pairs: list[tuple[str | None, str | None]] = list(zip_longest(change.old, change.new))
    signs = (" ", " ") if change.same else ("-", "+")
    styles = (skin.dim, skin.dim) if change.same else (skin.low or skin.warn, skin.high or skin.accent)
    rows: list[Text] = []
    for before, after in pairs:
        one = [] if before is None else _side([before], room, signs[0], styles[0], skin)
        other = [] if after is None else _side([after], room, signs[1], styles[1], skin)
        for first, second in zip_longest(one, other):
            row = left(first if first is not None else words(), room, skin)
            rows.append(row.append(f" {skin.glyphs.pipe} ", skin.dim or None).append_text(second or words()))
    return rows


def _side(lines: list[str], width: int, sign: str, style: str, skin: Skin) -> list[Text]:
    """Lines with a sign before the first piece of each."""
    rows = []
    for line in lines:
        for place, piece in enumerate(wrapped(line, max(2, width - _GUTTER), skin)):
            rows.append(words((f"{sign if place == 0 else ' '} {piece.plain}", style)))
    return rows
