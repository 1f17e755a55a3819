from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.research.statistics.pareto import pareto_front

POINTS = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=25)


@given(POINTS)
def test_it_is_every_point_that_no_other_beats(points: list[tuple[int, int]]) -> None:
    def beaten(point: tuple[int, int]) -> bool:
        return any(cost <= point[0] and right >= point[1] and (cost, right) != point for cost, right in points)

    front = pareto_front(points)
    assert sorted(front) == [index for index, point in enumerate(points) if not beaten(point)]
    assert [points[index] for index in front] == sorted(points[index] for index in front)


def test_points_alike_in_both_stay_together_in_the_order_given() -> None:
    assert pareto_front([(2, 0.5), (1, 0.4), (2, 0.5), (1, 0.3), (3, 0.5)]) == [1, 0, 2]


def test_a_cost_that_is_not_known() -> None:
    with pytest.raises(ValueError, match="no place"):
        pareto_front([(1, 0.5), (math.nan, 0.7)])
