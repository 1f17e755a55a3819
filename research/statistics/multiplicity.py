"""Corrections for several comparisons: adjusted p-values, in the order given. Compare them with the level as it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def holm(p: ArrayLike) -> NDArray[np.float64]:
    """Holm's step-down correction: no true null hypothesis is rejected, with the probability of the level.

    Source: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure". Holds whatever the tests share.

    Raises:
        ValueError: a p-value is not in [0, 1].
    """
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    return _in_order(np.minimum(steps, 1.0), order)


def benjamini_hochberg(p: ArrayLike) -> NDArray[np.float64]:
    """Benjamini and Hochberg's step-up correction: of what is rejected, the expected share of true nulls is at most the level.

    Source: Benjamini and Hochberg 1995, "Controlling the False Discovery Rate". Holds for tests that are independent or
    positively dependent.

    Raises:
        ValueError: a p-value is not in [0, 1].
    """
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    scaled = values[order] * len(values) / np.arange(1, len(values) + 1)
    return _in_order(np.minimum.accumulate(scaled[::-1])[::-1], order)


def _checked(p: ArrayLike) -> NDArray[np.float64]:
    values = np.atleast_1d(np.asarray(p, dtype=np.float64))
    if not ((values >= 0) & (values <= 1)).all():
        raise ValueError("a p-value is a number from 0 to 1")
    return values


def _in_order(adjusted: NDArray[np.float64], order: NDArray[np.intp]) -> NDArray[np.float64]:
    placed = np.empty_like(adjusted)
    placed[order] = adjusted
    return placed
