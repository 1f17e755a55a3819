from __future__ import annotations

from fractions import Fraction
from math import factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.graphs.stopping import beta_agrees, beta_confidence

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


@given(st.lists(st.integers(-1, 4), max_size=40), st.randoms())
def test_only_the_counts_matter(groups: list[int], random) -> None:
    shuffled = groups[:]
    random.shuffle(shuffled)
    assert beta_agrees(groups, 0.9) == beta_agrees(shuffled, 0.9)
