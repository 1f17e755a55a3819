"""The same letters of options, all of them and no other: how GPQA is graded."""

from __future__ import annotations

from ...core.answers import canonical
from ...core.candidate import Answer
from ...core.problem import AnswerKind
from ..tasks.item import Item
from .gold import gold_answer
from .grade import NO_ANSWER, Equal, Grade, Grader, compared


def letters(answer: Answer) -> str | None:
    """The sorted letters that an answer of any kind consists of, None where it is something else."""
    found = canonical(answer.value, AnswerKind.CHOICE)
    return found.value if found else None


async def _grade(answer: Answer | None, item: Item, equal: Equal) -> Grade:  # noqa: ARG001 - letters need no symbols
    gold = gold_answer(item, AnswerKind.CHOICE)
    return compared(letters(answer) == gold.value, answer, gold.value) if answer else NO_ANSWER


GRADER = Grader(
    name="choice",
    summary="The same letters of options.",
    grade=_grade,
)
