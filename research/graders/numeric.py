"""Strict equality of numbers: how GSM8K, MGSM, SVAMP and CMATH are graded.

Both numbers are exact fractions, so that 3.50, 7/2 and 3½ are one number and 0.333 is not 1/3. A unit counts only where both
have one: 5 dollars are not 5 cents, 50 % is 50 but never 0.5. There is one answer a text; CMATH's own scorer, which accepts
either of the last two numbers, gives more.
"""

from __future__ import annotations

from ...core.answers import plain_same
from ...core.candidate import Answer
from ...core.problem import AnswerKind
from ..tasks.item import Item
from .gold import gold_answer
from .grade import NO_ANSWER, Equal, Grade, Grader, compared


async def _grade(answer: Answer | None, item: Item, equal: Equal) -> Grade:  # noqa: ARG001 - numbers need no symbols
    gold = gold_answer(item, AnswerKind.NUMBER)
    return compared(plain_same(answer, gold) is True, answer, str(gold)) if answer else NO_ANSWER


GRADER = Grader(
    name="numeric",
    summary="The same number exactly; units must agree where both have one.",
    grade=_grade,
)
