from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from symposia.research.statistics.calibration import Bin, calibration

ROWS = st.lists(st.tuples(st.floats(0, 1), st.sampled_from([0, 1])), min_size=1, max_size=60)


@given(ROWS, st.integers(1, 12))
def test_it_is_the_slow_loop(rows: list[tuple[float, int]], bins: int) -> None:
    found = calibration([sure for sure, _ in rows], [right for _, right in rows], bins)
    error = 0.0
    for index, each in enumerate(found.bins):
        inside = [row for row in rows if each.low <= row[0] and (row[0] < each.high or index == bins - 1)]
        assert each.n == len(inside)
        if inside:
            confidence, credit = np.mean(inside, axis=0)
            assert (each.confidence, each.credit) == pytest.approx((confidence, credit))
            error += len(inside) / len(rows) * abs(confidence - credit)
    assert found.ece == pytest.approx(error)
    assert found.brier == pytest.approx(np.mean([(sure - right) ** 2 for sure, right in rows]))
    assert sum(each.n for each in found.bins) == found.n == len(rows)


@given(ROWS)
def test_auroc_is_mann_and_whitneys(rows: list[tuple[float, int]]) -> None:
    right, wrong = ([sure for sure, credit in rows if credit == side] for side in (1, 0))
    found = calibration(*zip(*rows, strict=True)).auroc
    if right and wrong:
        assert found == pytest.approx(stats.mannwhitneyu(right, wrong).statistic / (len(right) * len(wrong)))
    else:
        assert found is None


def test_credits_in_parts_are_that_part_right() -> None:
    halves = calibration([0.9, 0.3, 0.2], [0.5, 1, 0])
    doubled = calibration([0.9, 0.9, 0.3, 0.3, 0.2, 0.2], [1, 0, 1, 1, 0, 0])
    assert halves.auroc == pytest.approx(doubled.auroc)
    assert halves.brier == pytest.approx(((0.9 - 0.5) ** 2 + 0.7**2 + 0.2**2) / 3)


def test_bins_are_of_equal_width_and_the_last_one_is_closed() -> None:
    found = calibration([0.0, 0.5, 1.0], [0, 1, 1], bins=2)
    assert found.bins == (Bin(0.0, 0.5, 1, 0.0, 0.0), Bin(0.5, 1.0, 2, 0.75, 1.0))
    assert calibration([0.1], [1]).bins[0] == Bin(0.0, 0.1, 0, None, None)


def test_answers_without_a_confidence_are_dropped_and_counted() -> None:
    found = calibration([0.8, None, 0.4, None], [1, 1, 0, 0])
    assert (found.n, found.dropped) == (2, 2)
    assert found[:5] == calibration([0.8, 0.4], [1, 0])[:5]


def test_nothing_to_compute_from() -> None:
    found = calibration([None, None], [1, 0])
    assert (found.ece, found.brier, found.auroc, found.n, found.dropped) == (None, None, None, 0, 2)
    assert calibration([], []).ece is None


@pytest.mark.parametrize(
    ("confidence", "credit", "bins"),
    [([0.5], [1, 0], 10), ([1.5], [1], 10), ([0.5], [-1], 10), ([float("nan")], [1], 10), ([0.5], [1], 0)],
)
def test_what_is_no_confidence(confidence: list[float], credit: list[float], bins: int) -> None:
    with pytest.raises(ValueError, match=r"confidences|one bin"):
        calibration(confidence, credit, bins)
