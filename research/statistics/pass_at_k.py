"""Coverage: how likely at least one of k samples is right, and how that grows with k."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike


def pass_at_k(n: int, c: int, k: int) -> float:
    """The probability that k of n samples, drawn without replacement, hold one of the c right ones: 1 - C(n-c, k) / C(n, k).

    Unbiased, which 1 - (1 - c/n)^k is not. Computed in exact integers.

    Source: Chen et al. 2021, "Evaluating Large Language Models Trained on Code" (arXiv 2107.03374).

    Raises:
        ValueError: unless 0 <= c <= n and 1 <= k <= n.
    """
    if not 0 <= c <= n or not 1 <= k <= n:
        raise ValueError(f"pass@{k} cannot be had from {n} samples of which {c} are right")
    return 1 - math.comb(n - c, k) / math.comb(n, k)


def mean_pass_at_k(n_by_problem: Sequence[int], c_by_problem: Sequence[int], k: int) -> float:
    """The mean of :func:`pass_at_k` over problems.

    Raises:
        ValueError: no problems, lists of different lengths, or a problem with fewer than k samples.
    """
    if not n_by_problem:
        raise ValueError("pass@k needs at least one problem")
    return fmean(pass_at_k(n, c, k) for n, c in zip(n_by_problem, c_by_problem, strict=True))


class PowerLaw(NamedTuple):
    """Coverage as ``exp(-a * k**-b)``."""

    a: float
    """Minus the log of the coverage at one sample."""
    b: float
    """How fast the log of coverage falls; below 0 where coverage fell."""
    residual: float
    """Root mean square of coverage minus prediction, over the points used."""
    used: int
    """Points of the fit."""

    def predict(self, k: float) -> float:
        """Coverage at k samples."""
        return math.exp(-self.a * k**-self.b)


def fit_power_law(ks: ArrayLike, coverage: ArrayLike) -> PowerLaw:
    """Fits ``coverage = exp(-a * k**-b)``: least squares on log(-log(coverage)) against log(k), a straight line there.

    Source: Brown et al. 2024, "Large Language Monkeys" (arXiv 2407.21787), where log(coverage) = a k^b and both are negative.
    A coverage of exactly 0 or 1 has no place on that line and is left out; ``used`` says how many points remain.

    Raises:
        ValueError: lists of different lengths, a k below 1, a coverage outside [0, 1], or fewer than two different k whose
            coverage is strictly between 0 and 1.
    """
    sizes, shares = np.asarray(ks, dtype=np.float64), np.asarray(coverage, dtype=np.float64)
    if sizes.shape != shares.shape:
        raise ValueError(f"{sizes.size} numbers of samples, but {shares.size} coverages")
    if not ((sizes >= 1) & (shares >= 0) & (shares <= 1)).all():
        raise ValueError("a power law is fitted to coverages from 0 to 1 at numbers of samples from 1")
    inside = (shares > 0) & (shares < 1)
    sizes, shares = sizes[inside], shares[inside]
    if len(np.unique(sizes)) < 2:
        raise ValueError("a power law needs two numbers of samples or more whose coverage is neither 0 nor 1")
    slope, intercept = np.polyfit(np.log(sizes), np.log(-np.log(shares)), 1)
    a, b = math.exp(intercept), -float(slope)
    residual = math.sqrt(float(np.mean((shares - np.exp(-a * sizes**-b)) ** 2)))
    return PowerLaw(a, b, residual, len(sizes))
