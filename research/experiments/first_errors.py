"""First wrong steps that a verifier found: ProcessBench's figures (Zheng et al. 2024, arXiv 2412.06559).

For each subset: the share of erroneous solutions whose first wrong step is named exactly, the share of correct ones in which none
is, and F1 = 2ab / (a + b), 0 where both are 0; over subsets, the mean. Who never finds an error, or always does, has an F1 of 0.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..statistics.intervals import Interval, accuracy, bootstrap_figure
from .records import Evidence, Sample
from .scores import ArmRows, Pair
from .verdicts import NO_ERROR, Judged, wrong_step

_PARTS = ("subset", "tool")
"""Groups of problems by which verdicts are broken down."""


class Part(NamedTuple):
    """What is known of a problem."""

    gold: str
    name: str
    """Of its subset or tool; empty where there are none."""


class FirstErrors(NamedTuple):
    """Of the solutions of one subset."""

    subset: str
    n_erroneous: int
    n_correct: int
    found: Interval | None
    """Erroneous ones whose first wrong step was named exactly. None without any, and for who judges no steps."""
    cleared: Interval | None
    """Correct ones in which no step was called wrong."""
    f1: Interval | None
    """Of both; None where one of them is. Its interval resamples problems, correct and erroneous ones together."""


class Difference(NamedTuple):
    """Of F1, mean over subsets, on the problems that both arms have."""

    against: str
    f1: Interval
    n_problems: int


def parts_of(evidence: Evidence) -> dict[str, Part]:
    """By problem."""
    return {
        row.id: Part(row.gold, next((row.groups[name] for name in _PARTS if name in row.groups), "")) for row in evidence.problems
    }


def names_steps(rows: ArmRows) -> bool:
    """Whether an arm judged any steps."""
    return any(sample.steps for mine in rows.samples.values() for sample in mine)


def single_solutions(rows: ArmRows) -> dict[Pair, Sample]:
    """The solutions that are alone with their problem: in these the first error is sought."""
    return {pair: mine[0] for pair, mine in rows.samples.items() if len(mine) == 1}


def first_errors(single: Mapping[Pair, Sample], parts: Mapping[str, Part], *, by_steps: bool) -> tuple[FirstErrors, ...]:
    """By subset."""
    found = []
    for name in sorted({parts[pair.problem].name for pair in single}):
        mine = {pair: sample for pair, sample in single.items() if parts[pair.problem].name == name}
        wrong, fine = ([pair for pair in mine if _erroneous(pair, parts) is kind] for kind in (True, False))
        found.append(
            FirstErrors(
                subset=name,
                n_erroneous=len(wrong),
                n_correct=len(fine),
                found=_share(wrong, mine, parts) if by_steps else None,
                cleared=_share(fine, mine, parts),
                f1=f1(mine, parts) if by_steps else None,
            )
        )
    return tuple(found)


def _share(pairs: Sequence[Pair], samples: Mapping[Pair, Sample], parts: Mapping[str, Part]) -> Interval | None:
    if not pairs:
        return None
    return accuracy([_right(samples[pair], parts[pair.problem]) for pair in pairs], [pair.problem for pair in pairs])


def _erroneous(pair: Pair, parts: Mapping[str, Part]) -> bool:
    return int(parts[pair.problem].gold) != NO_ERROR


def _right(sample: Sample, part: Part) -> float:
    return float(wrong_step(Judged(sample.score, sample.steps)) == int(part.gold))


def f1(single: Mapping[Pair, Sample], parts: Mapping[str, Part]) -> Interval | None:
    """The mean over subsets; None without solutions, and where a subset has no correct or no erroneous one."""
    if not single:
        return None
    names = sorted({parts[pair.problem].name for pair in single})
    rows = _counts(single, single, parts, names)
    if np.isnan(mean_f1(rows.sum(axis=0))):
        return None
    return bootstrap_figure(rows, mean_f1, _made_up(len(names), ((1.0,), (0.0,))))


def f1_difference(rows: ArmRows, first: ArmRows, parts: Mapping[str, Part]) -> Difference | None:
    """Paired by problem and seed; None where either judges no steps, or a subset has no correct or no erroneous solution."""
    sides = [single_solutions(rows), single_solutions(first)]
    pairs = [pair for pair in sides[0] if pair in sides[1]]
    names = sorted({parts[pair.problem].name for pair in pairs})
    if not pairs or not (names_steps(rows) and names_steps(first)):
        return None
    both = np.hstack([_counts(pairs, side, parts, names) for side in sides])

    def difference(sums: NDArray[np.float64]) -> NDArray[np.float64]:
        mine, its = np.split(sums, 2, axis=-1)
        return np.asarray(mean_f1(mine) - mean_f1(its))

    if np.isnan(difference(both.sum(axis=0))):
        return None
    made_up = _made_up(len(names), ((1.0, 0.0), (0.0, 1.0)))
    return Difference(first.arm.label, bootstrap_figure(both, difference, made_up), len(both))


def mean_f1(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """F1, as a mean over subsets, of sums whose last dimension has four for each subset.

    These are: erroneous solutions whose error was found, erroneous ones, correct ones that were cleared, correct ones. nan where
    a subset has no erroneous or no correct one.
    """
    found, erroneous, cleared, correct = np.moveaxis(sums.reshape(*sums.shape[:-1], -1, 4), -1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        a, b = found / erroneous, cleared / correct
        by_subset = np.where(a + b == 0, 0.0, 2 * a * b / (a + b))
    return np.asarray(by_subset.mean(axis=-1))


def _counts(
    pairs: Iterable[Pair], samples: Mapping[Pair, Sample], parts: Mapping[str, Part], names: Sequence[str]
) -> NDArray[np.float64]:
    """What each problem adds to the sums of :func:`mean_f1`, the subsets in the order of ``names``."""
    rows: dict[str, NDArray[np.float64]] = {}
    for pair in pairs:
        part = parts[pair.problem]
        row = rows.setdefault(pair.problem, np.zeros(4 * len(names)))
        place = 4 * names.index(part.name) + (0 if _erroneous(pair, parts) else 2)
        row[place : place + 2] += (_right(samples[pair], part), 1.0)
    return np.array(list(rows.values()))


def _made_up(subsets: int, kinds: Sequence[Sequence[float]]) -> NDArray[np.float64]:
    """For each subset, half a problem of either kind, erroneous and correct, for each way in which the arms may judge it."""
    rows = []
    for rights in kinds:
        for place in range(0, 4 * subsets, 2):
            row = np.zeros((len(rights), 4 * subsets))
            row[:, place] = [right / 2 for right in rights]
            row[:, place + 1] = 0.5
            rows.append(row.ravel())
    return np.array(rows)
