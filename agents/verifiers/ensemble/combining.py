"""From the scores of several verifiers to one. Pure functions.

A value is made of all members' values, or of at least ``quorum`` of them: means of different members are not comparable, and the
least of some is no bound for the rest. Steps are combined one by one in the same way, where all members cut the solution alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from statistics import fmean, stdev
from typing import Literal, NamedTuple

from ....core.candidate import Score
from ..process_labels import agreed_error
from ..step_scores import first_error

Combine = Literal["mean", "min", "lower-bound", "consensus"]


class Rule(NamedTuple):
    """How members' scores become one."""

    combine: Combine
    z: float
    """Standard errors that ``lower-bound`` takes off the mean."""
    quorum: int
    """Members that must have a value."""


class Combined(NamedTuple):
    """The values of a score that was made of others."""

    raw: float | None
    steps: tuple[float | None, ...] = ()
    ends: tuple[int, ...] = ()
    because: str = ""
    """Why there is no value."""

    @property
    def value(self) -> float | None:
        """``raw`` in [0, 1]: only a lower bound can lie outside."""
        return _bounded(self.raw)


def lower_bound(values: Sequence[float], z: float) -> float | None:
    """The mean less z · sd / sqrt(n), sd being that of a sample; None for one value alone, whose spread nobody knows."""
    return fmean(values) - z * stdev(values) / len(values) ** 0.5 if len(values) > 1 else None


def combine(scores: Sequence[Score], rule: Rule) -> Combined:
    """One score from those of all members, at least one."""
    steps, ends = _steps(scores, rule), scores[0].ends
    if rule.combine == "consensus":
        return _consensus(scores, steps, ends)
    raw = _raw(_known(score.value for score in scores), rule)
    return Combined(raw, steps, ends if steps else (), "" if raw is not None else _too_few(scores))


def _consensus(scores: Sequence[Score], steps: tuple[float | None, ...], ends: tuple[int, ...]) -> Combined:
    if not steps:
        return Combined(None, because="the members did not score the same steps")
    errors = [first_error(score.steps) for score in scores]
    agreed = reduce(agreed_error, errors)
    if agreed is None:
        return Combined(None, because="the members do not agree on the first wrong step")
    values = _known(score.value for score in scores)
    if len(values) < len(scores):
        return Combined(None, because=_too_few(scores))
    # What follows the first wrong step is neither right nor wrong: it is not labelled.
    labelled = len(steps) if agreed < 0 else agreed + 1
    return Combined(fmean(values), (*steps[:labelled], *(None,) * (len(steps) - labelled)), ends)


def _steps(scores: Sequence[Score], rule: Rule) -> tuple[float | None, ...]:
    """Step by step; empty where the members judged different steps, or some none."""
    cuts = {(score.ends, len(score.steps)) for score in scores}
    columns = zip(*(score.steps for score in scores), strict=True) if len(cuts) == 1 else ()
    return tuple(_bounded(_raw(_known(column), rule)) for column in columns)


def _raw(values: Sequence[float], rule: Rule) -> float | None:
    if len(values) < rule.quorum:
        return None
    match rule.combine:
        case "min":
            return min(values)
        case "lower-bound":
            return lower_bound(values, rule.z)
        case _:
            return fmean(values)


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def _bounded(value: float | None) -> float | None:
    return None if value is None else max(0.0, min(1.0, value))


def _too_few(scores: Sequence[Score]) -> str:
    return f"{len(_known(score.value for score in scores))} of {len(scores)} members gave a value"
