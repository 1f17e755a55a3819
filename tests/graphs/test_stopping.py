from __future__ import annotations

from collections import Counter
from fractions import Fraction
from math import factorial, log2

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

from symposia.graphs.stopping import (
    beta_agrees,
    beta_confidence,
    dirichlet_agrees,
    dirichlet_confidence,
    entropy_agrees,
    majority_agrees,
    window_agrees,
)

GROUPS = st.lists(st.integers(-1, 5), max_size=24)
BY_COUNTS = [beta_agrees, dirichlet_agrees, entropy_agrees, majority_agrees]

# Numbers from the method's published definition, recomputed independently (arXiv 2305.11860).
KNOWN = [(1, 0, 0.75), (2, 0, 0.875), (3, 0, 0.9375), (4, 0, 0.96875), (4, 1, 0.89062), (5, 1, 0.9375), (6, 1, 0.96484)]
KNOWN += [(5, 2, 0.85547), (7, 2, 0.94531), (8, 3, 0.927), (10, 5, 0.89494)]
LEADS = {0: 4, 1: 6, 2: 8, 3: 9, 4: 11, 5: 12, 6: 14, 7: 15, 8: 17, 9: 18, 10: 19}


@pytest.mark.parametrize(("first", "second", "expected"), KNOWN)
def test_known_values(first: int, second: int, expected: float) -> None:
    assert beta_confidence(first, second) == pytest.approx(expected, abs=6e-6)


@pytest.mark.parametrize(("second", "first"), LEADS.items())
def test_least_lead_at_95_percent(second: int, first: int) -> None:
    assert beta_confidence(first, second) >= 0.95
    assert first == 1 + second or beta_confidence(first - 1, second) < 0.95


def _integral(first: int, second: int) -> Fraction:
    """The slow way: expand (1-p)^second and integrate term by term, exactly."""

    def antiderivative(p: Fraction) -> Fraction:
        terms = (
            Fraction(factorial(second), factorial(k) * factorial(second - k)) * (-1) ** k * p ** (first + k + 1) / (first + k + 1)
            for k in range(second + 1)
        )
        return sum(terms, Fraction(0))

    half, one = antiderivative(Fraction(1, 2)), antiderivative(Fraction(1))
    return (one - half) / one


@settings(deadline=None)
@given(st.integers(0, 25), st.integers(0, 25))
def test_closed_form_is_the_integral(a: int, b: int) -> None:
    first, second = max(a, b), min(a, b)
    assert beta_confidence(first, second) == pytest.approx(float(_integral(first, second)), abs=1e-12)


def test_counts_must_be_ordered() -> None:
    with pytest.raises(ValueError, match="ordered"):
        beta_confidence(1, 2)


def test_unreadable_replies_bring_agreement_no_closer() -> None:
    assert not beta_agrees([0, 0, 0, -1, -1, -1], 0.95)
    assert beta_agrees([0, 0, -1, 0, 0], 0.95)
    assert not beta_agrees([-1] * 50, 0.95)
    assert not beta_agrees([], 0.95)


@pytest.mark.parametrize("rule", BY_COUNTS)
@settings(deadline=None)
@given(groups=GROUPS, random=st.randoms(), threshold=st.sampled_from([0.6, 0.75, 0.9]))
def test_neither_order_nor_names_matter_nor_what_cannot_be_read(rule, groups: list[int], random, threshold: float) -> None:
    renamed = [group if group < 0 else 7 - group for group in groups] + [-1, -1]
    random.shuffle(renamed)
    assert rule(groups, threshold) == rule(renamed, threshold)


@pytest.mark.parametrize("rule", BY_COUNTS)
def test_without_an_answer_nothing_is_agreed_on(rule) -> None:
    assert not rule([], 0.6)
    assert not rule([-1, -1, -1], 0.6)


def _race(counts: list[int]) -> float:
    """The slow way: shares are gamma variables over their sum; integrate over the leader's that the others' are below it."""
    lead, *rivals = counts

    def density(x: float) -> float:
        return float(stats.gamma.pdf(x, lead + 1) * np.prod([stats.gamma.cdf(x, rival + 1) for rival in rivals]))

    return float(integrate.quad(density, 0, lead + 1 + 30 * (lead + 1) ** 0.5, limit=200)[0])


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 14), min_size=1, max_size=5))
def test_dirichlet_confidence_is_the_integral(counts: list[int]) -> None:
    counts = sorted(counts, reverse=True)
    assert dirichlet_confidence(counts) == pytest.approx(_race(counts), abs=1e-8)


def test_dirichlet_confidence_is_the_share_of_drawn_simplices() -> None:
    counts = [9, 6, 3, 1, 1]
    drawn = np.random.default_rng(0).dirichlet(np.array(counts) + 1, size=100_000)
    assert dirichlet_confidence(counts) == pytest.approx((drawn.argmax(axis=1) == 0).mean(), abs=0.006)


@settings(deadline=None)
@given(st.integers(0, 20), st.integers(0, 20))
def test_dirichlet_confidence_against_one_rival_is_the_beta_one(a: int, b: int) -> None:
    first, second = max(a, b), min(a, b)
    assert dirichlet_confidence([first, second]) == pytest.approx(beta_confidence(first, second), abs=1e-15)


@pytest.mark.parametrize("counts", [[1, 2], [3, 1, 4], [2, -1]])
def test_dirichlet_counts_must_be_led_by_the_largest(counts: list[int]) -> None:
    with pytest.raises(ValueError, match="largest"):
        dirichlet_confidence(counts)


@settings(deadline=None)
@given(GROUPS, st.sampled_from([0.6, 0.8, 0.95]))
def test_dirichlet_agrees_by_the_five_leading_answers(groups: list[int], threshold: float) -> None:
    votes = sorted(Counter(group for group in groups if group >= 0).values(), reverse=True)[:5]
    padded = votes + [0] * (2 - len(votes))
    assert dirichlet_agrees(groups, threshold) == (bool(votes) and dirichlet_confidence(padded) >= threshold)


def test_many_small_rivals_keep_the_dirichlet_rule_waiting() -> None:
    groups = [0] * 6 + [1, 2, 3, 4]
    assert beta_agrees(groups, 0.95)
    assert not dirichlet_agrees(groups, 0.95)


@settings(deadline=None)
@given(GROUPS, st.sampled_from([0.3, 0.75, 0.9]))
def test_entropy_is_that_of_the_shares(groups: list[int], threshold: float) -> None:
    votes = list(Counter(group for group in groups if group >= 0).values())
    if sum(votes) < 2:
        assert not entropy_agrees(groups, threshold)
        return
    votes += [1] * (len(votes) == 1)
    bits = sum(-vote / sum(votes) * log2(vote / sum(votes)) for vote in votes)
    assert entropy_agrees(groups, threshold) == (bits / log2(len(votes)) <= threshold)


@pytest.mark.parametrize(
    ("rule", "threshold", "enough"), list(zip(BY_COUNTS, [0.95, 0.95, 0.75, 0.8], [4, 4, 4, 2], strict=True))
)
def test_equal_answers_are_enough_where_they_are_for_the_authors(rule, threshold: float, enough: int) -> None:
    assert [rule([0] * count, threshold) for count in range(1, 6)] == [count >= enough for count in range(1, 6)]


@settings(deadline=None)
@given(GROUPS, st.sampled_from([0.5, 0.8, 1.0]))
def test_majority_is_the_largest_share(groups: list[int], threshold: float) -> None:
    votes = [group for group in groups if group >= 0]
    largest = max((Fraction(votes.count(vote), len(votes)) for vote in votes), default=Fraction(0))
    assert majority_agrees(groups, threshold) == (len(votes) >= 2 and float(largest) >= threshold)


@settings(deadline=None)
@given(GROUPS, st.integers(2, 4))
def test_a_window_agrees_where_it_is_whole_and_of_one_answer(groups: list[int], size: int) -> None:
    windows = [groups[start : start + size] for start in range(0, len(groups), size)]
    last = windows[-1] if windows else []
    assert window_agrees(groups, size) == any(last == [group] * size for group in range(6))


def test_windows_depend_on_the_order() -> None:
    assert window_agrees([1, 2, 0, 0], 2)
    assert not window_agrees([1, 0, 2, 0], 2)
    assert not window_agrees([1, 0, 0], 2), "two equal answers, but of two windows"
    assert not window_agrees([-1, -1], 2)
