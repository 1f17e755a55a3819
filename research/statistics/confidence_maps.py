"""Maps from confidence to the probability of being right, fitted on answers whose worth is known.

Isotonic regression assumes no more than that a surer answer is not less likely right; Platt's curve has two numbers to fit, and
is steadier where answers are few.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...core.calibration import ConfidenceMap, IsotonicMap, Knot, PlattMap

FOLDS = 10
_STEPS = 100
_SMALLEST_STEP = 1e-10

Fitter = Callable[[ArrayLike, ArrayLike], ConfidenceMap]


class Block(NamedTuple):
    """Neighbouring confidences that share one probability."""

    low: float
    high: float
    n: int
    right: int

    @property
    def share(self) -> float:
        """Of right answers."""
        return self.right / self.n


def blocks(confidence: ArrayLike, right: ArrayLike) -> list[Block]:
    """Isotonic regression by pooling adjacent violators: the rising steps that are nearest to the answers by least squares.

    Equal confidences are one level from the start. Neighbours that fall are pooled, compared in whole numbers. It is the
    maximum over starts of the minimum over ends of the share of right answers between them.

    Source: Ayer et al. 1955, "An Empirical Distribution Function for Sampling with Incomplete Information"; for calibration
    Zadrozny and Elkan 2002, "Transforming Classifier Scores into Accurate Multiclass Probability Estimates".

    Args:
        confidence: Numbers from 0 to 1.
        right: Whether each answer was right: 0 or 1.

    Raises:
        ValueError: no answers, lists of different lengths, or other numbers.
    """
    sure, hit = _checked(confidence, right)
    levels, place = np.unique(sure, return_inverse=True)
    counts = np.bincount(place)
    hits = np.bincount(place, weights=hit).astype(np.int64)
    found: list[Block] = []
    for level, n, k in zip(levels.tolist(), counts.tolist(), hits.tolist(), strict=True):
        block = Block(level, level, n, k)
        while found and found[-1].right * block.n >= block.right * found[-1].n:
            last = found.pop()
            block = Block(last.low, block.high, last.n + block.n, last.right + block.right)
        found.append(block)
    return found


def isotonic_map(confidence: ArrayLike, right: ArrayLike) -> IsotonicMap:
    """The steps of :func:`blocks`, joined by straight lines where there was no answer. Raises as that does."""
    knots = [Knot(confidence=end, probability=each.share) for each in blocks(confidence, right) for end in {each.low, each.high}]
    return IsotonicMap(knots=tuple(sorted(knots, key=lambda knot: knot.confidence)))


def platt_map(confidence: ArrayLike, right: ArrayLike) -> PlattMap:
    """The logistic curve of greatest likelihood, with Platt's targets: as if one more of either kind had been seen.

    So it is never 0 or 1, be all answers right. We differ in that the curve never falls: where the best one does, confidence
    says nothing here, and the level line is taken.

    Source: Platt 1999, "Probabilistic Outputs for Support Vector Machines"; Newton's method with step halving as in Lin, Lin and
    Weng 2007, "A Note on Platt's Probabilistic Outputs for Support Vector Machines".

    Raises:
        ValueError: as :func:`blocks`.
    """
    sure, hit = _checked(confidence, right)
    hits = hit.sum()
    target = np.where(hit > 0, (hits + 1) / (hits + 2), 1 / (len(hit) - hits + 2))
    mean = float(target.mean())
    level = math.log(mean / (1 - mean))
    slope, intercept = _newton(sure, target, level)
    return PlattMap(slope=slope, intercept=intercept) if slope > 0 else PlattMap(slope=0, intercept=level)


def cross_validated(
    confidence: ArrayLike, right: ArrayLike, clusters: ArrayLike, fit: Fitter, *, seed: int = 0
) -> NDArray[np.float64]:
    """Each answer's probability under a map that was fitted without its problem: what a map is worth on new questions.

    Problems are dealt into ten folds at random, or into as many as there are.

    Raises:
        ValueError: as :func:`blocks`, or fewer than two problems.
    """
    sure, hit = _checked(confidence, right)
    _, problem = np.unique(np.asarray(clusters), return_inverse=True)
    count = int(problem.max()) + 1
    if count < 2:
        raise ValueError("cross-validation needs two problems")
    fold = (np.random.default_rng(seed).permutation(count) % min(FOLDS, count))[problem]
    found = np.empty(len(sure))
    for each in np.unique(fold):
        out = fold == each
        fitted = fit(sure[~out], hit[~out])
        found[out] = [fitted.probability(one) for one in sure[out].tolist()]
    return found


def _newton(sure: NDArray[np.float64], target: NDArray[np.float64], level: float) -> Sequence[float]:
    rows = np.column_stack([sure, np.ones_like(sure)])
    at = np.array([0.0, level])
    loss = _loss(rows @ at, target)
    for _ in range(_STEPS):
        share = (1 + np.tanh(rows @ at / 2)) / 2
        gradient = rows.T @ (share - target)
        curvature = (rows * (share * (1 - share))[:, None]).T @ rows + 1e-12 * np.eye(2)
        step, size = np.linalg.solve(curvature, gradient), 1.0
        while (lower := _loss(rows @ (at - size * step), target)) > loss and size > _SMALLEST_STEP:
            size /= 2
        if loss - lower <= _SMALLEST_STEP * loss:
            break
        at, loss = at - size * step, lower
    return [float(number) for number in at]


def _loss(logit: NDArray[np.float64], target: NDArray[np.float64]) -> float:
    return float((np.logaddexp(0, logit) - target * logit).sum())


def _checked(confidence: ArrayLike, right: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    sure, hit = np.asarray(confidence, dtype=np.float64), np.asarray(right, dtype=np.float64)
    if sure.shape != hit.shape or sure.ndim != 1 or not sure.size:
        raise ValueError(f"a map needs answers: {sure.size} confidences and {hit.size} of them right or wrong")
    if not (((sure >= 0) & (sure <= 1)).all() and np.isin(hit, (0.0, 1.0)).all()):
        raise ValueError("confidences are numbers from 0 to 1, and an answer is right (1) or wrong (0)")
    return sure, hit
