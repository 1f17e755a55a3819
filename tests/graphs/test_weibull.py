"""The mixture against scipy: densities, the fit of one part, and that no better mixture is near the one found."""

from __future__ import annotations

from math import exp, log

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from symposia.graphs.weibull import NARROWEST, SHARES, Mixture, Weibull, fit, fit_one

TWO = [(60, 2.0, 0.6, 0.9, 0.02), (200, 3.0, 0.8, 1.2, 0.05), (64, 1.0, 1.0, 0.5, 1e-4)]
"""How many numbers, then shape and scale of the high part and of the low one."""


def drawn(count: int, shape: float, scale: float, seed: int) -> np.ndarray:
    return np.log(stats.weibull_min.rvs(shape, scale=scale, size=count, random_state=seed))


def mixed(count: int, high_shape: float, high_scale: float, low_shape: float, low_scale: float) -> list[float]:
    high = drawn(count // 2, high_shape, high_scale, 1)
    return np.concatenate([high, drawn(count - count // 2, low_shape, low_scale, 2)]).tolist()


def slow_density(mixture: Mixture, logs: list[float]) -> np.ndarray:
    """Of each z = log x, by scipy's density of x."""
    x = np.exp(logs)
    high, low = (stats.weibull_min.pdf(x, part.shape, scale=exp(part.log_scale)) for part in (mixture.high, mixture.low))
    return np.asarray(x * (mixture.share * high + (1 - mixture.share) * low))


def likelihood(mixture: Mixture, logs: list[float]) -> float:
    return float(np.mean(np.log(slow_density(mixture, logs))))


@settings(deadline=None)
@given(st.floats(-3, 2), st.floats(0.1, 0.9), st.floats(0.3, 4), st.floats(0.3, 4))
def test_densities_and_posteriors_are_those_of_scipy(z: float, share: float, high: float, low: float) -> None:
    mixture = Mixture(share, Weibull(high, 0.0), Weibull(low, -1.0))
    density = float(slow_density(mixture, [z])[0])
    if density < 1e-200:
        return
    of_high = share * exp(z) * stats.weibull_min.pdf(exp(z), high) / density
    assert mixture.log_density(z) == pytest.approx(log(density), rel=1e-9, abs=1e-9)
    assert mixture.of_high(z) == pytest.approx(of_high, abs=1e-9)


@settings(deadline=None)
@given(st.floats(0.2, 5), st.floats(-4, 4))
def test_the_median_is_that_of_scipy(shape: float, log_scale: float) -> None:
    assert exp(Weibull(shape, log_scale).log_median) == pytest.approx(stats.weibull_min.median(shape, scale=exp(log_scale)))


@pytest.mark.parametrize("seed", range(5))
def test_one_part_is_what_scipy_fits(seed: int) -> None:
    units = np.random.default_rng(seed).normal(size=40).tolist()
    shape, _, scale = stats.weibull_min.fit(np.exp(units), floc=0)
    assert fit_one(units, [1.0] * 40) == pytest.approx((shape, log(scale)), rel=2e-3)


def test_weights_count_numbers_several_times() -> None:
    once = fit_one([-1.0, 0.0, 0.5, 2.0], [3.0, 1.0, 2.0, 1.0])
    assert once == pytest.approx(fit_one([-1.0, -1.0, -1.0, 0.0, 0.5, 0.5, 2.0], [1.0] * 7))


@pytest.mark.parametrize("given_", TWO)
def test_the_mixture_is_a_maximum_of_the_likelihood(given_: tuple) -> None:
    logs = mixed(*given_)
    found = fit(logs)
    assert found is not None
    truth = Mixture(0.5, Weibull(given_[1], log(given_[2])), Weibull(given_[3], log(given_[4])))
    assert likelihood(found, logs) >= likelihood(truth, logs)

    def loss(point: list[float]) -> float:
        return -likelihood(Mixture(point[0], Weibull(*point[1:3]), Weibull(*point[3:5])), logs)

    free = (None, None)
    near = optimize.minimize(
        loss, [found.share, *found.high, *found.low], bounds=[SHARES, (1e-3, 99), free, (1e-3, 99), free], options={"maxiter": 20}
    )
    assert -near.fun - likelihood(found, logs) < 1e-4


def test_parts_that_lie_apart_are_told_apart() -> None:
    logs = [-1.0, -1.2, -0.9, -1.1, -30.0, -35.0, -28.0, -32.0]
    found = fit(logs)
    assert found is not None
    assert [found.of_high(z) > 0.5 for z in logs] == [True] * 4 + [False] * 4
    assert found.high.log_median > found.low.log_median


def test_likely_texts_are_the_high_part_however_widely_the_others_spread() -> None:
    """By the mean, the others would be."""
    logs = [-10.0, -12.0, -9.0, -11.0, -30.0, -80.0, -90.0, -100.0, -120.0]
    found = fit(logs)
    assert found is not None
    mean = [exp(part.log_scale) * stats.weibull_min.mean(part.shape) for part in (found.high, found.low)]
    assert mean[1] > mean[0]
    assert [found.of_high(z) > 0.5 for z in logs] == [True] * 4 + [False] * 5


@given(st.floats(-1000, 1000), st.floats(0.01, 100))
@settings(deadline=None, max_examples=15)
def test_the_unit_of_the_numbers_changes_nothing(shift: float, power: float) -> None:
    logs = [-1.0, -1.2, -0.9, -1.1, -9.0, -10.0, -8.0, -12.0, -3.0]
    found, other = fit(logs), fit([power * z + shift for z in logs])
    assert found is not None
    assert other is not None
    assert [other.of_high(power * z + shift) for z in logs] == pytest.approx([found.of_high(z) for z in logs], abs=1e-3)


@given(st.permutations([-1.0, -1.2, -0.9, -30.0, -1.1, -28.0, -32.0]))
@settings(deadline=None, max_examples=20)
def test_the_order_of_the_numbers_changes_nothing(logs: list[float]) -> None:
    assert fit(logs) == fit(sorted(logs))


@pytest.mark.parametrize("logs", [[], [-1.0, -2.0, -3.0, -4.0], [-7.0] * 20])
def test_too_few_numbers_or_equal_ones_are_no_mixture(logs: list[float]) -> None:
    assert fit(logs) is None


@given(st.lists(st.sampled_from([-400.0, -80.5, -80.0, -3.0, -1e-9, 0.0]), min_size=5, max_size=24))
@settings(deadline=None, max_examples=60)
def test_clumped_numbers_give_a_mixture_within_bounds(logs: list[float]) -> None:
    found = fit(logs)
    if len(set(logs)) == 1:
        assert found is None
        return
    assert found is not None
    spread = float(np.std(logs))
    assert SHARES[0] <= found.share <= SHARES[1]
    assert 0 < min(found.high.shape, found.low.shape) <= max(found.high.shape, found.low.shape) <= 1.01 / (NARROWEST * spread)
    assert all(0 <= found.of_high(z) <= 1 for z in logs)
