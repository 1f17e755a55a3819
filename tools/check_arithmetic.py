"""``check-arithmetic``: the calculations of a solution, computed again.

The calculator of Themis (Li et al. 2024, arXiv 2310.01045), which gives the same four verdicts.

A solution's calculations are annotations ``expression = value``, such as GSM8K's ``<<48/2=24>>``; what it ends in is the final
value. The verdict is one of four:

* ``intermediate_wrong``: some annotation does not come to what it claims. This is said even where another cannot be read.
* ``unreadable``: none was found wrong, but one of them, or the final value, is no arithmetic.
* ``final_wrong``: every annotation is right, and the last one comes to something else than the final value.
* ``all_right``.

A value is right where it is the true one, or, where it is written with decimals, the true one rounded to as many: 2/3 = 0.67. A
whole number has to be exact: 7/2 = 4 is wrong. Words behind a value are its unit, and are looked through.

Models do not list annotations as they are asked to. They are read however they come: ``<<48/2=24>>24``, or several in one text.
"""

from __future__ import annotations

import re
from enum import StrEnum
from fractions import Fraction
from typing import Any

from pydantic import Field, field_validator

from ..core.answers import canonical
from ..core.base import Frozen
from ..core.problem import AnswerKind
from ..core.tooling import ToolContext
from .arithmetic import MAX_CHARS, close, decimal, evaluate, written
from .functions import ArithmeticProblem, Number
from .tool import Tool

_DECIMALS = re.compile(r"[^.]*\.(\d+)\D*")
_ANNOTATED = re.compile(r"<<([^<>]*)>>")
_LINES = re.compile(r"[;\n]")
_COMMAS = re.compile(r",\s+")
_UNIT = re.compile(r"(?<=[\d%)])\s*[A-Za-z]{2,}[A-Za-z ./]*$")


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
        min_length=1,
        max_length=200,
        description="Every equation of the solution, in its order.",
    )
    final: str | None = Field(
        default=None,
        max_length=MAX_CHARS,
        description="The number that the solution ends in. Left out: only the calculations are checked.",
    )

    @field_validator("annotations", mode="before")
    @classmethod
    def _one_by_one(cls, given: Any) -> Any:
        texts = [given] if isinstance(given, str) else given
        if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
            return given
        return tuple(part for text in texts for part in _apart(text))

    @field_validator("final", mode="before")
    @classmethod
    def _a_number_is_its_text(cls, given: Any) -> Any:
        return str(given) if isinstance(given, int | float) else given


def annotated(text: str) -> tuple[str, ...]:
    """The annotations of a solution that is written as GSM8K's are: what stands between ``<<`` and ``>>``."""
    return tuple(_ANNOTATED.findall(text))


def check(annotations: tuple[str, ...], final: str | None) -> Report:
    """Compute every annotation again and compare the last one with the final value, where there is one."""
    lines = tuple(_recompute(annotation) for annotation in annotations)
    wrong = next((number for number, line in enumerate(lines, 1) if line.right is False), None)
    unread = next((number for number, line in enumerate(lines, 1) if line.right is None), None)
    for verdict, number in ((Verdict.INTERMEDIATE_WRONG, wrong), (Verdict.UNREADABLE, unread)):
        if number is not None:
            reason = f"annotation {number}, {lines[number - 1].annotation!r}: {lines[number - 1].problem}"
            return Report(verdict=verdict, line=number, reason=reason, annotations=lines)
    if final is None:
        return Report(verdict=Verdict.ALL_RIGHT, line=None, reason="every calculation comes to what it claims", annotations=lines)
    verdict, reason = _compare_final(final, annotations[-1])
    return Report(verdict=verdict, line=None, reason=reason, annotations=lines)


def _recompute(annotation: str) -> Recomputed:
    expression, *claims = _sides(annotation)
    if not claims:
        return Recomputed(annotation=annotation, computed=None, right=None, problem="there is no '=' in it")
    try:
        value = evaluate(expression)
        false = next((claim for claim in claims if not _right(expression, value, claim)), None)
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
    expression, *_ = _sides(last)
    value = evaluate(expression)
    readings = (claimed, claimed / 100) if read and read.unit == "%" else (claimed,)
    if any(_agrees(value, reading, final) or _stated(last, reading) for reading in readings):
        return Verdict.ALL_RIGHT, "every calculation comes to what it claims, and the last one to the final value"
    return Verdict.FINAL_WRONG, f"the last calculation, {expression}, comes to {decimal(value)}, not to {final}"


def _stated(annotation: str, claimed: Number) -> bool:
    """Whether the last annotation, found right, states the final value in so many words: rounded, perhaps."""
    return close(_claimed(_sides(annotation)[-1]), claimed)


def _apart(text: str) -> list[str]:
    """The annotations in one text: marked ones, one a line, or a list with commas."""
    marked = annotated(text)
    lines = [part.strip() for part in _LINES.split(text) if part.strip()]
    listed = _COMMAS.split(text)
    return [*marked] or (listed if len(listed) > 1 and all("=" in part for part in listed) else lines)


def _sides(annotation: str) -> list[str]:
    """What stands between the equals signs."""
    marked = annotated(annotation)
    return [side.strip() for side in (marked[0] if marked else annotation).split("=")]


def _right(expression: str, value: Number, claim: str) -> bool:
    """Whether it comes to what is claimed. 1 / 4 * 100 = 25% is meant to be right: it was turned into per cent already."""
    claimed = _claimed(claim)
    in_percent = claim.rstrip(" .").endswith("%") and "100" in expression
    return _agrees(value, claimed, claim) or (in_percent and _agrees(value, claimed * 100, claim.replace("%", "")))


def _claimed(claim: str) -> Number:
    """A claimed value, without the words for its unit."""
    try:
        return evaluate(claim)
    except ArithmeticProblem:
        bare = _UNIT.sub("", claim)
        if bare == claim:
            raise
        return evaluate(bare)


def _agrees(value: Number, claimed: Number, claim: str) -> bool:
    decimals = _DECIMALS.fullmatch(claim.strip())
    within = Fraction(1, 2 * 10 ** min(len(decimals[1]), 100)) if decimals else Fraction(0)
    return close(value, claimed, within / 100 if "%" in claim else within)


async def _check(arguments: Solution, _context: ToolContext) -> object:
    return check(arguments.annotations, arguments.final).model_dump(mode="json")


TOOL = Tool(
    name="check-arithmetic",
    description=(
        "Computes the equations of a solution again and says whether one of them, or its final number, is wrong.\n"
        "Gives a verdict (all_right, intermediate_wrong, final_wrong, unreadable), the reason, and each calculation's true value."
    ),
    arguments=Solution,
    work=_check,
)
