"""Two arms on the same problems: the difference, its interval, and how likely chance alone brings it about."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...core.errors import EvidenceError
from .intervals import Interval, bootstrap
from .resampling import Clusters, cluster

_ALL_SIGNS = 14
"""Up to so many clusters that differ, every pattern of signs is tried: 16,384."""
_ROUNDING = 1e-9
_CELLS = 1_000_000
"""Signs held at once: 8 MB."""


class McNemar(NamedTuple):
    """How many problems only one of two arms solved, and the p-value of that."""

    only_a: int
    only_b: int
    p: float


def align(ids_a: Sequence[Hashable], ids_b: Sequence[Hashable]) -> NDArray[np.int64]:
    """The order in which to take the values of b so that they stand beside those of a: ``b[align(ids_a, ids_b)]``.

    An id is what is paired: a problem, or a problem and a seed.

    Raises:
        EvidenceError: an id is on one side only, or twice on one side.
    """
    for side, ids in (("first", ids_a), ("second", ids_b)):
        twice = [key for key, count in Counter(ids).items() if count > 1]
        if twice:
            raise EvidenceError(f"the {side} side has {twice[0]!r} more than once", hint="pair by problem and seed")
    place = {key: index for index, key in enumerate(ids_b)}
    known = set(ids_a)
    alone = [*(key for key in ids_a if key not in place), *(key for key in ids_b if key not in known)]
    if alone:
        raise EvidenceError(
            f"{len(alone)} of the ids are on one side only, such as {alone[0]!r}, so nothing can be paired",
            hint="compare what both sides have, and say how much was left out",
        )
    return np.array([place[key] for key in ids_a], dtype=np.int64)


def paired_difference(
    a: ArrayLike, b: ArrayLike, clusters: ArrayLike | None = None, *, level: float = 0.95, draws: int = 10_000, seed: int = 0
) -> Interval:
    """The mean of ``a - b``, value by value, with a bootstrap interval that resamples whole problems.

    Where few problems differ, a bootstrap of those seen is far too sure: where none differ it would be a point. So two made-up
    problems join the resampling, one for either arm, each half as heavy as a problem on which they differ. With 0/1 credits
    this adds what Agresti and Min 2005 add ("Simple Improved Confidence Intervals for Comparing Matched Proportions"), half a
    problem to either side; they have a normal interval, ours is that of
    :func:`~symposia.research.statistics.intervals.bootstrap_mean`. The estimate is the plain mean.

    Args:
        a: Credits of one arm, from 0 to 1.
        b: Credits of the other: ``b[i]`` is of the same problem and seed as ``a[i]``; :func:`align` sees to that.
        clusters: The problem of each value; without it each is of a problem of its own.
        level: Confidence, between 0 and 1.
        draws: Resamples.
        seed: Of the draws.

    Raises:
        ValueError: a and b differ in length, or see :func:`~symposia.research.statistics.resampling.cluster`.
    """
    data = _by_problem(a, b, clusters)
    size, means = data.sizes.mean(), data.sums / data.sizes
    differ = means[means != 0]
    weight = math.sqrt((differ**2).mean() / 2) if differ.size else math.sqrt(1 / 2)
    extended = data._replace(
        sums=np.append(data.sums, [weight * size, -weight * size]), sizes=np.append(data.sizes, [size, size])
    )
    return bootstrap(extended, data.mean, level=level, draws=draws, seed=seed)


def mcnemar(a: ArrayLike, b: ArrayLike) -> McNemar:
    """McNemar's exact test of two lists of 0/1 credits: of the problems that only one arm solved, each was as likely either's.

    Two-sided and binomial, not the mid-p variant: it never rejects more often than the level says, and less often where few
    problems differ.

    Raises:
        ValueError: a and b differ in length, or hold other credits than 0 and 1.
    """
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    differences = _differences(first, second)
    if not (np.isin(first, (0.0, 1.0)).all() and np.isin(second, (0.0, 1.0)).all()):
        raise ValueError("McNemar's test takes credits of 0 and 1 only: use paired_p where credits have parts")
    only_a, only_b = int((differences > 0).sum()), int((differences < 0).sum())
    return McNemar(only_a, only_b, _two_sided(min(only_a, only_b), only_a + only_b))


def paired_p(a: ArrayLike, b: ArrayLike, clusters: ArrayLike | None = None, *, draws: int = 10_000, seed: int = 0) -> float:
    """The two-sided p-value that both arms are alike, by flipping the signs of whole problems' differences.

    A permutation test: were the arms alike, each problem's difference could as well have had the other sign. Takes credits in
    parts and several seeds of a problem; with one 0/1 credit a problem it is McNemar's exact test. Exact where at most 14
    problems differ, else by ``draws`` random patterns, beside which the one seen counts too.

    Raises:
        ValueError: as :func:`paired_difference`.
    """
    sums = _by_problem(a, b, clusters).sums
    sums = sums[sums != 0]
    observed = abs(sums.sum()) - _ROUNDING * np.abs(sums).sum()
    if len(sums) <= _ALL_SIGNS:
        patterns = np.arange(2 ** len(sums))[:, None] >> np.arange(len(sums)) & 1
        return float((np.abs((1 - 2 * patterns) @ sums) >= observed).mean())
    generator = np.random.default_rng(seed)
    block = max(1, _CELLS // len(sums))
    beyond = 0
    for start in range(0, draws, block):
        signs = generator.integers(0, 2, size=(min(block, draws - start), len(sums)), dtype=np.int8)
        beyond += int((np.abs((1.0 - 2.0 * signs) @ sums) >= observed).sum())
    return (beyond + 1) / (draws + 1)


def _by_problem(a: ArrayLike, b: ArrayLike, clusters: ArrayLike | None) -> Clusters:
    """Sums of differences, where those that only rounding keeps from 0 are 0: on such a problem the arms are alike."""
    data = cluster(_differences(a, b), clusters)
    return data._replace(sums=np.where(np.abs(data.sums) > _ROUNDING, data.sums, 0.0))


def _differences(a: ArrayLike, b: ArrayLike) -> NDArray[np.float64]:
    first, second = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if first.shape != second.shape:
        raise ValueError(f"a paired comparison needs as many values on both sides, got {first.size} and {second.size}")
    return first - second


def _two_sided(k: int, n: int) -> float:
    """Twice the chance of at most k heads in n throws of a coin, in exact integers."""
    term = total = 1
    for i in range(k):
        term = term * (n - i) // (i + 1)
        total += term
    return min(1.0, 2 * total / (1 << n))
