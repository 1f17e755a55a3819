"""Game of 24 (Yao et al. 2023, arXiv 2305.10601): an expression that comes to 24 with each given number exactly once.

Graded is the model's own text, since the canonical answer may be no more than its value. ``item.data["numbers"]`` holds the
four numbers; there is no gold answer, because many expressions are right. "= 24" may stand before or behind; every side of
an equation must come to 24.
"""

from __future__ import annotations

from ...core.answers.latex import MATH, unwrap_delimiters
from ...core.candidate import Answer
from ...core.errors import TaskError
from ..tasks.item import Item
from .arithmetic import ArithmeticProblem, Computed, compute
from .grade import NO_ANSWER, Equal, Grade, Grader, short, verdict

TARGET = 24


async def _grade(answer: Answer | None, item: Item, equal: Equal) -> Grade:  # noqa: ARG001 - arithmetic needs no symbols
    numbers = item.data.get("numbers")
    if not isinstance(numbers, list | tuple) or not numbers or not all(isinstance(number, int) for number in numbers):
        raise TaskError(f"problem {item.id} names no numbers to play with", hint="data['numbers'] must be a list of integers")
    if answer is None:
        return NO_ANSWER
    text = _expression(answer.raw)
    try:
        sides = [compute(side) for side in text.split("=")]
    except ArithmeticProblem as problem:
        return verdict(False, f"{short(text)} {problem}")
    return _judge(text, sides, sorted(numbers))


def _judge(text: str, sides: list[Computed], numbers: list[int]) -> Grade:
    used = next((side.numbers for side in sides if len(side.numbers) > 1), sides[0].numbers)
    if sorted(used) != numbers:
        return verdict(False, f"{short(text)} uses {_listed(sorted(used))}, not {_listed(numbers)}")
    wrong = next((side for side in sides if side.value != TARGET), None)
    if wrong:
        return verdict(False, f"{short(text)} comes to {wrong.value}, not {TARGET}")
    return verdict(True, f"{short(text)} comes to {TARGET} with {_listed(numbers)}")


def _expression(raw: str) -> str:
    """The arithmetic in a text: all of it, or the last formula that it holds between delimiters."""
    text = unwrap_delimiters(raw).rstrip(". ")
    formulas = [next(filter(None, formula.groups())) for formula in MATH.finditer(text)]
    return formulas[-1] if formulas else text


def _listed(numbers: tuple[int, ...] | list[int]) -> str:
    return short(" ".join(map(str, numbers)))


GRADER = Grader(
    name="game24",
    summary="Arithmetic that comes to 24 with each given number exactly once.",
    grade=_grade,
)
