"""Stopping rules: pure functions of the first k samples by index, never of the order in which they arrived.

``groups`` holds one answer group per sample, by index; -1 for a sample without a readable answer, be it that its call failed.
Such a sample never brings agreement closer, and where there is no readable answer nothing is agreed on. All rules but
:func:`window_agrees` and :func:`last_agree` depend on the vote counts alone: neither the order of the samples nor the names of
the groups matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from itertools import zip_longest
from math import comb, log

TOP = 5
"""Answers that :func:`dirichlet_agrees` looks at, as in the paper."""


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
    """Whether the leading answer is as sure as ``threshold`` to stay ahead of the second."""
    votes = _votes(groups)
    return bool(votes) and beta_confidence(votes[0], votes[1] if len(votes) > 1 else 0) >= threshold


def dirichlet_confidence(counts: Sequence[int]) -> float:
    """Probability that the answer with ``counts[0]`` votes has the largest true share of all, under a uniform prior.

    The integral of the Dirichlet density with parameters ``counts + 1`` over the part of the simplex where the first share is
    the largest. The paper estimates it by Monte Carlo; this is the exact value, from whole numbers, the same everywhere.

    Shares are gamma variables over their sum, and the gamma variable with parameter v + 1 is the time of event v + 1 of a
    Poisson process. So the leader wins where every rival i has had more than ``counts[i]`` events by the leader's event
    ``counts[0] + 1``. Inclusion and exclusion over the sets of s rivals that have not: with d events of theirs before it,
    ``C(counts[0] + d, d)`` orders of them and the leader's, each of probability ``(s + 1)^-(counts[0] + d + 1)``, times the
    ways to give d events to the set with no more than ``counts[i]`` for any of it. With one rival it is :func:`beta_confidence`.

    Raises:
        ValueError: unless ``counts[0]`` is the largest and none is negative.
    """
    lead, *rivals = counts
    if min(counts) < 0 or lead < max(counts):
        raise ValueError(f"the first count must be the largest, got {', '.join(map(str, counts))}")
    ways = [[1]]  # by the size of the set, then by the number of its events
    for count in rivals:
        with_this = [[0], *(_interleaved(each, count) for each in ways)]
        ways = [_sum(*pair) for pair in zip_longest(ways, with_this, fillvalue=[0])]
    return float(sum(((-1) ** size * _all_before(lead, each, size) for size, each in enumerate(ways)), Fraction(0)))


def dirichlet_agrees(groups: Sequence[int], threshold: float) -> bool:
    """Whether the leading answer is as sure as ``threshold`` to stay ahead of the next four.

    Where fewer than three answers were given it is the Beta rule, as in the authors' code.
    """
    votes = _votes(groups)[:TOP]
    # One rival is no more likely to be ahead than several: the cheaper bound settles most cases.
    return beta_agrees(groups, threshold) and (len(votes) < 3 or dirichlet_confidence(votes) >= threshold)


def entropy_agrees(groups: Sequence[int], threshold: float) -> bool:
    """Whether the entropy of the votes, divided by that of equally many votes for each answer, is at most ``threshold``.

    From the second readable answer on. Where all agree, one vote for an answer that nobody gave is added, as in the authors'
    code: at 0.75 four equal answers are enough. Source: Aggarwal et al. 2023 (arXiv 2305.11860), its other criteria.
    """
    votes = _votes(groups)
    if sum(votes) < 2:
        return False
    votes = votes if len(votes) > 1 else [*votes, 1]
    total = sum(votes)
    return -sum(vote / total * log(vote / total) for vote in votes) / log(len(votes)) <= threshold


def majority_agrees(groups: Sequence[int], threshold: float) -> bool:
    """Whether the leading answer has at least ``threshold`` of the votes, from the second readable answer on.

    Source: Aggarwal et al. 2023 (arXiv 2305.11860), its other criteria.
    """
    votes = _votes(groups)
    return sum(votes) >= 2 and votes[0] / sum(votes) >= threshold


def window_agrees(groups: Sequence[int], size: int) -> bool:
    """Whether the samples end with a whole window of ``size`` equal answers; windows follow one another from the first sample.

    Unlike the other rules it depends on the order of the samples: the same votes, cut otherwise, may hold no such window.
    Source: Li et al. 2024, "Escape Sky-high Cost: Early-stopping Self-Consistency" (arXiv 2401.10480).
    """
    return len(groups) > 0 and len(groups) % size == 0 and groups[-1] >= 0 and len(set(groups[-size:])) == 1


def last_agree(groups: Sequence[int], size: int) -> bool:
    """Whether the last ``size`` answers are readable and equal, wherever they begin. It depends on their order too."""
    return len(groups) >= size and groups[-1] >= 0 and len(set(groups[-size:])) == 1


def _votes(groups: Sequence[int]) -> list[int]:
    """Vote counts of the readable answers, most first."""
    return sorted(Counter(group for group in groups if group >= 0).values(), reverse=True)


def _interleaved(ways: Sequence[int], most: int) -> list[int]:
    """Ways to put at most ``most`` events of one more rival among the others', by the number of all events."""
    return [
        sum(comb(d, own) * ways[d - own] for own in range(max(0, d - len(ways) + 1), min(most, d) + 1))
        for d in range(len(ways) + most)
    ]


def _all_before(lead: int, ways: Sequence[int], size: int) -> Fraction:
    """Probability that ``size`` rivals have their events, in one of the ``ways``, before the leader's event ``lead + 1``."""
    last = lead + len(ways)
    return Fraction(
        sum(each * comb(lead + d, d) * (size + 1) ** (last - lead - d - 1) for d, each in enumerate(ways)), (size + 1) ** last
    )


def _sum(a: Sequence[int], b: Sequence[int]) -> list[int]:
    return [x + y for x, y in zip_longest(a, b, fillvalue=0)]
