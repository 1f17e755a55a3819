from __future__ import annotations

from math import exp, log, prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.core.calls import TokenLogprob
from symposia.graphs.weighing import mean_probability, reciprocal_places

VALUES = st.lists(st.none() | st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), max_size=12)


def tokens(*logprobs: float) -> list[TokenLogprob]:
    return [TokenLogprob(token="t", logprob=value) for value in logprobs]


def test_the_mean_probability_is_that_of_the_last_part_rounded_up() -> None:
    told = tokens(-8.0, -4.0, -2.0, -1.0)
    assert mean_probability(told) == pytest.approx(exp(-15 / 4))
    assert mean_probability(told, 0.5) == pytest.approx(exp(-1.5))
    assert mean_probability(told, 0.3) == pytest.approx(exp(-1.5)), "two of four tokens"
    assert mean_probability(told, 0.01) == pytest.approx(exp(-1.0))


def test_without_tokens_there_is_no_probability() -> None:
    assert mean_probability([]) is None
    assert mean_probability([], 0.2) is None


@settings(deadline=None)
@given(st.lists(st.floats(-50, 0), min_size=1, max_size=30), st.sampled_from([0.1, 0.2, 0.5, 1.0]))
def test_the_mean_probability_is_the_geometric_mean(logprobs: list[float], part: float) -> None:
    tail = logprobs[-max(1, -(-round(100 * part) * len(logprobs) // 100)) :]
    found = mean_probability(tokens(*logprobs), part)
    assert found == pytest.approx(prod(exp(value / len(tail)) for value in tail))
    assert 0 < found <= 1


def test_a_server_that_rounds_above_zero_gives_no_probability_above_one() -> None:
    assert mean_probability(tokens(1e-7, 0.0)) == 1.0


def test_places_are_counted_from_the_highest_and_ties_share_theirs() -> None:
    assert reciprocal_places([0.2, 0.9, None, 0.5]) == [pytest.approx(1 / 3), 1.0, None, 0.5]
    assert reciprocal_places([0.5, 0.9, 0.5]) == [pytest.approx((1 / 2 + 1 / 3) / 2), 1.0, pytest.approx((1 / 2 + 1 / 3) / 2)]
    assert reciprocal_places([None, None]) == [None, None]
    assert reciprocal_places([]) == []


@settings(deadline=None)
@given(VALUES)
def test_places_by_the_slow_way(values: list[float | None]) -> None:
    found = reciprocal_places(values)
    for value, weight in zip(values, found, strict=True):
        if value is None:
            assert weight is None
            continue
        above = sum(other is not None and other > value for other in values)
        equal = values.count(value)
        assert weight == pytest.approx(sum(1 / (above + k) for k in range(1, equal + 1)) / equal)


@settings(deadline=None)
@given(VALUES, st.floats(0.1, 3))
def test_only_the_order_of_the_values_matters(values: list[float | None], power: float) -> None:
    assert reciprocal_places(values) == reciprocal_places([None if value is None else log(1 + value) * power for value in values])
