"""``check-arithmetic``: the calculations of a solution, computed again.

The calculator of Themis (Li et al. 2024, arXiv 2310.01045), which gives the same four verdicts.

A solution's calculations are annotations ``expression = value``, such as GSM8K's ``<<48/2=24>>``; what it ends in is the final
value. The verdict is one of four:

* ``intermediate_wrong``: some annotation does not come to what it claims. This is said even where another cannot be read.
* ``unreadable``: none was found wrong, but one of them, or the final value, is no arithmetic.
* ``final_wrong``: every annotation is right, and the last one comes to something else than the final value.
* ``all_right``.

A value is right where it is the true one, or, where it is written with decimals, the true one rounded to as many: 2/3 = 0.67. A
whole number has to be exact: 7/2 = 4 is wrong.
"""

from __future__ import annotations

import re
from enum import StrEnum
from fractions import Fraction

from pydantic import Field

from ..core.answers import canonical
from ..core.base import Frozen
from ..core.problem import AnswerKind
from ..core.tooling import ToolContext
from .arithmetic import MAX_CHARS, close, decimal, evaluate, written
from .functions import ArithmeticProblem, Number
from .tool import Tool

_DECIMALS = re.compile(r"[^.]*\.(\d+)\D*")


class Verdict(StrEnum):
    """What came of a solution's calculations."""

    ALL_RIGHT = "all_right"
    INTERMEDIATE_WRONG = "intermediate_wrong"
    FINAL_WRONG = "final_wrong"
    UNREADABLE = "unreadable"


class Recomputed(Frozen):
    """An annotation, computed again."""

    annotation: str
    computed: str | None
    """The true value; None where there is none."""
    right: bool | None
    """None where it cannot be read."""
    problem: str | None = None
    """Why it cannot be read, or what is wrong."""


class Report(Frozen):
    """The verdict and what it rests on."""

    verdict: Verdict
    line: int | None
    """Number of the annotation that decided, from 1; None where it was the final value or nothing is wrong."""
    reason: str
    annotations: tuple[Recomputed, ...]


class Solution(Frozen):
    """Arguments of ``check-arithmetic``."""

    annotations: tuple[str, ...] = Field(
        min_length=1, max_length=200, description="The calculations in order, each as `expression = value`: `48 / 2 = 24`."
    )
    final: str = Field(max_length=MAX_CHARS, description="The value that the solution ends in: `72`.")


def check(annotations: tuple[str, ...], final: str) -> Report:
    """Compute every annotation again and compare the last one with the final value."""
    lines = tuple(_recompute(annotation) for annotation in annotations)
    wrong = next((number for number, line in enumerate(lines, 1) if line.right is False), None)
    unread = next((number for number, line in enumerate(lines, 1) if line.right is None), None)
    for verdict, number in ((Verdict.INTERMEDIATE_WRONG, wrong), (Verdict.UNREADABLE, unread)):
        if number is not None:
            reason = f"annotation {number}, {lines[number - 1].annotation!r}: {lines[number - 1].problem}"
            return Report(verdict=verdict, line=number, reason=reason, annotations=lines)
    verdict, reason = _compare_final(final, annotations[-1])
    return Report(verdict=verdict, line=None, reason=reason, annotations=lines)


def _recompute(annotation: str) -> Recomputed:
    text = annotation.strip().removeprefix("<<").removesuffix(">>")
    expression, *claims = [side.strip() for side in text.split("=")]
    if not claims:
        return Recomputed(annotation=annotation, computed=None, right=None, problem="there is no '=' in it")
    try:
        value = evaluate(expression)
        false = next((claim for claim in claims if not _agrees(value, evaluate(claim), claim)), None)
    except ArithmeticProblem as problem:
        return Recomputed(annotation=annotation, computed=None, right=None, problem=str(problem))
    wrong = None if false is None else f"{expression} comes to {decimal(value)}, not to {false}"
    return Recomputed(annotation=annotation, computed=written(value), right=false is None, problem=wrong)


def _compare_final(final: str, last: str) -> tuple[Verdict, str]:
    read = canonical(final, AnswerKind.NUMBER)
    try:
        claimed = evaluate(read.value if read else final)
    except ArithmeticProblem as problem:
        return Verdict.UNREADABLE, f"the final value {final!r} cannot be read: {problem}"
    expression = last.strip().removeprefix("<<").split("=")[0].strip()
    value = evaluate(expression)
    readings = (claimed, claimed / 100) if read and read.unit == "%" else (claimed,)
    if any(_agrees(value, reading, final) or _stated(last, reading) for reading in readings):
        return Verdict.ALL_RIGHT, "every calculation comes to what it claims, and the last one to the final value"
    return Verdict.FINAL_WRONG, f"the last calculation, {expression}, comes to {decimal(value)}, not to {final}"


def _stated(annotation: str, claimed: Number) -> bool:
    """Whether the last annotation, found right, states the final value in so many words: rounded, perhaps."""
    return close(evaluate(annotation.strip().removesuffix(">>").split("=")[-1]), claimed)


def _agrees(value: Number, claimed: Number, claim: str) -> bool:
    decimals = _DECIMALS.fullmatch(claim.strip())
    within = Fraction(1, 2 * 10 ** min(len(decimals[1]), 100)) if decimals else Fraction(0)
    return close(value, claimed, within / 100 if "%" in claim else within)


async def _check(arguments: Solution, _context: ToolContext) -> object:
    return check(arguments.annotations, arguments.final).model_dump(mode="json")


TOOL = Tool(
    name="check-arithmetic",
    description=(
        "Computes the calculations of a solution again and says whether one of them, or the final value, is wrong.\n"
        "Gives a verdict (all_right, intermediate_wrong, final_wrong, unreadable), the reason, and each calculation's true value."
    ),
    arguments=Solution,
    work=_check,
)
