"""The Pareto front: arms that no other arm beats on cost and accuracy at once."""

from __future__ import annotations

import math
from collections.abc import Sequence


def pareto_front(points: Sequence[tuple[float, float]]) -> list[int]:
    """Indices of the (cost, accuracy) points on the front, cheapest first.

    A point is off the front where another costs no more and is at least as accurate, and better in one of the two. So points
    that are alike in both stay together, in the order given.

    Raises:
        ValueError: a cost or an accuracy is not a number: leave out arms whose cost is not known.
    """
    if any(math.isnan(value) for point in points for value in point):
        raise ValueError("a point without cost or accuracy has no place on a front")
    front: list[int] = []
    for index in sorted(range(len(points)), key=lambda i: (points[i][0], -points[i][1], i)):
        if not front or points[index][1] > points[front[-1]][1] or points[index] == points[front[-1]]:
            front.append(index)
    return front
