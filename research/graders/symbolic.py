"""Equality of expressions: how MATH-500 is graded.

Canonical LaTeX first; where that does not decide, sympy through ``math-verify`` in a process that is killed when its time
is up. What stays unknown is wrong, and the reason says so.
"""

from __future__ import annotations

from ...core.answers import plain_same
from ...core.candidate import Answer
from ...core.problem import AnswerKind
from ..tasks.item import Item
from .gold import gold_answer
from .grade import NO_ANSWER, Equal, Grade, Grader, compared


async def _grade(answer: Answer | None, item: Item, equal: Equal) -> Grade:
    gold = gold_answer(item, AnswerKind.EXPRESSION)
    if answer is None:
        return NO_ANSWER
    known = plain_same(answer, gold)
    if known is not None:
        return compared(known, answer, str(gold))
    same = await equal(answer.value, gold.value)
    return compared(bool(same), answer, str(gold), " by symbols" if same is not None else " as far as can be told: no verdict")


GRADER = Grader(
    name="symbolic",
    summary="The same expression: canonical LaTeX, else symbolic equality.",
    grade=_grade,
)
