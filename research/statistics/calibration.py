"""Calibration: whether an arm's confidence says how often it is right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Bin(NamedTuple):
    """Answers whose confidence is at least ``low`` and below ``high``; the last bin includes 1."""

    low: float
    high: float
    n: int
    confidence: float | None
    """Mean confidence; None in an empty bin."""
    credit: float | None
    """Mean credit; None in an empty bin."""


class Calibration(NamedTuple):
    """How confidence and credit go together. Each figure is None where there is nothing to compute it from."""

    ece: float | None
    """Expected calibration error over bins of equal width."""
    brier: float | None
    """Mean square of confidence minus credit."""
    auroc: float | None
    """Probability that a right answer is more confident than a wrong one, ties half; None without both."""
    bins: tuple[Bin, ...]
    n: int
    """Answers with a confidence."""
    dropped: int
    """Answers without one, which count nowhere above."""


def calibration(confidence: Sequence[float | None], credit: Sequence[float], bins: int = 10) -> Calibration:
    """Compares confidences with credits, both from 0 to 1.

    The bins of the expected calibration error are of equal width (Guo et al. 2017, arXiv 1706.04599), not of equal count: the
    figure depends on how many there are. A credit in parts counts as that part right and the rest wrong.

    Raises:
        ValueError: lists of different lengths, a number outside [0, 1], or no bins.
    """
    if len(confidence) != len(credit):
        raise ValueError(f"{len(confidence)} confidences, but {len(credit)} credits")
    if bins < 1:
        raise ValueError("calibration needs at least one bin")
    pairs = [(sure, part) for sure, part in zip(confidence, credit, strict=True) if sure is not None]
    sure, part = np.array(pairs, dtype=np.float64).reshape(-1, 2).T
    if not ((sure >= 0) & (sure <= 1) & (part >= 0) & (part <= 1)).all():
        raise ValueError("confidences and credits are numbers from 0 to 1")
    table = _bins(sure, part, bins)
    some = len(pairs) > 0
    return Calibration(
        ece=_ece(table) if some else None,
        brier=float(np.mean((sure - part) ** 2)) if some else None,
        auroc=_auroc(sure, part),
        bins=table,
        n=len(pairs),
        dropped=len(confidence) - len(pairs),
    )


def _bins(sure: NDArray[np.float64], part: NDArray[np.float64], bins: int) -> tuple[Bin, ...]:
    edges = np.linspace(0, 1, bins + 1)
    place = np.clip(np.searchsorted(edges, sure, side="right") - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    sures, parts = (np.bincount(place, weights=values, minlength=bins) for values in (sure, part))
    return tuple(
        Bin(
            float(edges[i]),
            float(edges[i + 1]),
            int(counts[i]),
            float(sures[i] / counts[i]) if counts[i] else None,
            float(parts[i] / counts[i]) if counts[i] else None,
        )
        for i in range(bins)
    )


def _ece(bins: tuple[Bin, ...]) -> float:
    total = sum(each.n for each in bins)
    return sum(
        each.n / total * abs(each.credit - each.confidence)
        for each in bins
        if each.credit is not None and each.confidence is not None
    )


def _auroc(sure: NDArray[np.float64], part: NDArray[np.float64]) -> float | None:
    """Right weight below and beside each wrong weight, by levels of confidence."""
    _, level = np.unique(sure, return_inverse=True)
    right = np.bincount(level, weights=part)
    wrong = np.bincount(level, weights=1 - part)
    pairs = right.sum() * wrong.sum()
    below = np.cumsum(wrong) - wrong
    return float((right * (below + wrong / 2)).sum() / pairs) if pairs > 0 else None
