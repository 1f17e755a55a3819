"""Stopping rules: pure functions of the first k samples by index, never of the order in which they arrived."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb


def beta_confidence(first: int, second: int) -> float:
    """Probability that the leading answer keeps its majority, given the two largest vote counts.

    The integral of ``p^first (1-p)^second`` over [1/2, 1], divided by that over [0, 1]: the chance that the leader's true
    share against the runner-up exceeds one half under a uniform prior. For whole counts it has the closed form
    ``2^-n * sum(C(n, k) for k in 0..first)`` with ``n = first + second + 1``, computed here in exact integers.

    Source: Aggarwal et al. 2023, "Let's Sample Step by Step: Adaptive-Consistency" (arXiv 2305.11860).

    Raises:
        ValueError: unless ``first >= second >= 0``.
    """
    if not first >= second >= 0:
        raise ValueError(f"counts must be ordered, got {first} and {second}")
    n = first + second + 1
    return sum(comb(n, k) for k in range(first + 1)) / (1 << n)


def beta_agrees(groups: Sequence[int], threshold: float) -> bool:
    """Whether the samples so far agree well enough to stop.

    ``groups`` holds one answer group per sample, by index; -1 (no readable answer) does not count, so that unreadable
    replies never bring agreement closer. Before the first readable answer there is nothing to agree on.
    """
    votes = sorted((count for group, count in _counts(groups).items() if group >= 0), reverse=True)
    if not votes:
        return False
    return beta_confidence(votes[0], votes[1] if len(votes) > 1 else 0) >= threshold


def _counts(groups: Sequence[int]) -> dict[int, int]:
    counts: dict[int, int] = {}
    for group in groups:
        counts[group] = counts.get(group, 0) + 1
    return counts
