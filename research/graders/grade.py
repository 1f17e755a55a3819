"""What a grader is, and the grade it gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import Field

from ...core.base import Frozen
from ...core.candidate import Answer, ExtractionRule
from ...core.registry import Registry
from ..tasks.item import Item

_MAX_SHOWN = 60

Equal = Callable[[str, str], Awaitable[bool | None]]
"""Whether two canonical values are equal as mathematics, None where that is unknown: ``SymbolicWorker.same``."""


class Grade(Frozen):
    """How right an answer is: 1 right, 0 wrong, between them where a task gives part of the credit."""

    credit: float = Field(ge=0, le=1)
    reason: str
    """One short sentence: by which rule, and what stood against what."""


NO_ANSWER = Grade(credit=0, reason="no readable answer")
"""What a candidate gets in which no answer was found, whatever the grader."""


@dataclass(frozen=True)
class Grader:
    """A registry entry (group ``symposia.graders``)."""

    name: str
    summary: str
    grade: Callable[[Answer | None, Item, Equal], Awaitable[Grade]]
    """From an answer (None: no readable one), the item and a judge of symbolic equality to a grade. Never raises for what a
    model wrote; raises :class:`TaskError` where the gold answer itself cannot be read, even if there is no answer."""


GRADERS: Registry[Grader] = Registry("symposia.graders", "grader", Grader)
"""Every grader by name, other packages' included."""


def verdict(right: bool, reason: str) -> Grade:
    """A grade without parts: 1 or 0."""
    return Grade(credit=1 if right else 0, reason=reason)


def compared(right: bool, answer: Answer, gold: str, remark: str = "") -> Grade:
    """A grade whose reason sets the answer against the gold one, and says where the answer was found by guesswork only."""
    guessed = "; read off as the last number of the text" if answer.rule is ExtractionRule.LAST_NUMBER else ""
    return verdict(right, f"{short(str(answer))} {'is' if right else 'is not'} {short(gold)}{remark}{guessed}")


def short(text: str) -> str:
    """A text on one line, its end cut off where it is long: a reason is read in a table."""
    line = " ".join(text.split())
    return line if len(line) <= _MAX_SHOWN else line[: _MAX_SHOWN - 1] + "…"
