"""Confidence intervals for a mean over problems. Simulations decided which is used where: ``docs/statistics.md``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .quantiles import normal_cdf, normal_quantile, t_quantile
from .resampling import Clusters, cluster, resampled_means, resampled_sums


class Interval(NamedTuple):
    """An estimate, and where its true value lies with confidence ``level``."""

    estimate: float
    low: float
    high: float
    level: float


def accuracy(credit: ArrayLike, clusters: ArrayLike | None = None, *, level: float = 0.95) -> Interval:
    """Mean credit with its interval: the one function for every accuracy that is reported.

    Where each cluster has one credit and each is 0 or 1 this is :func:`wilson`. Otherwise (credits in parts, several seeds or
    samples of a problem) it is Wilson's interval for the *effective* number of credits: as many as would have the variance that
    is seen between clusters, with Student's quantile because that variance is estimated. Like Wilson's it stays within [0, 1]
    and does not collapse where all credits are alike; where clusters do not differ at all, each counts once.

    Source: Korn and Graubard 1998, "Confidence Intervals for Proportions with Small Expected Number of Positive Counts Estimated
    from Survey Data", for the effective number; with Wilson's interval instead of Clopper and Pearson's.

    Args:
        credit: Grades from 0 to 1.
        clusters: The problem of each grade; without it each grade is of a problem of its own.
        level: Confidence, between 0 and 1.

    Raises:
        ValueError: a credit outside [0, 1], or see :func:`~symposia.research.statistics.resampling.cluster`.
    """
    # Means over subsets that ought to be 0 or 1 miss it by 1e-16.
    grades = np.round(np.asarray(credit, dtype=np.float64), 12)
    data = cluster(grades, clusters)
    if not ((grades >= 0) & (grades <= 1)).all():
        raise ValueError("credits are numbers from 0 to 1")
    count, total, share = len(data.sums), data.sizes.sum(), data.mean
    if total == count and np.isin(data.sums, (0.0, 1.0)).all():
        return _score(share, count, normal_quantile((1 + level) / 2), level)
    if count == 1:
        return Interval(share, 0.0, 1.0, level)
    variance = float(((data.sums - share * data.sizes) ** 2).sum()) * count / (count - 1) / total**2
    spread = share * (1 - share)
    effective = spread / variance if variance > 1e-9 * spread else count
    return _score(share, effective, t_quantile((1 + level) / 2, count - 1), level)


def wilson(successes: float, n: float, level: float = 0.95) -> Interval:
    """Wilson's score interval for a share.

    Source: Wilson 1927; recommended for small n by Brown, Cai and DasGupta 2001, "Interval Estimation for a Binomial Proportion".

    Raises:
        ValueError: unless 0 <= ``successes`` <= ``n`` and ``n`` > 0.
    """
    if not (n > 0 and 0 <= successes <= n):
        raise ValueError(f"{successes} of {n} is no share")
    return _score(successes / n, n, normal_quantile((1 + level) / 2), level)


def bootstrap_mean(
    values: ArrayLike, clusters: ArrayLike | None = None, *, level: float = 0.95, draws: int = 10_000, seed: int = 0
) -> Interval:
    """The mean over all values of any unit (tokens, seconds), with an interval that resamples whole clusters.

    Quantiles of the bootstrap distribution, taken as much further out as Student's interval is wider than the normal one: plain
    quantiles are too close together where clusters are few. With one cluster nothing is known of how they differ, and the
    interval is infinite.

    Source: Hesterberg 2015, "What Teachers Should Know about the Bootstrap" (arXiv 1411.5279), expanded percentile interval.

    Raises:
        ValueError: see :func:`~symposia.research.statistics.resampling.cluster`.
    """
    data = cluster(values, clusters)
    if len(data.sums) == 1:
        return Interval(data.mean, -math.inf, math.inf, level)
    return bootstrap(data, data.mean, level=level, draws=draws, seed=seed)


def bootstrap(data: Clusters, estimate: float, *, level: float, draws: int, seed: int) -> Interval:
    """The expanded percentile interval around ``estimate``, from resamples of at least two clusters."""
    return _expanded(resampled_means(data, draws=draws, seed=seed), len(data.sums), estimate, level)


def bootstrap_figure(
    rows: ArrayLike,
    figure: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    made_up: ArrayLike,
    *,
    level: float = 0.95,
    draws: int = 10_000,
    seed: int = 0,
) -> Interval:
    """Any figure that is computed from sums over problems, such as F1, with an interval that resamples whole problems.

    Where all problems of a kind came out alike, resamples of those seen are all alike too. So some made-up problems join the
    resampling, as in :func:`~symposia.research.statistics.paired.paired_difference`; the estimate is without them.

    Args:
        rows: A row for each problem, at least two: what it adds to each sum.
        figure: From sums, in the last dimension, to figures; nan where there is none, and such resamples are left out.
        made_up: Further rows that are resampled.
        level: Confidence, between 0 and 1.
        draws: Resamples.
        seed: Of the draws.

    Raises:
        ValueError: fewer than two rows, or the figure of all of them is nan.
    """
    seen = np.asarray(rows, dtype=np.float64)
    estimate = float(figure(seen.sum(axis=0)))
    if len(seen) < 2 or math.isnan(estimate):
        raise ValueError("an interval of a figure needs two rows at least that have one together")
    every = np.concatenate([seen, np.asarray(made_up, dtype=np.float64)])
    figures = figure(resampled_sums(every, draws=draws, seed=seed))
    found = _expanded(figures[~np.isnan(figures)], len(seen), estimate, level)
    return found._replace(low=min(found.low, estimate), high=max(found.high, estimate))


def _expanded(figures: NDArray[np.float64], count: int, estimate: float, level: float) -> Interval:
    """Quantiles of resamples of ``count`` clusters, as much further out as Student's interval is wider than the normal one."""
    tail = normal_cdf(t_quantile((1 - level) / 2, count - 1) * math.sqrt(count / (count - 1)))
    low, high = np.quantile(figures, [tail, 1 - tail])
    return Interval(estimate, float(low), float(high), level)


def _score(share: float, n: float, critical: float, level: float) -> Interval:
    """All shares p with ``|share - p| <= critical * sqrt(p (1 - p) / n)``."""
    extra = critical**2 / n
    middle = (share + extra / 2) / (1 + extra)
    half = math.sqrt(extra * (share * (1 - share) + extra / 4)) / (1 + extra)
    # At a share of 0 or 1 the bound is that number exactly, which rounding must not take out.
    return Interval(share, min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half)), level)
