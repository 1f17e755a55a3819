from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from symposia.research.statistics.intervals import accuracy, bootstrap_mean, wilson
from symposia.research.statistics.resampling import cluster, resampled_means


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_is_that_of_statsmodels_and_scipy(counts: tuple[int, int], level: float) -> None:
    right, n = counts
    ours = wilson(right, n, level)
    assert ours[1:3] == pytest.approx(proportion_confint(right, n, 1 - level, "wilson"), abs=1e-12)
    theirs = stats.binomtest(right, n).proportion_ci(level, "wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert (ours.estimate, ours.level) == (right / n, level)
    assert ours.low <= ours.estimate <= ours.high


@pytest.mark.parametrize(("right", "n"), [(0, 0), (3, 2), (-1, 5)])
def test_no_share(right: int, n: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        wilson(right, n)


def test_one_credit_a_problem_is_wilson() -> None:
    credit = [1, 0, 1, 1, 0, 1, 1]
    assert accuracy(credit) == wilson(5, 7)
    assert accuracy(credit, [f"q{index}" for index in range(7)]) == wilson(5, 7)
    assert accuracy([1] * 20) == wilson(20, 20)


def test_copies_of_a_credit_tell_nothing_new() -> None:
    """Three seeds that always agree are worth one: nearly its interval, where single credits have a far shorter one."""
    generator = np.random.default_rng(0)
    once = (generator.random(60) < 0.4).astype(float)
    thrice = accuracy(np.repeat(once, 3), np.repeat(np.arange(60), 3))
    assert thrice[:3] == pytest.approx(accuracy(once)[:3], abs=0.005)
    pooled = accuracy(np.repeat(once, 3))
    assert thrice.high - thrice.low > 1.6 * (pooled.high - pooled.low)


def test_the_effective_number_of_credits_solves_wilsons_equation() -> None:
    generator = np.random.default_rng(3)
    credit, problems = generator.choice([0, 0.25, 1], 90), generator.integers(0, 25, 90)
    ours = accuracy(credit, problems, level=0.9)
    names = np.unique(problems)
    residuals = np.array([(credit[problems == name] - credit.mean()).sum() for name in names])
    variance = (residuals**2).sum() * len(names) / (len(names) - 1) / len(credit) ** 2
    effective = ours.estimate * (1 - ours.estimate) / variance
    critical = stats.t.ppf(0.95, len(names) - 1)
    for bound in (ours.low, ours.high):
        assert abs(bound - ours.estimate) == pytest.approx(critical * math.sqrt(bound * (1 - bound) / effective))


@given(st.lists(st.tuples(st.sampled_from([0, 0.25, 1 / 3, 1.0]), st.integers(0, 5)), min_size=1, max_size=40))
def test_an_accuracy_stays_between_nothing_and_all(rows: list[tuple[float, int]]) -> None:
    credit, problems = zip(*rows, strict=True)
    found = accuracy(credit, problems)
    assert 0 <= found.low <= found.estimate <= found.high <= 1
    assert found.low < found.high
    assert found.estimate == pytest.approx(np.mean(credit))


def test_what_problems_that_do_not_differ_tell() -> None:
    assert accuracy([0.5] * 50)[1:3] == pytest.approx(proportion_confint(25, 50, 0.05, "wilson"), abs=0.01)
    assert accuracy([0, 0, 0] * 30, np.repeat(np.arange(30), 3)).high == pytest.approx(wilson(0, 30).high, abs=0.02)
    assert accuracy([0.2], level=0.9) == (0.2, 0.0, 1.0, 0.9)
    assert accuracy([1, 0], ["q", "q"]) == (0.5, 0.0, 1.0, 0.95)


def test_rounding_is_no_credit_above_one() -> None:
    assert accuracy([1 + 1e-15, 1.0]) == wilson(2, 2)
    with pytest.raises(ValueError, match="from 0 to 1"):
        accuracy([1.5, 0.0])
    with pytest.raises(ValueError, match="from 0 to 1"):
        accuracy([-1, 1, 1])


@pytest.mark.parametrize(
    ("values", "clusters", "said"),
    [
        ([], None, "at least one"),
        ([[1.0, 2.0]], None, "flat"),
        ([1.0, math.nan], None, "finite"),
        ([1.0, math.inf], None, "finite"),
        ([1.0, 2.0], ["q"], "2 values, but 1 cluster ids"),
    ],
)
def test_what_cannot_be_an_interval(values: list[float], clusters: list[str] | None, said: str) -> None:
    for function in (accuracy, bootstrap_mean):
        with pytest.raises(ValueError, match=said):
            function(values, clusters)


@pytest.mark.parametrize("count", [12, 300])
def test_the_bootstrap_is_scipys_with_expanded_quantiles(count: int) -> None:
    """Few kinds of clusters are drawn by their counts, many one by one: both are the same bootstrap."""
    generator = np.random.default_rng(1)
    values = np.round(generator.exponential(200, count), 0 if count == 12 else 6)
    tail = stats.norm.cdf(stats.t.ppf(0.025, count - 1) * math.sqrt(count / (count - 1)))
    theirs = stats.bootstrap((values,), np.mean, confidence_level=1 - 2 * tail, n_resamples=20_000, method="percentile", rng=2)
    ours = bootstrap_mean(values, draws=20_000)
    spread = theirs.standard_error
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs.confidence_interval), abs=0.08 * spread)
    assert ours.estimate == pytest.approx(values.mean())


def test_few_kinds_and_many_have_the_same_spread() -> None:
    coarse = cluster(np.repeat([0.0, 1.0, 3.0], [100, 60, 40]))
    fine = cluster(coarse.sums + np.linspace(0, 1e-9, 200))
    few, many = (resampled_means(each, draws=20_000, seed=5) for each in (coarse, fine))
    assert few.mean() == pytest.approx(many.mean(), abs=0.003)
    assert few.std() == pytest.approx(many.std(), rel=0.03)
    assert few.std() == pytest.approx(coarse.sums.std() / math.sqrt(200), rel=0.03)


def test_clusters_are_drawn_whole() -> None:
    """The spread of resampled means is that of the ratio of sums to sizes, linearised, with sizes that differ."""
    generator = np.random.default_rng(8)
    problems = np.repeat(np.arange(80), generator.integers(1, 6, 80))
    values = generator.normal(0, 1, 80)[problems] + generator.normal(0, 0.2, len(problems))
    data = cluster(values, problems)
    expected = math.sqrt(((data.sums - values.mean() * data.sizes) ** 2).sum()) / len(values)
    assert resampled_means(data, draws=20_000, seed=0).std() == pytest.approx(expected, rel=0.05)
    assert bootstrap_mean(values, problems).estimate == pytest.approx(values.mean())


def test_draws_in_blocks_are_the_same_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    for values in (np.arange(30.0), np.repeat([0.0, 1.0], [40, 10])):
        whole = resampled_means(cluster(values), draws=50, seed=4)
        monkeypatch.setattr("symposia.research.statistics.resampling._CELLS", 64)
        assert resampled_means(cluster(values), draws=50, seed=4).tolist() == whole.tolist()
        monkeypatch.undo()


def test_a_seed_decides_the_draws() -> None:
    values = np.random.default_rng(0).random(25)
    assert bootstrap_mean(values, seed=1) == bootstrap_mean(values, seed=1) != bootstrap_mean(values, seed=2)
    assert bootstrap_mean(values, level=0.99).high > bootstrap_mean(values, level=0.8).high


def test_one_problem_says_nothing_about_others() -> None:
    assert bootstrap_mean([5.0, 7.0], ["q", "q"]) == (6.0, -math.inf, math.inf, 0.95)
