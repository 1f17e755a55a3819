from __future__ import annotations

import math

import numpy as np
import pytest
from statsmodels.stats.power import NormalIndPower, TTestPower

from symposia.research.statistics.paired import paired_p
from symposia.research.statistics.power import minimum_detectable_effect, problems_needed


@pytest.mark.parametrize(("n", "points"), [(40, 22), (80, 16), (400, 7)])
def test_the_figures_that_small_runs_are_warned_with(n: int, points: int) -> None:
    assert round(100 * minimum_detectable_effect(n)) == points


@pytest.mark.parametrize("n", [20, 100, 2000])
@pytest.mark.parametrize("power", [0.5, 0.8, 0.95])
def test_effects_are_those_of_statsmodels(n: int, power: float) -> None:
    ours = minimum_detectable_effect(n, sd=0.4, power=power, alpha=0.01)
    normal = NormalIndPower(ddof=0).solve_power(nobs1=n, alpha=0.01, power=power, ratio=0) * 0.4
    assert ours == pytest.approx(normal, rel=1e-4)
    if n > 20:
        assert ours == pytest.approx(TTestPower().solve_power(nobs=n, alpha=0.01, power=power) * 0.4, rel=0.03)


def test_an_effect_of_that_size_is_found_that_often() -> None:
    effect, discordance, n = minimum_detectable_effect(60), 0.25, 60
    odds = [(discordance + effect) / 2, (discordance - effect) / 2, 1 - discordance]
    draws = np.random.default_rng(0).multinomial(n, odds, size=400)
    p = [paired_p(np.repeat([1.0, -1.0, 0.0], row), np.zeros(n), draws=500) for row in draws]
    assert np.mean(np.array(p) < 0.05) == pytest.approx(0.8, abs=0.06)


@pytest.mark.parametrize("effect", [0.01, 0.07, 0.22, 0.9])
def test_the_problems_needed_are_the_least(effect: float) -> None:
    n = problems_needed(effect, discordance=0.3)
    assert minimum_detectable_effect(n, discordance=0.3) <= effect
    assert n == 1 or minimum_detectable_effect(n - 1, discordance=0.3) > effect


def test_arms_that_cannot_differ_need_one_problem() -> None:
    assert minimum_detectable_effect(10, sd=0) == 0
    assert problems_needed(0.1, sd=0) == 1


@pytest.mark.parametrize(
    "options", [{"sd": -1.0}, {"sd": math.inf}, {"discordance": 0.0}, {"discordance": 1.1}, {"power": 1.0}, {"alpha": 0.0}]
)
def test_what_is_no_share_or_deviation(options: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"cannot be|not shares"):
        minimum_detectable_effect(10, **options)


def test_no_problems_and_no_effect() -> None:
    with pytest.raises(ValueError, match="0 problems"):
        minimum_detectable_effect(0)
    with pytest.raises(ValueError, match="difference of 0"):
        problems_needed(0)
