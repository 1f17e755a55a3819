"""Which two candidates are set against each other: the best one, and the mistake that was made most often. Pure.

The order of the candidates and the names of their answers do not matter, ties left aside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Contrast(NamedTuple):
    """Places of two candidates with different answers."""

    good: int
    bad: int


class _Rated(NamedTuple):
    place: int
    answer: int
    value: float


def contrast(groups: Sequence[int], values: Sequence[float | None], threshold: float) -> Contrast | None:
    """The best candidate, and the worst of those who gave the commonest bad answer; None where either is missing.

    ``groups`` and ``values`` are the answers and scores of the candidates; -1 is no answer, and None no score: neither is looked
    at. Good is at least ``threshold``, bad below it and another answer than the best one's. An answer is as common as it has bad
    candidates; ties go to the answer with the worst of them, then to the earliest.
    """
    pairs = enumerate(zip(groups, values, strict=True))
    rated = [_Rated(place, answer, value) for place, (answer, value) in pairs if answer >= 0 and value is not None]
    good = max(rated, key=lambda each: each.value, default=None)  # the first of equals, as with min
    if good is None or good.value < threshold:
        return None
    bad: dict[int, list[_Rated]] = {}
    for each in rated:
        if each.value < threshold and each.answer != good.answer:
            bad.setdefault(each.answer, []).append(each)
    worst = [min(members, key=lambda each: each.value) for members in bad.values()]
    chosen = min(worst, key=lambda each: (-len(bad[each.answer]), each.value, bad[each.answer][0].place), default=None)
    return None if chosen is None else Contrast(good.place, chosen.place)
