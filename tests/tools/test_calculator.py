"""``calculator`` and ``check-arithmetic``: values for a model to read, and the four verdicts of Themis."""

from __future__ import annotations

from typing import Any

import pytest

from symposia.tools.calculator import TOOL
from symposia.tools.check_arithmetic import TOOL as CHECK
from symposia.tools.check_arithmetic import check


async def test_a_value_is_given_exactly_and_as_a_decimal() -> None:
    assert (await TOOL.call({"expression": "10 / 4"})).output == {"value": "5/2", "decimal": "2.5", "exact": True}
    assert (await TOOL.call({"expression": "sqrt(2)"})).output == {
        "value": "1.4142135623731",
        "decimal": "1.41421356237",
        "exact": False,
    }


async def test_what_cannot_be_computed_is_a_sentence() -> None:
    assert (await TOOL.call({"expression": "9**9**9"})).error == "'9**9**9' cannot be computed: its value is too large"
    assert "at most 2000" in str((await TOOL.call({"expression": "1" * 3_000})).error)


@pytest.mark.parametrize(
    ("annotations", "final", "verdict", "line"),
    [
        (["48/2=24", "<<48+24=72>>"], "72", "all_right", None),
        (["48/2 = 24", "48+24=72"], "72 clips", "all_right", None),
        (["$5*3=$15"], "$15.00", "all_right", None),
        (["2/3=0.67"], "0.67", "all_right", None),
        (["2/3=0.67"], "0.667", "all_right", None),
        (["10/3=3.33"], "10/3", "all_right", None),
        (["1000*3=3,000"], "3000", "all_right", None),
        (["<<48/2=24>>24", "<<48+24=72>>72 clips"], "72", "all_right", None),
        (["4*6=24 eggs", "24/12=2 dozen eggs."], "2", "all_right", None),
        (["4*6=25 eggs"], "25", "intermediate_wrong", 1),
        (["15/60*100=25%"], "25%", "all_right", None),
        (["15/60*100=26%"], "26%", "intermediate_wrong", 1),
        (["1/4=0.25%"], "0.25%", "intermediate_wrong", 1),
        (["1+1=2 - x"], "2", "unreadable", 1),
        (["1+1=2"], None, "all_right", None),
        (["1+1=3"], None, "intermediate_wrong", 1),
        (["1/4=25%"], "25%", "all_right", None),
        (["2+3=5=10/2"], "5", "all_right", None),
        (["sqrt(2)*sqrt(2)=2"], "2", "all_right", None),
        (["48/2=25", "48+25=73"], "73", "intermediate_wrong", 1),
        (["48/2=24", "48+24=73"], "73", "intermediate_wrong", 2),
        (["7/2=4"], "4", "intermediate_wrong", 1),
        (["2/3=0.66"], "0.66", "intermediate_wrong", 1),
        (["2+3=5=11/2"], "5", "intermediate_wrong", 1),
        (["x=1", "1+1=3"], "3", "intermediate_wrong", 2),
        (["1+1=2"], "3", "final_wrong", None),
        (["1+1=2", "2*2=4"], "2", "final_wrong", None),
        (["1/4=25%"], "26%", "final_wrong", None),
        (["1+1=2", "x+1=3"], "3", "unreadable", 2),
        (["1+1=2"], "nothing at all", "unreadable", None),
        (["2+3"], "5", "unreadable", 1),
        (["9**9**9=1"], "1", "unreadable", 1),
        (["1/0=0"], "0", "unreadable", 1),
    ],
)
def test_the_four_verdicts(annotations: list[str], final: str | None, verdict: str, line: int | None) -> None:
    report = check(tuple(annotations), final)
    assert (report.verdict, report.line) == (verdict, line)
    assert report.reason
    assert "\n" not in report.reason


async def test_the_report_tells_every_true_value() -> None:
    result = await CHECK.call({"annotations": ["48/2=25", "1+1=2"], "final": "2"})
    assert result.output["verdict"] == "intermediate_wrong"
    assert result.output["reason"] == "annotation 1, '48/2=25': 48/2 comes to 24, not to 25"
    assert [line["computed"] for line in result.output["annotations"]] == ["24", "2"]
    assert [line["right"] for line in result.output["annotations"]] == [False, True]


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("<<48/2=24>>24, <<48+24=72>>72", ["48/2=24", "48+24=72"]),
        (["<<48/2=24>>24 and <<48+24=72>>72"], ["48/2=24", "48+24=72"]),
        ("48/2=24, 48+24=72", ["48/2=24", "48+24=72"]),
        ("48/2=24\n1,000*2=2,000; 1+1=2", ["48/2=24", "1,000*2=2,000", "1+1=2"]),
        (["max(1, 2)=2"], ["max(1, 2)=2"]),
    ],
)
async def test_annotations_are_read_however_they_are_listed(given: Any, read: list[str]) -> None:
    result = await CHECK.call({"annotations": given})
    assert [line["annotation"] for line in result.output["annotations"]] == read
    assert result.output["verdict"] == "all_right"


async def test_a_final_value_may_be_a_number() -> None:
    assert (await CHECK.call({"annotations": ["1/2=0.5"], "final": 0.5})).output["verdict"] == "all_right"
    assert (await CHECK.call({"annotations": ["1+1=2"], "final": 3})).output["verdict"] == "final_wrong"


@pytest.mark.parametrize("given", [[1, 2], {"a": "b"}, 7, ""])
async def test_what_are_no_annotations_is_a_sentence(given: Any) -> None:
    assert "annotations" in str((await CHECK.call({"annotations": given, "final": "2"})).error)


async def test_a_solution_without_calculations_is_refused() -> None:
    assert "annotations" in str((await CHECK.call({"annotations": [], "final": "2"})).error)
