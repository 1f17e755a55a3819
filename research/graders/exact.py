"""The same text: how yes/no questions, names and labels are graded.

Equal after Unicode's NFKC, with every run of white space as one space and upper case as lower case; nothing else is
forgiven. The texts are compared whole: CORRECT is not in INCORRECT.
"""

from __future__ import annotations

import unicodedata

from ...core.candidate import Answer
from ..tasks.item import Item
from .gold import gold_answer
from .grade import NO_ANSWER, Equal, Grade, Grader, compared


def plain(text: str) -> str:
    """What is left of a text when spelling that means nothing is taken away."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


async def _grade(answer: Answer | None, item: Item, equal: Equal) -> Grade:  # noqa: ARG001 - text needs no symbols
    gold = gold_answer(item, item.problem.answer_kind)
    if answer is None:
        return NO_ANSWER
    return compared(plain(answer.value) == plain(gold.value) and answer.unit == gold.unit, answer, str(gold))


GRADER = Grader(
    name="exact",
    summary="The same text, whatever its case and white space.",
    grade=_grade,
)
