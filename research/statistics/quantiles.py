"""Quantiles of the normal and of Student's distribution, so that scipy is needed in the tests only."""

from __future__ import annotations

import math
from functools import lru_cache
from statistics import NormalDist

import numpy as np


def normal_quantile(p: float) -> float:
    """The point below which a standard normal variable stays with probability ``p``, 0 < p < 1."""
    return NormalDist().inv_cdf(p)


def normal_cdf(x: float) -> float:
    """The probability that a standard normal variable stays below ``x``."""
    return NormalDist().cdf(x)


@lru_cache(maxsize=1024)
def t_quantile(p: float, df: int) -> float:
    """The point below which Student's t with ``df`` whole degrees of freedom stays with probability ``p``, 0 < p < 1.

    Bisection on the exact distribution, to the last bit or so.

    Raises:
        ValueError: ``df`` below 1, or ``p`` outside (0, 1).
    """
    if df < 1 or not 0 < p < 1:
        raise ValueError(f"Student's t has no quantile {p} with {df} degrees of freedom")
    if p < 0.5:
        return -t_quantile(1 - p, df)
    low, high = 0.0, math.pi / 2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _t_below(middle, df) < p else (low, middle)
    return math.sqrt(df) * math.tan((low + high) / 2)


def _t_below(angle: float, df: int) -> float:
    """P(t <= sqrt(df) tan(angle)) for angle >= 0: Abramowitz and Stegun 26.7.3 and 26.7.4, a finite sum for whole ``df``."""
    odd = df % 2
    steps = np.arange(1, (df - odd) // 2)
    ratios = (2 * steps) / (2 * steps + 1) if odd else (2 * steps - 1) / (2 * steps)
    series = 1.0 + float(np.cumprod(math.cos(angle) ** 2 * ratios).sum())
    if odd:
        between = 2 / math.pi * (angle + (math.sin(angle) * math.cos(angle) * series if df > 1 else 0.0))
    else:
        between = math.sin(angle) * series
    return (1 + between) / 2
