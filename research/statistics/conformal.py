"""Thresholds with a promise: from which confidence on answers may be taken, so that wrong ones are rarely among them.

What is bounded is the risk of a wrong acceptance, P(the answer is taken and wrong), over the draw of the calibration problems
*and* of the next one. It is not the share of wrong answers among those that are taken, which few problems can bound.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

_MOST_DIGITS = 12


class Cut(NamedTuple):
    """What :func:`cut` found."""

    above: float | None
    """Take what is surer than this; minus infinity for everything, None for nothing."""
    least: float | None
    """The smallest risk that leaves something to take; None where nothing has a confidence."""


def cut(wrong: Sequence[float | None], top: float | None, risk: float) -> Cut:
    """Above which confidence an answer may be taken, at a risk of at most ``risk`` of taking a wrong one.

    With n calibration problems, k = floor(risk (n + 1)) - 1 wrong answers may lie above the cut: it is the (k + 1)-th largest
    confidence of a wrong answer, minus infinity where fewer are wrong. Nothing is assumed but that the n problems and the next
    one are exchangeable.

    Proof. Call problem i of all n + 1 *bad* where its answer is wrong and at most k of the other n are wrong with a confidence
    at least as high. Let m be the bad problem of the lowest confidence: all other bad ones are wrong with a confidence at least
    as high as its, so there are at most k of them. Hence at most k + 1 of the n + 1 problems are bad, and as they are
    exchangeable the next one is bad with probability at most (k + 1) / (n + 1) <= ``risk``. And if the next one is wrong and
    surer than the (k + 1)-th largest of the n, it is bad. Ties need no care: they only make fewer bad.

    It is conformal risk control (Angelopoulos et al. 2022, arXiv 2208.02814) for the loss "taken and wrong", which falls as the
    threshold rises: n/(n + 1) times the seen risk plus 1/(n + 1) is to be at most ``risk``.

    Args:
        wrong: For each calibration problem, one a problem: the confidence of its wrong answer; None where the answer is right
            or would never be taken.
        top: The highest confidence of any answer, right or wrong: above it nothing was seen that could be taken. None where
            nothing has a confidence.
        risk: Between 0 and 1.

    Raises:
        ValueError: no problems, or a risk outside (0, 1).
    """
    if not wrong or not 0 < risk < 1:
        raise ValueError(f"a threshold needs problems and a risk between 0 and 1, got {len(wrong)} and {risk}")
    if top is None:
        return Cut(None, None)
    sure = sorted((each for each in wrong if each is not None), reverse=True)
    room = len(wrong) + 1
    least = (sum(each >= top for each in sure) + 1) / room
    allowed = math.floor(risk * room + 1e-9) - 1  # 0.05 * 20 is 1.0000000000000002 or 0.99…: what was meant is 1
    if allowed < 0 or (allowed < len(sure) and sure[allowed] >= top):
        return Cut(None, least)
    return Cut(sure[allowed] if allowed < len(sure) else -math.inf, least)


def threshold_above(low: float, high: float) -> float:
    """The shortest decimal number above ``low``, at most ``high`` and below 1, from two digits on; else ``high``.

    A number that people can type, and at which the same is taken as just above ``low``.
    """
    for digits in range(2, _MOST_DIGITS):
        scale = 10**digits
        found: float = (math.floor(low * scale) + 1) / scale
        if low < found <= high and found < 1:
            return found
    return high


class Stop(NamedTuple):
    """Where stopping by share ends, on the samples of one problem."""

    taken: int
    """Samples used."""
    share: float
    """Of the leader then."""
    right: bool
    """Whether the answer would be right. Of leaders that tie, all must be."""


def stops(groups_N: Sequence[int], right_N: Sequence[bool]) -> list[Stop]:  # noqa: N803
    """Where "stop once the leader has a share of t, from the second readable answer on" ends, for each t: by rising t.

    It ends where the share is higher than ever before, so these are all the places, and the one for t is the first whose share
    is at least t.

    Args:
        groups_N: Answer group of each sample by index; negative where none could be read.
        right_N: Whether each sample's answer is right.
    """
    votes: Counter[int] = Counter()
    right: dict[int, bool] = {}
    found: list[Stop] = []
    for taken, (group, hit) in enumerate(zip(groups_N, right_N, strict=True), 1):
        if group < 0:
            continue
        votes[group] += 1
        right[group] = hit
        total, lead = votes.total(), max(votes.values())
        if total >= 2 and (not found or lead / total > found[-1].share):
            found.append(Stop(taken, lead / total, all(right[each] for each, count in votes.items() if count == lead)))
    return found
