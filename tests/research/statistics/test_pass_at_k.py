from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize, stats

from symposia.research.statistics.pass_at_k import fit_power_law, mean_pass_at_k, pass_at_k

FIXTURES = [(10, 3, 1, 0.3), (10, 3, 5, 0.916667), (100, 1, 10, 0.1), (5, 0, 3, 0.0), (4, 2, 3, 1.0)]


@pytest.mark.parametrize(("n", "c", "k", "expected"), FIXTURES)
def test_known_values(n: int, c: int, k: int, expected: float) -> None:
    assert pass_at_k(n, c, k) == pytest.approx(expected, abs=5e-7)


@given(st.integers(1, 8).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_it_is_the_share_of_subsets_with_a_right_sample(case: tuple[int, int, int]) -> None:
    n, c, k = case
    subsets = list(itertools.combinations(range(n), k))
    assert pass_at_k(n, c, k) == pytest.approx(sum(min(subset) < c for subset in subsets) / len(subsets))


def test_thousands_of_samples() -> None:
    assert pass_at_k(10_000, 37, 900) == pytest.approx(stats.hypergeom(10_000, 37, 900).sf(0), rel=1e-9)


def test_the_estimate_is_unbiased_where_the_plain_one_is_not() -> None:
    n, k, odds = 10, 5, 0.15
    right = np.arange(n + 1)
    weights = stats.binom.pmf(right, n, odds)
    truth = 1 - (1 - odds) ** k
    assert np.dot(weights, [pass_at_k(n, int(c), k) for c in right]) == pytest.approx(truth)
    assert abs(np.dot(weights, 1 - (1 - right / n) ** k) - truth) > 0.03


@pytest.mark.parametrize(("n", "c", "k"), [(4, 2, 5), (4, 2, 0), (4, 5, 1), (4, -1, 1), (0, 0, 1)])
def test_what_cannot_be_had(n: int, c: int, k: int) -> None:
    with pytest.raises(ValueError, match="cannot be had"):
        pass_at_k(n, c, k)


def test_the_mean_is_over_problems() -> None:
    assert mean_pass_at_k([10, 4, 5], [3, 2, 0], 3) == pytest.approx(np.mean([pass_at_k(10, 3, 3), 1.0, 0.0]))
    with pytest.raises(ValueError, match="cannot be had"):
        mean_pass_at_k([10, 2], [3, 1], 3)
    with pytest.raises(ValueError, match="at least one problem"):
        mean_pass_at_k([], [], 1)
    with pytest.raises(ValueError, match="zip"):
        mean_pass_at_k([3, 4], [1], 1)


def test_a_power_law_is_found_again() -> None:
    sizes = np.array([1, 2, 4, 8, 16, 64])
    law = fit_power_law(sizes, np.exp(-1.7 * sizes**-0.45))
    assert (law.a, law.b, law.used) == pytest.approx((1.7, 0.45, 6))
    assert law.residual == pytest.approx(0, abs=1e-12)
    assert law.predict(1000) == pytest.approx(math.exp(-1.7 * 1000**-0.45))


def test_the_fit_is_the_straight_line_of_scipy() -> None:
    generator = np.random.default_rng(4)
    sizes = np.arange(1, 17)
    shares = np.clip(np.exp(-1.2 * sizes**-0.6) + generator.normal(0, 0.01, 16), 0.01, 0.99)
    law = fit_power_law(sizes, shares)
    line = stats.linregress(np.log(sizes), np.log(-np.log(shares)))
    assert (law.a, law.b) == pytest.approx((math.exp(line.intercept), -line.slope))
    assert law.residual == pytest.approx(
        math.sqrt(np.mean([(law.predict(k) - c) ** 2 for k, c in zip(sizes, shares, strict=True)]))
    )
    (a, b), _ = optimize.curve_fit(lambda k, a, b: np.exp(-a * k**-b), sizes, shares, p0=(1, 1))
    assert (law.a, law.b) == pytest.approx((a, b), abs=0.1)


def test_coverages_of_nothing_and_all_have_no_place_on_the_line() -> None:
    law = fit_power_law([1, 2, 4, 8], [0.0, math.exp(-1), math.exp(-0.5), 1.0])
    assert (law.used, law.b) == (2, pytest.approx(1))
    for shares in ([0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.4, 1.0]):
        with pytest.raises(ValueError, match="neither 0 nor 1"):
            fit_power_law([1, 2, 4], shares)
    with pytest.raises(ValueError, match="two numbers"):
        fit_power_law([4, 4], [0.4, 0.5])


def test_a_coverage_that_stays_has_no_slope() -> None:
    law = fit_power_law([1, 2, 4], [0.4, 0.4, 0.4])
    assert law.b == pytest.approx(0, abs=1e-12)
    assert law.predict(100) == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("sizes", "shares"), [([1, 2], [0.1]), ([0, 2], [0.1, 0.2]), ([1, 2], [0.1, 1.2]), ([1, 2], [0.1, float("nan")])]
)
def test_what_is_no_coverage(sizes: list[int], shares: list[float]) -> None:
    with pytest.raises(ValueError, match="coverages"):
        fit_power_law(sizes, shares)
