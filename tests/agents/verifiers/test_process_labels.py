"""Labels and rewards of steps: published figures, and slow independent formulas on random values."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.agents.verifiers.process_labels import (
    WrongRollout,
    advantages,
    agreed_error,
    best_of_k,
    clipped,
    deltas,
    effective_reward,
    exploration,
    hard_label,
    min_credit,
    monotone,
    next_rollout,
    progress_labels,
    returns,
    rollout_value,
    soft_label,
    undecided,
)

SHARES = st.integers(0, 8).map(lambda right: right / 8)
REWARDS = st.lists(st.floats(-1, 1), max_size=12)


# Labels


def test_soft_and_hard_labels_of_three_in_eight() -> None:
    assert (soft_label(3, 8), hard_label(soft_label(3, 8))) == (0.375, 1)
    assert (soft_label(0, 8), hard_label(soft_label(0, 8))) == (0, 0)


@pytest.mark.parametrize(("right", "drawn"), [(0, 0), (3, 2), (-1, 2)])
def test_no_share_is_made_of_what_cannot_be(right: int, drawn: int) -> None:
    with pytest.raises(ValueError, match="cannot be right"):
        soft_label(right, drawn)


@given(st.lists(st.sampled_from([0.0, 1.0]), max_size=12))
def test_a_step_is_reachable_where_a_later_one_is(labels: list[float]) -> None:
    slow = tuple(float(any(later for later in labels[step:])) for step in range(len(labels)))
    assert monotone(labels) == slow


@pytest.mark.parametrize(("before", "after", "label"), [(0.75, 0.625, 1), (0.5, 0.375, 0), (0.25, 0.5, 1), (0.75, 0.6, 1)])
def test_progress_is_relative_to_the_chances_before(before: float, after: float, label: float) -> None:
    assert progress_labels(before, [after]) == (label,)


def test_nothing_after_the_first_hopeless_prefix_is_progress() -> None:
    assert progress_labels(0.5, [0.5, 0.0, 0.75, 0.75]) == (1, 0, 0, 0)
    assert progress_labels(0.0, [0.5, 0.5]) == (0, 0)
    assert progress_labels(0.5, []) == ()


@given(st.integers(0, 8), st.lists(st.integers(0, 8), max_size=10))
def test_progress_against_exact_fractions(root: int, counts: list[int]) -> None:
    slow, dead, before = [], root == 0, Fraction(root, 8)
    for count in counts:
        after = Fraction(count, 8)
        dead = dead or after == 0
        slow.append(0.0 if dead else float(after / before >= Fraction(4, 5)))
        before = after
    assert progress_labels(root / 8, [count / 8 for count in counts]) == tuple(slow)


def test_an_error_is_labelled_where_completions_and_judge_agree() -> None:
    assert [agreed_error(2, 2), agreed_error(-1, -1)] == [2, -1]
    assert [agreed_error(2, 1), agreed_error(-1, 0), agreed_error(None, 2), agreed_error(None, None)] == [None] * 4


def test_a_question_that_is_always_or_never_solved_teaches_nothing() -> None:
    assert [undecided(right, 32) for right in (0, 1, 31, 32)] == [False, True, True, False]


# OmegaPRM's choice


@pytest.mark.parametrize(("mc", "words", "value"), [(1, 0, 1.0), (0.5, 250, 0.6708), (0.25, 500, 0.5351), (0.125, 1000, 0.4417)])
def test_the_value_of_a_wrong_completion(mc: float, words: int, value: float) -> None:
    assert rollout_value(mc, words) == pytest.approx(value, abs=5e-5)
    assert rollout_value(mc, words) == pytest.approx(math.exp((1 - mc) * math.log(0.5) + words / 500 * math.log(0.9)))


@pytest.mark.parametrize(("visits", "bonus"), [(0, 0.3953), (3, 0.0988)])
def test_the_bonus_of_what_was_seldom_chosen(visits: int, bonus: float) -> None:
    assert exploration(visits, 10) == pytest.approx(bonus, abs=5e-5)


@given(st.lists(st.tuples(SHARES, st.integers(0, 900), st.integers(0, 9)), max_size=8), st.integers(0, 80))
def test_the_best_completion_is_searched_next_and_the_first_among_equals(drawn: list[tuple], visits: int) -> None:
    rollouts = [WrongRollout(*each) for each in drawn]
    best, worth = None, -1.0
    for place, (mc, words, chosen) in enumerate(drawn):
        own = 0.5 ** (1 - mc) * 0.9 ** (words / 500) + 0.125 * visits**0.5 / (1 + chosen)
        if own > worth + 1e-12:
            best, worth = place, own
    found = next_rollout(rollouts, visits)
    assert (found is None) == (best is None)
    if found is not None:
        mc, words, chosen = drawn[found]
        assert 0.5 ** (1 - mc) * 0.9 ** (words / 500) + 0.125 * visits**0.5 / (1 + chosen) == pytest.approx(worth)
        assert drawn.index(drawn[found]) == found


# Rewards


def test_clip_and_delta_of_the_paper() -> None:
    assert clipped([0.9, 0.6, 0.8], 0.7) == pytest.approx((0, -0.1, 0))
    assert deltas([0.9, 0.6, 0.8]) == pytest.approx((0.3, -0.2, 0.8))
    assert sum(deltas([0.9, 0.6, 0.8])) == pytest.approx(0.9)


@given(REWARDS, st.floats(-1, 1))
def test_neither_pays_for_repetition(rewards: list[float], threshold: float) -> None:
    assert all(reward <= 0 for reward in clipped(rewards, threshold))
    assert sum(deltas(rewards)) == pytest.approx(rewards[0] if rewards else 0, abs=1e-9)
    repeated = rewards + rewards[-1:] * 50
    assert sum(clipped(repeated, threshold)) <= sum(clipped(rewards, threshold)) + 1e-9
    assert sum(deltas(repeated)) == pytest.approx(sum(deltas(rewards)), abs=1e-9)


def test_credit_goes_to_the_worst_step() -> None:
    credit = min_credit([0.8, 0.9, -0.5, 0.7])
    assert credit == pytest.approx((0, 0, -0.5, 0), abs=1e-4)
    assert returns(credit) == pytest.approx((-0.5, -0.5, -0.5, 0), abs=1e-4)
    assert min_credit([]) == returns([]) == ()


@given(REWARDS, st.floats(0.05, 2))
def test_credit_and_returns_against_the_definition(rewards: list[float], temperature: float) -> None:
    whole = sum(math.exp(-reward / temperature) for reward in rewards)
    slow = [math.exp(-reward / temperature) / whole * reward for reward in rewards]
    assert min_credit(rewards, temperature) == pytest.approx(slow, abs=1e-9)
    assert returns(rewards) == pytest.approx([sum(rewards[step:]) for step in range(len(rewards))], abs=1e-9)


def test_extreme_temperatures_do_not_overflow() -> None:
    assert min_credit([-1e6, 1e6], 1e-3) == pytest.approx((-1e6, 0))


# PAV


@pytest.mark.parametrize(("k", "q"), [(1, 0.3), (2, 0.51), (4, 0.7599), (8, 0.9424)])
def test_the_prover_that_takes_the_best_of_k(k: int, q: float) -> None:
    assert best_of_k(0.3, k) == pytest.approx(q, abs=5e-5)


def test_best_of_k_by_simulation() -> None:
    draw = random.Random(0)
    hits = sum(any(draw.random() < 0.3 for _ in range(4)) for _ in range(20_000))
    assert best_of_k(0.3, 4) == pytest.approx(hits / 20_000, abs=0.01)


@given(SHARES, st.lists(SHARES, max_size=10))
def test_advantages_sum_up_to_what_was_won(root: float, values: list[float]) -> None:
    won = advantages(root, values)
    assert len(won) == len(values)
    assert sum(won) == pytest.approx((values[-1] if values else root) - root)
    assert list(won) == pytest.approx([value - [root, *values][step] for step, value in enumerate(values)])


def test_the_effective_reward_of_the_paper() -> None:
    assert effective_reward(0.5, 0.1) == pytest.approx(0.55)
