"""Nearly equal numbers: for gold answers that are rounded, or written as a percentage.

Differs from the strict rule in two points. A relative error of 1e-4 is forgiven, which is what rounding to four significant
digits may cost at most in 0.3333 for 1/3. And where only one of the two has a percent sign, it may also be read as a
fraction: 50 % is 0.5. No paper prescribes these; report the strict grade beside it. Still one answer a text.
"""

from __future__ import annotations

from fractions import Fraction

from ...core.answers import plain_same
from ...core.candidate import Answer
from ...core.problem import AnswerKind
from ..tasks.item import Item
from .gold import gold_answer, number
from .grade import NO_ANSWER, Equal, Grade, Grader, compared

TOLERANCE = Fraction(1, 10_000)
"""Of the gold number. Gold 0 is met by 0 only."""


async def _grade(answer: Answer | None, item: Item, equal: Equal) -> Grade:  # noqa: ARG001 - numbers need no symbols
    gold = gold_answer(item, AnswerKind.NUMBER)
    if answer is None:
        return NO_ANSWER
    if plain_same(answer, gold):
        return compared(True, answer, str(gold))
    return compared(_near(answer, gold), answer, str(gold), f" within {float(TOLERANCE):.2%}")


def _near(answer: Answer, gold: Answer) -> bool:
    found, wanted = number(answer), number(gold)
    percents = (answer.unit == "%", gold.unit == "%")
    if found is None or wanted is None or (answer.unit and gold.unit and answer.unit != gold.unit and not any(percents)):
        return False
    match percents:
        case (True, False):
            pairs = [(found, wanted), (found / 100, wanted)] if gold.unit is None else []
        case (False, True):
            pairs = [(found, wanted), (found, wanted / 100)] if answer.unit is None else []
        case _:
            pairs = [(found, wanted)]
    return any(abs(a - b) <= TOLERANCE * abs(b) for a, b in pairs)


GRADER = Grader(
    name="numeric-lenient",
    summary="The same number within 0.01 %; a percentage may be written as a fraction.",
    grade=_grade,
)
