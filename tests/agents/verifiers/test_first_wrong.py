"""The binary search for the first wrong step, against looking at every step."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.agents.verifiers.rollout.first_wrong import implied, most_tries, next_step
from symposia.agents.verifiers.step_scores import first_error


def search(right: list[bool]) -> tuple[dict[int, bool | None], list[int]]:
    """The search on a solution whose prefixes can be finished or not, and the steps that it tried."""
    tried: dict[int, bool | None] = {len(right) - 1: right[-1]}
    order = []
    while (step := next_step(tried)) is not None:
        assert step not in tried
        tried[step] = right[step]
        order.append(step)
    return tried, order


@given(st.integers(1, 64), st.data())
def test_it_finds_what_looking_at_every_step_finds(steps: int, data: st.DataObject) -> None:
    wrong = data.draw(st.integers(0, steps - 1))
    right = [step < wrong for step in range(steps)]
    tried, order = search(right)
    assert implied(tried, steps) == tuple(map(float, right))
    assert first_error(implied(tried, steps)) == wrong
    assert len(order) <= most_tries(steps)


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_where_luck_comes_back_it_ends_at_one_of_the_turns(right: list[bool]) -> None:
    """Completions are samples: a prefix may be finished though a shorter one was not."""
    steps = implied(search(right)[0], len(right))
    wrong = first_error(steps)
    assert None not in steps
    assert wrong is not None
    if right[-1]:
        assert wrong == -1
    else:
        assert not right[wrong]
        assert wrong == 0 or right[wrong - 1]


@pytest.mark.parametrize(("steps", "most"), [(1, 0), (2, 1), (3, 2), (4, 2), (5, 3), (64, 6)])
def test_it_halves(steps: int, most: int) -> None:
    assert most_tries(steps) == most
    worst = max(len(search([step < wrong for step in range(steps)])[1]) for wrong in range(steps))
    assert worst == most


def test_the_first_is_the_middle() -> None:
    assert search([True, True, True, False, False, False, False, False])[1] == [3, 1, 2]


def test_a_step_that_nobody_could_try_ends_it_without_a_guess() -> None:
    tried: dict[int, bool | None] = {7: False, 3: True, 5: None}
    assert next_step(tried) is None
    assert implied(tried, 8) == (1, 1, 1, 1, None, None, None, 0)
    assert first_error(implied(tried, 8)) is None


def test_what_a_longer_prefix_reached_a_shorter_one_has_reached() -> None:
    """Another solution that begins alike may have been tried there, with less luck."""
    assert next_step({7: False, 3: True, 1: False}) == 5
    assert implied({7: False, 3: True, 1: False, 4: False}, 8) == (1, 1, 1, 1, 0, 0, 0, 0)


def test_nothing_known_is_nothing_implied() -> None:
    assert next_step({}) is None
    assert implied({}, 2) == (None, None)
