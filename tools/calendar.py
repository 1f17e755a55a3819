"""``calendar``: the weekday of a date, the date some days before or after another, and the days between two.

The calendar is the Gregorian one, carried back to the year 1 as if it had always been in use: historical dates before October
1582 were usually written in the Julian calendar and have another weekday there.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from typing import Any, TypeVar

from pydantic import Field

from ..core.base import Frozen
from ..core.tooling import ToolContext
from .tool import Tool, ToolError

T = TypeVar("T")

_MONTHS = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
]
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_YEAR_FIRST = re.compile(
    r"(\d{4})(?P<mark>[-/.])(\d{1,2})(?P=mark)(\d{1,2})|(\d{4})(\d{2})(\d{2})|(\d{4})年(\d{1,2})月(\d{1,2})日"
)
_YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
_WORDS = re.compile(
    r"(?:(\d{1,2})(?:st|nd|rd|th)?[\s-]+(?:of\s+)?([a-z]+)\.?|([a-z]+)\.?\s+(?:the\s+)?(\d{1,2})(?:st|nd|rd|th)?),?[\s-]+(\d{1,4})"
)
_BEFORE = re.compile(r"(?:on )?(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,? )?(?:the )?")
_FORMS = "2024-02-29, 2024/02/29, 20240229, 29.02.2024, 29 February 2024, Feb 29, 2024 or 2024年2月29日"


class Function(StrEnum):
    """What is asked of the calendar."""

    WEEKDAY = "weekday"
    SHIFT = "shift"
    BETWEEN = "between"


class Question(Frozen):
    """Arguments of ``calendar``."""

    function: Function = Field(
        description="`weekday` of a date, `shift` a date by a number of days, or count the days `between` two dates."
    )
    date: str = Field(max_length=60, description="The date, best as YYYY-MM-DD.")
    days: int | None = Field(default=None, description="For `shift`: how many days to add; a negative number goes back.")
    other: str | None = Field(default=None, max_length=60, description="For `between`: the date up to which days are counted.")


def read_date(text: str) -> date:
    """The date that a text says. Raises :class:`ToolError` where it says none, one that there is not, or two at a time."""
    spelt = _BEFORE.sub("", " ".join(text.split()).casefold(), count=1)
    year, month, day = _parts(spelt, text)
    if not 1 <= month <= 12:
        raise ToolError(f"there is no month {month}, in {text!r}")
    try:
        return date(year, month, day)
    except ValueError:
        what = "year" if not 1 <= year <= 9999 else f"{day}. day in month {month} of"
        raise ToolError(f"there is no {what} {year}, in {text!r}") from None


def _parts(spelt: str, text: str) -> tuple[int, int, int]:
    """Year, month and day."""
    if found := _YEAR_FIRST.fullmatch(spelt):
        year, month, day = (int(part) for part in found.groups() if part and part.isdecimal())
        return year, month, day
    if found := _YEAR_LAST.fullmatch(spelt):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        if found[2] == "." or first > 12:
            return year, second, first
        if second > 12 or first == second:
            return year, first, second
        raise ToolError(f"{text!r} may be day {first} of month {second} or the other way round: write YYYY-MM-DD")
    if found := _WORDS.fullmatch(spelt):
        named = _month(found[2] or found[3])
        if named:
            return int(found[5]), named, int(found[1] or found[4])
    raise ToolError(f"{text!r} is no date as this calendar reads them: {_FORMS}, with the year in full")


def _month(word: str) -> int | None:
    """The number of a month by its name, or by at least three letters of it."""
    return next((number for number, name in enumerate(_MONTHS, 1) if len(word) >= 3 and name.startswith(word)), None)


def shifted(start: date, days: int) -> date:
    """The date so many days later. Raises :class:`ToolError` where that is before the year 1 or after 9999."""
    try:
        return date.fromordinal(start.toordinal() + days)
    except (ValueError, OverflowError):
        raise ToolError(f"{days} days from {start.isoformat()} is out of this calendar, which has the years 1 to 9999") from None


async def _answer(question: Question, _context: ToolContext) -> dict[str, Any]:
    start = read_date(question.date)
    match question.function:
        case Function.WEEKDAY:
            return _shown(start)
        case Function.SHIFT:
            return _shown(shifted(start, _given(question.days, "shift", "days")))
        case Function.BETWEEN:
            end = read_date(_given(question.other, "between", "other"))
            return {"from": _shown(start), "to": _shown(end), "days": abs(end - start).days}


def _given(value: T | None, function: str, argument: str) -> T:
    if value is None:
        raise ToolError(f"`{function}` needs the argument {argument}")
    return value


def _shown(day: date) -> dict[str, Any]:
    return {"date": day.isoformat(), "weekday": WEEKDAYS[day.weekday()]}


TOOL = Tool(
    name="calendar",
    description=(
        "Answers what is asked about dates: a date's weekday, the date days before or after it, the days between two dates.\n"
        "The calendar is the Gregorian one, in the years 1 to 9999. "
        "Days between two dates are counted without a sign, whichever comes first, and the first day is not counted."
    ),
    arguments=Question,
    work=_answer,
)
