"""Grading the answers of an experiment: one grader, and what it asked of symbols remembered."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ...core.candidate import Answer
from ..tasks.item import Item
from .grade import Equal, Grade, Grader

_MAX_REMEMBERED = 10_000


class Grading:
    """Grades answers by one rule. Symbolic questions, each of which may take seconds, are asked once per pair of values.

    Args:
        grader: the rule, such as ``GRADERS.get("symbolic")``.
        equal: judges symbolic equality: ``SymbolicWorker().same``, whose owner closes it.
    """

    def __init__(self, grader: Grader, equal: Equal) -> None:
        self.grader = grader
        self._equal = equal
        self._known: dict[tuple[str, str], bool | None] = {}

    async def check(self, items: Iterable[Item]) -> None:
        """See that the gold answer of every item can be read, before anything is spent. Raises :class:`TaskError`."""
        for item in items:
            await self.grader.grade(None, item, self._ask)

    async def grade(self, answer: Answer | None, item: Item) -> Grade:
        """The grade of one answer to ``item``. Raises :class:`TaskError` where its gold answer cannot be read."""
        return await self.grader.grade(answer, item, self._ask)

    async def grade_all(self, answers: Sequence[Answer | None], item: Item) -> tuple[Grade, ...]:
        """The grades of many answers to ``item``, in their order. Raises as :meth:`grade` does."""
        grades: dict[Answer | None, Grade] = {}
        for answer in answers:
            if answer not in grades:
                grades[answer] = await self.grade(answer, item)
        return tuple(grades[answer] for answer in answers)

    async def _ask(self, a: str, b: str) -> bool | None:
        if (a, b) not in self._known:
            verdict = await self._equal(a, b)
            while len(self._known) >= _MAX_REMEMBERED:  # an experiment may have a million pairs: forget the oldest
                del self._known[next(iter(self._known))]
            self._known[a, b] = verdict
        return self._known[a, b]
