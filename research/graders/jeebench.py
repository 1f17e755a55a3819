"""The rules of JEEBench (Arora et al. 2023, arXiv 2305.15074), by the type of the question in ``item.data["type"]``.

* ``MCQ``: the one right letter.
* ``MCQ(multiple)``: all right letters 1; some of them and no wrong one 0.25 each; any wrong letter 0.
* ``Integer``, ``Numeric``: within 0.01 of the gold number, units left aside, as the question asks for the number in its own unit.
"""

from __future__ import annotations

from fractions import Fraction

from ...core.candidate import Answer
from ...core.errors import TaskError
from ...core.problem import AnswerKind
from ..tasks.item import Item
from .choice import letters
from .gold import gold_answer, number
from .grade import NO_ANSWER, Equal, Grade, Grader, compared, short

TOLERANCE = Fraction(1, 100)
_PER_OPTION = 0.25
_KINDS = {
    "MCQ": AnswerKind.CHOICE, "MCQ(multiple)": AnswerKind.CHOICE, "Integer": AnswerKind.NUMBER, "Numeric": AnswerKind.NUMBER,
}  # fmt: skip


async def _grade(answer: Answer | None, item: Item, equal: Equal) -> Grade:  # noqa: ARG001 - letters and numbers need no symbols
    kind = item.data.get("type")
    if kind not in _KINDS:
        raise TaskError(f"problem {item.id} has the type {kind!r}", hint=f"JEEBench knows {', '.join(_KINDS)}")
    gold = gold_answer(item, _KINDS[kind])
    if answer is None:
        return NO_ANSWER
    if _KINDS[kind] is AnswerKind.NUMBER:
        found, wanted = number(answer), number(gold)
        near = found is not None and wanted is not None and abs(found - wanted) <= TOLERANCE
        return compared(near, answer, gold.text, " within 0.01")
    chosen, right = set(letters(answer) or ""), set(gold.value)
    if kind == "MCQ(multiple)" and chosen and chosen < right:
        return Grade(
            credit=_PER_OPTION * len(chosen), reason=f"{short(answer.value)} is part of {gold.value}: {_PER_OPTION} an option"
        )
    return compared(chosen == right, answer, gold.value)


GRADER = Grader(
    name="jeebench",
    summary="JEEBench: letters with part of the credit for part of them, numbers within 0.01.",
    grade=_grade,
)
