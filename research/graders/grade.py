"""What a grader is, and the grade it gives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import Field

from ...core.answers import Same
from ...core.base import Frozen
from ...core.candidate import Answer
from ...core.registry import Registry
from ..tasks.item import Item


class Grade(Frozen):
    """How right an answer is: 1 right, 0 wrong, between them where a task gives part of the credit."""

    credit: float = Field(ge=0, le=1)
    reason: str
    """One short sentence: by which rule, and what stood against what."""


@dataclass(frozen=True)
class Grader:
    """A registry entry (group ``symposia.graders``)."""

    name: str
    summary: str
    grade: Callable[[Answer | None, Item, Same], Awaitable[Grade]]
    """From an answer (None: no readable one), the item and a judge of symbolic equality to a grade. Never raises for what a
    model wrote; raises :class:`TaskError` where the gold answer itself cannot be read."""


GRADERS: Registry[Grader] = Registry("symposia.graders", "grader", Grader)
"""Every grader by name, other packages' included."""
