"""Scores, bars, sparklines and amounts."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.tui.render.cells import bar, dollars, gauge, money, number, score_cell, span, spark, stacked, tokens
from symposia.tui.store.burn import Spend

from .world import DARK, PLAIN

PARTS = [("policy", 62.0, "red"), ("verifier", 24.0, "blue"), ("critic", 9.0, ""), ("refiner", 3.0, ""), ("other", 2.0, "")]


def test_a_score_has_a_height_and_a_colour() -> None:
    cells = [score_cell(value, DARK) for value in (0.0, 0.2, 0.5, 0.74, 1.0)]
    assert [cell.plain for cell in cells] == ["▁", "▂", "▅", "▆", "█"]
    assert cells[0].spans[0].style == DARK.low
    assert cells[-1].spans[0].style == DARK.high


def test_a_missing_score_is_never_zero() -> None:
    for skin in (DARK, PLAIN):
        lowest = score_cell(0.0, skin).plain
        missing = {score_cell(None, skin).plain, score_cell(math.nan, skin).plain}
        assert len({lowest, score_cell(0.0, skin, refused=True).plain} | missing) == 3
    assert score_cell(None, DARK).plain == "·"
    assert score_cell(0.9, DARK, refused=True).plain == "?"


def test_numbers_take_three_characters() -> None:
    assert [number(value) for value in (0.0, 0.004, 0.74, 0.996, 1.0)] == [".00", ".00", ".74", "1.0", "1.0"]
    assert [number(None), number(math.nan)] == ["", ""]


def test_sparklines_end_with_the_newest() -> None:
    assert spark([1, 0, 2, 3, 8], 8, DARK).plain == "   ▁ ▂▃█"
    assert spark(range(16), 4, DARK).plain == "▁▄▆█"
    assert spark([1, 0, 2, 3, 8], 8, PLAIN).plain == "   _ ,-#"
    assert spark([0, 0], 2, DARK).plain == "  "
    assert spark([], 3, DARK).plain == "   "
    assert spark([math.nan, math.inf, 1], 3, DARK).plain == "  █"


def test_bars_show_what_is_more_than_nothing() -> None:
    assert bar(0.33, 10, DARK, "").plain == "███▎      "
    assert bar(0.0001, 4, DARK, "").plain == "▏   "
    assert bar(0.0, 4, DARK, "").plain == "    "
    assert bar(7.0, 4, DARK, "").plain == "████"
    assert bar(0.33, 10, PLAIN, "").plain == "###       "


def test_a_gauge_that_met_its_cap_has_a_pattern() -> None:
    assert gauge(0.4, 5, DARK).plain == "━━───"
    assert gauge(1.0, 5, DARK).plain == "━━━━━"
    assert gauge(1.0, 5, DARK, hard=True).plain == "▓▓▓▓▓"


def test_shares_are_one_bar_and_their_names() -> None:
    assert stacked(PARTS, 72, DARK).plain == "██████████▓▓▓▓▒░  █ policy 62%  ▓ verifier 24%  ▒ critic 9%  ░ others 5%"
    assert stacked(PARTS[:2], 30, DARK).plain == "████████████▓▓▓▓  █ policy 72%"
    assert stacked(PARTS[:2], 9, PLAIN).plain == "######==="
    assert stacked([("policy", 0.0, "")], 40, DARK).plain == ""


@settings(deadline=None)
@given(st.lists(st.floats(0, 1e9), max_size=50), st.integers(0, 60))
def test_nothing_is_wider_than_asked(series: list[float], width: int) -> None:
    parts = [(f"role {place}", share, "") for place, share in enumerate(series)]
    for skin in (DARK, PLAIN):
        assert spark(series, width, skin).cell_len == width
        assert stacked(parts, width, skin).cell_len <= width
        assert bar(series[0] if series else 0.5, width, skin, "").cell_len == width


def test_amounts() -> None:
    counts = (0, 999, 1000, 9_999, 12_400, 99_960, 128_000, 999_960, 1_200_000)
    assert [tokens(count) for count in counts] == ["0", "999", "1k", "10k", "12.4k", "100k", "128k", "1M", "1.2M"]
    assert [span(time) for time in (-1, 4.2, 59.7, 72, 7_500, 90_000)] == ["0s", "4s", "1m00s", "1m12s", "2h05m", "1d01h"]
    assert span(math.inf) == "?"
    assert [money(each) for each in (0.0, 0.0012, 0.041, 12.5, 1234.0)] == ["$0.00", "$0.0012", "$0.041", "$12.50", "$1,234"]


@pytest.mark.parametrize(
    ("spend", "said"),
    [
        (Spend(calls=20, unpriced_calls=12, dollars=0.041), "$0.041 + 12 unpriced calls"),
        (Spend(calls=1, unpriced_calls=1), "1 unpriced call"),
        (Spend(calls=3, dollars=0.5), "$0.500"),
        (Spend(), "$0.00"),
    ],
)
def test_an_unknown_price_is_said_and_never_zero(spend: Spend, said: str) -> None:
    assert dollars(spend) == said
