"""``calendar``: three functions over dates as people write them."""

from __future__ import annotations

import random
from datetime import date, timedelta
from typing import Any

import pytest

from symposia.tools.calendar import TOOL, read_date, shifted
from symposia.tools.context import ToolError


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-29",
        "2024/2/29",
        "20240229",
        "29.02.2024",
        "29/02/2024",
        "2/29/2024",
        "29-2-2024",
        "29 February 2024",
        "29th of Feb 2024",
        "February 29, 2024",
        "feb. 29th 2024",
        "  Feb   29,  2024 ",
        "2024年2月29日",
        "2024.02.29",
        "the 29th of February 2024",
        "Thursday, 29 February 2024",
        "on Thursday the 29th of February, 2024",
        "February the 29th, 2024",
        "29-Feb-2024",
    ],
)
def test_one_date_in_many_forms(text: str) -> None:
    assert read_date(text) == date(2024, 2, 29)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("2023-02-29", "there is no 29. day in month 2 of 2023"),
        ("2024-13-01", "there is no month 13"),
        ("0000-01-01", "there is no year 0"),
        ("03/04/2024", "may be day 3 of month 4 or the other way round"),
        ("29.2.24", "is no date as this calendar reads them"),
        ("tomorrow", "is no date"),
        ("Thursday", "is no date"),
        ("on the 29th of February", "is no date"),
        ("29 Foo 2024", "is no date"),
        ("", "is no date"),
        ("31 April 2024", "no 31. day in month 4"),
        ("29 Ma 2024", "is no date"),
    ],
)
def test_what_is_no_date_is_a_sentence(text: str, problem: str) -> None:
    with pytest.raises(ToolError) as error:
        read_date(text)
    assert problem in str(error.value)


@pytest.mark.parametrize(
    ("arguments", "output"),
    [
        ({"function": "weekday", "date": "1969-07-20"}, {"date": "1969-07-20", "weekday": "Sunday"}),
        ({"function": "weekday", "date": "0001-01-01"}, {"date": "0001-01-01", "weekday": "Monday"}),
        ({"function": "shift", "date": "2024-02-28", "days": 2}, {"date": "2024-03-01", "weekday": "Friday"}),
        ({"function": "shift", "date": "2024-03-01", "days": -1}, {"date": "2024-02-29", "weekday": "Thursday"}),
        (
            {"function": "between", "date": "2024-01-01", "other": "31 December 2024"},
            {
                "from": {"date": "2024-01-01", "weekday": "Monday"},
                "to": {"date": "2024-12-31", "weekday": "Tuesday"},
                "days": 365,
            },
        ),
    ],
)
async def test_three_functions(arguments: dict[str, Any], output: Any) -> None:
    assert (await TOOL.call(arguments)).output == output


async def test_days_are_counted_whichever_date_comes_first() -> None:
    outputs = [
        (await TOOL.call({"function": "between", "date": one, "other": other})).output
        for one, other in (("2020-06-10", "2000-01-10"), ("2000-01-10", "2020-06-10"))
    ]
    assert [output["days"] for output in outputs] == [7457, 7457]
    assert outputs[0]["from"]["date"] == "2020-06-10"


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"function": "shift", "date": "2024-01-01"}, "`shift` needs the argument days"),
        ({"function": "between", "date": "2024-01-01"}, "`between` needs the argument other"),
        ({"function": "shift", "date": "9999-12-31", "days": 1}, "1 days from 9999-12-31 is out of this calendar"),
        ({"function": "shift", "date": "2024-01-01", "days": -(10**40)}, "is out of this calendar"),
        ({"function": "month", "date": "2024-01-01"}, "function"),
    ],
)
async def test_mistakes_are_sentences(arguments: dict[str, Any], error: str) -> None:
    assert error in str((await TOOL.call(arguments)).error)


def weekday_by_zeller(year: int, month: int, day: int) -> int:
    """Monday is 0. An independent formula."""
    if month < 3:
        year, month = year - 1, month + 12
    return (day + 13 * (month + 1) // 5 + year + year // 4 - year // 100 + year // 400 + 5) % 7


async def test_weekdays_and_shifts_agree_with_independent_formulas() -> None:
    draw = random.Random(1)
    for _ in range(300):
        day = date(draw.randint(1, 9990), draw.randint(1, 12), draw.randint(1, 28))
        assert day.weekday() == weekday_by_zeller(day.year, day.month, day.day)
        days = draw.randint(-300, 300)
        if 1 < day.year < 9989:
            assert shifted(day, days) == day + timedelta(days=days)
