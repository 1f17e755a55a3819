"""A run in the list of runs."""

from __future__ import annotations

from typing import Any

import pytest

from symposia.core.model_spec import ModelSpec
from symposia.core.result import RunState, Status, StopReason
from symposia.core.usage import Usage
from symposia.tui.render.runs import COLUMNS, ago, run_cells

from .world import BEGAN, DARK, PLAIN, record, result


def row(**changes: Any) -> dict[str, str]:
    return dict(zip(COLUMNS, (cell.plain for cell in run_cells(record(**changes), BEGAN + 200, DARK)), strict=True))


def test_one_that_is_running() -> None:
    assert list(row().values()) == [
        "0f3k2m9x1abc", "● running", "", "", "self-consistency", "small +1", "", "  3m", "How many rotis do three trays hold?",
    ]  # fmt: skip


def test_one_that_has_ended() -> None:
    shown = row(state=RunState.FINISHED, result=result())
    assert (shown["STATE"], shown["ANSWER"], shown["SURE"], shown["COST"]) == ("■ finished", "42", ".68 █▃", "4.5k tok")
    plain = run_cells(record(state=RunState.FINISHED, result=result()), BEGAN, PLAIN)
    assert plain[3].plain == ".68 #-"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"stop_reason": StopReason.AGREED}, "■ agreed"),
        ({"stop_reason": StopReason.BUDGET}, "■ stopped"),
        ({"status": Status.NO_ANSWER}, "■ no answer"),
        ({"status": Status.FAILED, "stop_reason": StopReason.ERROR}, "■ failed"),
        ({"status": Status.CANCELLED, "stop_reason": StopReason.STEERED}, "■ stopped"),
    ],
)
def test_how_it_ended_in_a_word_or_two(changes: dict[str, object], said: str) -> None:
    assert row(state=RunState.FINISHED, result=result(**changes))["STATE"] == said


def test_prices() -> None:
    some = {"policy": Usage(calls=3, dollars=0.041, unpriced_calls=1)}
    assert row(result=result(usage=some))["COST"] == "$0.041+"
    every = {"policy": Usage(calls=3, dollars=0.041)}
    assert row(result=result(usage=every))["COST"] == "$0.041"


def test_what_was_not_voted_on() -> None:
    assert row(result=result(votes=(), confidence=0.5))["SURE"] == ".50 ██▌  "
    assert row(result=result(confidence=None))["SURE"] == ""


def test_a_team_of_one_model() -> None:
    assert row(models={"policy": ModelSpec(name="small"), "verifier": ModelSpec(name="small")})["MODEL"] == "small"


def test_ages() -> None:
    assert [ago(seconds) for seconds in (-5, 12, 75, 7_300, 400_000, 1e9)] == ["0s", "12s", "1m", "2h", "4d", "999d"]
