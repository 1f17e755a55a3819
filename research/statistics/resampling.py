"""The clustered bootstrap: whole problems are drawn again, with all that belongs to them.

Several seeds or samples of one problem are not independent: they share what the problem is like. Resampling single values would
take them for as many problems and make intervals far too short.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

_CELLS = 1_000_000
"""Counts held at once: 8 MB."""


class Clusters(NamedTuple):
    """Sum and number of the values of each cluster."""

    sums: NDArray[np.float64]
    sizes: NDArray[np.float64]

    @property
    def mean(self) -> float:
        """Over all values: a cluster weighs as many as it has."""
        return float(self.sums.sum() / self.sizes.sum())


def cluster(values: ArrayLike, clusters: ArrayLike | None = None) -> Clusters:
    """Values by cluster; without ``clusters`` each value is one of its own.

    Raises:
        ValueError: no values, values that are no finite numbers, or another number of cluster ids than of values.
    """
    numbers = np.asarray(values, dtype=np.float64)
    if numbers.ndim != 1 or not numbers.size:
        raise ValueError("an interval needs a flat list of at least one value")
    if not np.isfinite(numbers).all():
        raise ValueError("an interval needs finite values: leave out what was not measured, and say how much that was")
    sums, sizes = numbers, np.ones_like(numbers)
    if clusters is not None:
        ids = np.asarray(clusters)
        if ids.shape != numbers.shape:
            raise ValueError(f"{numbers.size} values, but {ids.size} cluster ids")
        _, inverse = np.unique(ids, return_inverse=True)
        sums, sizes = (np.asarray(np.bincount(inverse, weights=each), dtype=np.float64) for each in (sums, sizes))
    return Clusters(sums, sizes)


def resampled_means(data: Clusters, *, draws: int, seed: int) -> NDArray[np.float64]:
    """The mean over all values in each of ``draws`` resamples of as many clusters as there are."""
    sums, sizes = resampled_sums(np.column_stack([data.sums, data.sizes]), draws=draws, seed=seed).T
    return np.asarray(sums / sizes)


def resampled_sums(rows: NDArray[np.float64], *, draws: int, seed: int) -> NDArray[np.float64]:
    """The sum of each column in each of ``draws`` resamples of as many rows as there are; a row is a cluster."""
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    generator = np.random.default_rng(seed)
    total = len(rows)
    # Equal clusters are drawn together, as one multinomial count: graded answers to thousands of problems come down to a handful
    # of kinds. A count takes as long as ten single clusters, so where most differ those are drawn one by one.
    few = len(kinds) * 10 < total
    step = max(1, _CELLS // (len(kinds) if few else total))
    sums = np.empty((draws, rows.shape[1]))
    for start in range(0, draws, step):
        drawn = min(step, draws - start)
        if few:
            sums[start : start + drawn] = generator.multinomial(total, counts / total, size=drawn) @ kinds
        else:
            chosen = generator.integers(total, size=(drawn, total))
            sums[start : start + drawn] = np.column_stack([column[chosen].sum(axis=1) for column in rows.T])
    return sums
