"""Isotonic regression and Platt's curve, against slow formulas and scipy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

from symposia.research.statistics.confidence_maps import Block, blocks, cross_validated, isotonic_map, platt_map

ROWS = st.lists(st.tuples(st.integers(0, 8).map(lambda votes: votes / 8), st.integers(0, 1)), min_size=1, max_size=40)


def split(rows: list[tuple[float, int]]) -> tuple[list[float], list[int]]:
    return [row[0] for row in rows], [row[1] for row in rows]


@settings(max_examples=50, deadline=None)
@given(ROWS)
def test_blocks_are_the_highest_start_of_the_lowest_end(rows: list[tuple[float, int]]) -> None:
    """The max-min formula: at each level, the best of all starts below of the worst of all ends above."""
    levels = sorted({sure for sure, _ in rows})

    def share(low: float, high: float) -> float:
        return float(np.mean([right for sure, right in rows if low <= sure <= high]))

    found = blocks(*split(rows))
    fitted = isotonic_map(*split(rows))
    for level in levels:
        slow = max(min(share(low, high) for high in levels if high >= level) for low in levels if low <= level)
        assert next(each.share for each in found if each.low <= level <= each.high) == pytest.approx(slow)
        assert fitted.probability(level) == pytest.approx(slow)
    assert sum(each.n for each in found) == len(rows)
    assert [each.share for each in found] == sorted({each.share for each in found})


def test_neighbours_that_fall_are_pooled_with_their_counts() -> None:
    found = blocks([0.2, 0.2, 0.4, 0.4, 0.4, 0.9], [0, 1, 0, 0, 1, 1])
    assert found == [Block(0.2, 0.4, 5, 2), Block(0.9, 0.9, 1, 1)]


@settings(max_examples=15, deadline=None)
@given(ROWS)
def test_platts_curve_is_the_likeliest_that_does_not_fall(rows: list[tuple[float, int]]) -> None:
    sure, right = (np.array(column, dtype=float) for column in split(rows))
    target = np.where(right > 0, (right.sum() + 1) / (right.sum() + 2), 1 / ((1 - right).sum() + 2))

    def loss(at: np.ndarray) -> float:
        logit = at[0] * sure + at[1]
        return float(-(target * special.log_expit(logit) + (1 - target) * special.log_expit(-logit)).sum())

    best = optimize.minimize(loss, [1.0, 0.0], bounds=[(0, None), (None, None)], method="L-BFGS-B")
    found = platt_map(sure, right)
    assert found.slope >= 0
    assert loss(np.array([found.slope, found.intercept])) <= best.fun + 1e-6


def test_platts_curve_is_never_certain() -> None:
    alike = platt_map([0.5, 0.75, 1.0], [1, 1, 1])
    assert [alike.probability(sure) for sure in (0, 1)] == pytest.approx([0.8, 0.8])
    assert platt_map([0.1, 0.9], [1, 0]).slope == 0


@pytest.mark.parametrize("fit", [isotonic_map, platt_map])
def test_a_problems_own_answers_do_not_tell_its_probability(fit) -> None:
    chance = np.random.default_rng(1)
    sure = chance.integers(0, 9, 60) / 8
    right = (chance.random(60) < sure).astype(int)
    problems = np.repeat(np.arange(30), 2)
    found = cross_validated(sure, right, problems, fit)
    other = right.copy()
    other[:2] = 1 - other[0]
    assert cross_validated(sure, other, problems, fit)[:2].tolist() == found[:2].tolist()
    assert cross_validated(sure, other, problems, fit).tolist() != found.tolist()


def test_of_two_problems_each_is_judged_by_the_other() -> None:
    assert cross_validated([0.5, 0.5, 0.5], [1, 0, 0], ["a", "b", "b"], isotonic_map).tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("sure", "right"), [([], []), ([0.5], [0, 1]), ([1.5], [1]), ([0.5], [0.5]), ([float("nan")], [1]), ([0.5], [-1])]
)
def test_what_is_no_answer(sure: list[float], right: list[float]) -> None:
    for fit in (isotonic_map, platt_map):
        with pytest.raises(ValueError, match=r"a map needs answers|right .1. or wrong"):
            fit(sure, right)


def test_one_problem_cannot_be_left_out() -> None:
    with pytest.raises(ValueError, match="two problems"):
        cross_validated([0.5, 0.6], [1, 0], ["a", "a"], isotonic_map)
