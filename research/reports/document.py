"""A report as data: titles, tables of finished cells, and sentences. Terminal and Markdown draw the same one."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

from ..statistics.intervals import Interval

NOTHING = "-"
"""There is no such number."""
UNKNOWN = "?"
"""There is such a number, but it is not known: the dollars of a model without a price."""


class Table(NamedTuple):
    """Rows under a head. Columns after the first ``labels`` hold numbers."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    labels: int = 1


class Section(NamedTuple):
    """A title with what stands under it."""

    title: str
    table: Table | None
    sentences: tuple[str, ...] = ()
    """Under the table."""
    detail: bool = False
    """Left out where there is little room."""


class Document(NamedTuple):
    """A report."""

    title: str
    facts: tuple[str, ...]
    sections: tuple[Section, ...]
    foot: tuple[str, ...]
    """How to read the numbers."""


def label(text: str) -> str:
    """A name that somebody chose, safe to show: what cannot be seen (escape sequences) is replaced."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


def percent(share: float | None) -> str:
    """A share in per cent with one digit after the point."""
    return NOTHING if share is None else f"{100 * share:.1f}"


def bounds(interval: Interval | None) -> str:
    """The ends of an interval in per cent."""
    return NOTHING if interval is None else f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


def tokens(count: float | None) -> str:
    """A number of tokens, whole, with commas."""
    return NOTHING if count is None else f"{count:,.0f}"


def quantity(value: float | None, unit: str = "", *, none: str = NOTHING) -> str:
    """A number with three digits that count."""
    if value is None:
        return none
    digits = 3 - math.floor(math.log10(abs(value))) - 1 if value else 0
    return f"{unit}{value:,.{max(0, digits)}f}"


def p_value(value: float) -> str:
    """A p-value with two digits that count."""
    return "<0.001" if value < 0.001 else f"{value:.2g}"


def plural(count: int, one: str, many: Callable[[str], str] = lambda word: f"{word}s") -> str:
    """``1 problem``, ``2 problems``."""
    return f"{count:,} {one if count == 1 else many(one)}"
