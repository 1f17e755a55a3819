"""From scores of steps to one score, and to the first step that is wrong. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from types import MappingProxyType
from typing import Literal

Aggregate = Literal["last", "min", "mean", "product"]

AGGREGATES: Mapping[str, Callable[[Sequence[float]], float]] = MappingProxyType(
    {"last": lambda steps: steps[-1], "min": min, "mean": fmean, "product": math.prod}
)
"""How step scores become one number. Never the sum: repeating fine steps must not raise a score."""

StepScores = Sequence[float | None]


def aggregate(steps: StepScores, how: str) -> float | None:
    """One number from step scores, by the name in :data:`AGGREGATES`; None where a step has none, or there is no step.

    A step whose verdict cannot be read is no fine step, and no wrong one either.
    """
    known = [step for step in steps if step is not None]
    return AGGREGATES[how](known) if known and len(known) == len(steps) else None


def first_error(steps: StepScores, threshold: float = 0.5) -> int | None:
    """Index of the first step that scores below ``threshold``, counted from 0; -1 where none does.

    None where that cannot be said: a step before it has no score, or there is no step.
    """
    for index, step in enumerate(steps):
        if step is None:
            return None
        if step < threshold:
            return index
    return -1 if steps else None
