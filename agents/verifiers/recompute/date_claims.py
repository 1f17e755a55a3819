"""What a solution says of dates and can be computed again: weekdays, days between two dates, dates some days away. Pure.

English, and only as these are usually said: "2015-03-24 is a Tuesday", "the difference between A and B is 30 days", "10 days
after A is B". A date that cannot be read with certainty, such as 03/04/2015, makes a claim that is neither right nor wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Any, NamedTuple

from ....tools.calendar import WEEKDAYS, read_date, shifted
from ....tools.context import ToolError


class DateClaim(NamedTuple):
    """A claim, and what the calendar says."""

    text: str
    right: bool | None
    """None where a date of it cannot be read."""
    arguments: dict[str, Any]
    """Of the tool ``calendar``, which gives the same."""
    found: str
    """What is true instead, or why nothing can be said."""


_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]*\.?"
_DAY = r"\d{1,2}(?:st|nd|rd|th)?"
_DATE = (
    rf"(?:\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}|\d{{1,2}}[-/.]\d{{1,2}}[-/.]\d{{4}}"
    rf"|(?:the )?{_DAY}[ -](?:of )?{_MONTH},?[ -]\d{{4}}|{_MONTH} (?:the )?{_DAY},? \d{{4}})(?![-/.]?\d)"
)
_WEEKDAY = r"[a-z]{2,7}day\b"
_IS = r"(?:is|was|falls? on|fell on|will be|will fall on|lands on|=|:)(?: on| an?| exactly)*"
_DAYS = r"(?<![\d.,])(?P<days>\d[\d,]{0,9})"
_TARGET = rf"(?:(?P<named>{_WEEKDAY}),? ?)?(?:\(?(?P<target>{_DATE}))?"
_UNIT = r"(?! ?(?:weeks?|months?|years?|hours?|minutes?|business|working|weekdays?)\b)(?![\d,./-]*\d)"
_FORMS = tuple(
    re.compile(form, re.IGNORECASE)
    for form in (
        rf"{_DAYS} days (?P<way>after|before|from|prior to|later than) (?P<date>{_DATE}),? {_IS} {_TARGET}",
        rf"day (?P<way>after|before) (?P<date>{_DATE}) {_DAYS} days {_IS} {_TARGET}",
        rf"(?P<date>{_DATE}) (?P<way>plus|minus|\+|-) {_DAYS} days {_IS} {_TARGET}",
        rf"(?:between|from) (?P<date>{_DATE}) (?:and|to|until|till) (?P<other>{_DATE}) {_IS} -?{_DAYS}{_UNIT}",
        rf"{_DAYS} days (?:[a-z]+ )?(?:between|from) (?P<date>{_DATE}) (?:and|to|until|till) (?P<other>{_DATE})",
        rf"(?<!after )(?<!before )(?<!from )(?P<date>{_DATE}),? {_IS} (?P<named>{_WEEKDAY})",
        rf"(?P<date>{_DATE}) \((?P<named>{_WEEKDAY})\)",
        rf"\b(?P<named>{_WEEKDAY}),? (?P<date>{_DATE})",
    )
)
_BACK = frozenset({"before", "prior to", "minus", "-"})


def date_claims(text: str) -> list[DateClaim]:
    """The claims in a text, in the order in which the forms are looked for. What one says is not looked at again."""
    rest = " ".join(text.split())
    claims: list[DateClaim] = []
    for form in _FORMS:
        for found in [*form.finditer(rest)]:
            claims += _claims(found[0], {name: part for name, part in found.groupdict().items() if part})
        rest = form.sub(lambda found: "~" * len(found[0]), rest)
    return claims


def _claims(text: str, parts: Mapping[str, str]) -> Iterator[DateClaim]:
    """What one sentence says: a date and its weekday at a time are two claims."""
    days = int(parts.get("days", "0").replace(",", ""))
    weekday = _weekday(parts.get("named", ""))
    if "other" in parts:
        asked = {"function": "between", "date": parts["date"], "other": parts["other"]}
        yield _checked(text, asked, lambda start: _between(start, parts["other"]), str(days))
        return
    if "way" in parts:
        moved = -days if parts["way"].casefold() in _BACK else days
        arguments: dict[str, Any] = {"function": "shift", "date": parts["date"], "days": moved}
        if "target" in parts:
            yield _checked(text, arguments, lambda start: shifted(start, moved).isoformat(), parts["target"])
        if weekday:
            yield _checked(text, arguments, lambda start: WEEKDAYS[shifted(start, moved).weekday()], weekday)
    elif weekday:
        asked = {"function": "weekday", "date": parts["date"]}
        yield _checked(text, asked, lambda start: WEEKDAYS[start.weekday()], weekday)


def _checked(text: str, arguments: dict[str, Any], compute: Callable[[date], str], claimed: str) -> DateClaim:
    try:
        true = compute(read_date(arguments["date"]))
        said = read_date(claimed).isoformat() if "-" in true else claimed
    except ToolError as error:
        return DateClaim(text, None, arguments, str(error))
    return DateClaim(text, said == true, arguments, true)


def _between(start: date, other: str) -> str:
    return str(abs((read_date(other) - start).days))


def _weekday(word: str) -> str:
    """The weekday that is meant: people write Wendesday, too. Empty for another word."""
    return next(iter(get_close_matches(word.capitalize(), WEEKDAYS, n=1, cutoff=0.8)), "")
