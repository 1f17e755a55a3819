"""Two Weibull distributions mixed, fitted to positive numbers that are given by their logarithms.

With z = log x a Weibull variable of shape k and scale s is a Gumbel variable of the minimum, of location log s and scale 1/k.
Both have the same maximum likelihood, and so everything here is done with z: probabilities of whole texts, which are far too
small for floats, need no more care than others.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum, inf, log, sqrt
from typing import NamedTuple

SHARES = (0.2, 0.8)
"""Between these lies the share of either part, as in the code of the authors of RPC: no part is a single number."""
NARROWEST = 0.02
"""The least 1/k, as a share of the spread of all numbers. Equal numbers would have a likelihood without bound otherwise."""
_ROUNDS, _GAIN = 300, 1e-6
"""Rounds at most, and what a round must add to the mean log-likelihood to be followed by another one."""
_STARTS = (0.25, 0.5, 0.75)
"""Which part of the numbers begins as the low one."""
_FAINT = 1e-12
"""The least that a number belongs to either part, so that none is ever without numbers."""


class Weibull(NamedTuple):
    """One distribution."""

    shape: float
    log_scale: float

    def log_density(self, z: float) -> float:
        """Of z = log x."""
        height = self.shape * (z - self.log_scale)
        return log(self.shape) + height - (exp(height) if height < 700 else inf)

    @property
    def log_median(self) -> float:
        """The logarithm of the median of x."""
        return self.log_scale + log(log(2)) / self.shape


class Mixture(NamedTuple):
    """Two of them; ``high`` has the larger median.

    The authors of RPC go by the mean, which is large for a part that spreads over orders of magnitude wherever it lies: of whole
    texts the unlikely ones would then be the high part.
    """

    share: float
    """Of the high one."""
    high: Weibull
    low: Weibull

    def log_density(self, z: float) -> float:
        """Of z = log x."""
        return _log_add(*self._parts(z))

    def of_high(self, z: float) -> float:
        """Probability that x = exp(z) was drawn from the high one."""
        high, low = self._parts(z)
        return exp(high - total) if (total := _log_add(high, low)) > -inf else 0.5

    def _parts(self, z: float) -> tuple[float, float]:
        return log(self.share) + self.high.log_density(z), log(1 - self.share) + self.low.log_density(z)


def fit(logs: Sequence[float]) -> Mixture | None:
    """The mixture of maximum likelihood, by expectation and maximisation from three starts, the best of which is taken.

    The likelihood has several maxima, so that this is a good one and always the same, but not surely the highest. None where
    the numbers are fewer than the five parameters, or all equal.
    """
    if len(logs) < 5:
        return None
    centre = fsum(logs) / len(logs)
    spread = sqrt(fsum((z - centre) ** 2 for z in logs) / len(logs))
    if spread == 0:  # numbers that are not equal may still lie too close together to have one
        return None
    units = sorted((z - centre) / spread for z in logs)
    _, best = max((_climb(units, round(start * len(units))) for start in _STARTS), key=lambda found: found[0])
    high, low = (Weibull(part.shape / spread, centre + spread * part.log_scale) for part in (best.high, best.low))
    found = Mixture(best.share, high, low)
    return found if high.log_median >= low.log_median else Mixture(1 - best.share, low, high)


def fit_one(units: Sequence[float], weights: Sequence[float], start: float = 1.0) -> Weibull:
    """The Weibull distribution of maximum likelihood of weighted numbers by their logarithms, no narrower than allowed.

    The shape solves ``sum(w e^kz z) / sum(w e^kz) - 1/k = sum(w z) / sum(w)``, whose left side grows with k: Newton's method on
    log k, kept between bounds that close in. ``start`` is where it begins.
    """
    top, mass = max(units), fsum(weights)
    centre = fsum(w * z for w, z in zip(weights, units, strict=True)) / mass
    least, most, shape = 0.0, 1 / NARROWEST, start
    for _ in range(100):
        tilted = [w * exp(shape * (z - top)) for w, z in zip(weights, units, strict=True)]
        total = fsum(tilted)
        mean = fsum(t * z for t, z in zip(tilted, units, strict=True)) / total
        variance = fsum(t * (z - mean) ** 2 for t, z in zip(tilted, units, strict=True)) / total
        excess = mean - 1 / shape - centre
        least, most = (least, shape) if excess > 0 else (shape, most)
        following = shape * exp(max(-2.0, min(2.0, -excess / (shape * variance + 1 / shape))))
        following = following if least < following < most else (least + most) / 2
        moved, shape = abs(following - shape), following
        if moved <= 1e-10 * shape:
            break
    tilted = [w * exp(shape * (z - top)) for w, z in zip(weights, units, strict=True)]
    return Weibull(shape, top + log(fsum(tilted) / mass) / shape)


def _climb(units: Sequence[float], low: int) -> tuple[float, Mixture]:
    """Log-likelihood a number, and the mixture, that expectation and maximisation find where the lowest ``low`` begin apart."""
    of_high = [float(place >= low) for place in range(len(units))]
    reached, found = -inf, Mixture(0.5, Weibull(1.0, 0.0), Weibull(1.0, 0.0))
    for _ in range(_ROUNDS):
        share = min(max(fsum(of_high) / len(units), SHARES[0]), SHARES[1])
        high = fit_one(units, of_high, found.high.shape)
        found = Mixture(share, high, fit_one(units, [1 - each for each in of_high], found.low.shape))
        before, reached = reached, fsum(map(found.log_density, units)) / len(units)
        if reached - before < _GAIN:
            break
        of_high = [min(max(found.of_high(z), _FAINT), 1 - _FAINT) for z in units]
    return reached, found


def _log_add(a: float, b: float) -> float:
    high = max(a, b)
    return high + log(exp(a - high) + exp(b - high)) if high > -inf else -inf
