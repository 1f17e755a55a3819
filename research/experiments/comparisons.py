"""Two arms on the same problems, and what may be said about them: a sentence made by rule, never by a person.

An arm is called better only where the corrected p-value is below 0.05, the 95 % interval of the difference leaves out zero, and
100 problems or more were compared. Smaller runs are demonstrations, and the sentence says so. Where no difference was seen it
says how large one would have had to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..statistics.intervals import Interval
from ..statistics.multiplicity import holm
from ..statistics.paired import mcnemar, paired_difference, paired_p
from ..statistics.power import minimum_detectable_effect
from .scores import Pair, Scores

ENOUGH = 100
"""Problems below which nothing is called better."""
ALPHA = 0.05
_PLANNED_SD = 0.5
"""Of the problems' differences, when every fourth problem is solved by one of the two arms only."""


class Verdict(StrEnum):
    """What a comparison showed."""

    BETTER = "better"
    WORSE = "worse"
    HIGHER = "higher"
    """Scored higher, on too few problems to call it better."""
    LOWER = "lower"
    NONE = "no difference"


class Common(NamedTuple):
    """What two arms have in common."""

    pairs: tuple[Pair, ...]
    left_out: int
    """Pairs of a problem and a seed that only one of them has."""


@dataclass(frozen=True)
class Comparison:
    """``a`` against ``b``, paired by problem and seed."""

    a: str
    b: str
    n_problems: int
    n_pairs: int
    left_out: int
    """Pairs that only one of them has."""
    difference: Interval
    """Mean credit of a minus that of b, -1 to 1."""
    cost_a: float
    """Mean cost tokens on the pairs compared."""
    cost_b: float
    p: float
    """Two-sided: exact McNemar where credits are 0 or 1 under one seed, else a permutation of signs by problem."""
    p_adjusted: float
    """By Holm over ``family`` comparisons."""
    detectable: float
    """The smallest true difference that so many problems find in four of five experiments."""
    family: int = 1
    note: str = ""
    """What has to be known to read it, as a sentence."""

    @property
    def verdict(self) -> Verdict:
        """What may be said."""
        if self.p_adjusted >= ALPHA or self.difference.low <= 0 <= self.difference.high:
            return Verdict.NONE
        if self.n_problems < ENOUGH:
            return Verdict.HIGHER if self.difference.estimate > 0 else Verdict.LOWER
        return Verdict.BETTER if self.difference.estimate > 0 else Verdict.WORSE

    @property
    def sentence(self) -> str:
        """The verdict in one sentence, with all that it rests on."""
        points = 100 * abs(self.difference.estimate)
        ends = f"{100 * self.difference.low:.1f} to {100 * self.difference.high:.1f}"
        evidence = f"{100 * self.difference.level:.0f} % {ends}; n = {self.n_problems}; {_p(self.p_adjusted)}"
        evidence += f" after Holm over {self.family} comparisons" if self.family > 1 else ""
        match self.verdict:
            case Verdict.BETTER | Verdict.WORSE as verdict:
                return f"{self.a} is {verdict} than {self.b} by {points:.1f} points ({evidence})."
            case Verdict.HIGHER | Verdict.LOWER as verdict:
                said = f"{self.a} scored {points:.1f} points {verdict} than {self.b} ({evidence})"
                return f"{said}: a demonstration, for with fewer than {ENOUGH} problems nothing is called better."
        seen = f"{100 * self.difference.estimate:+.1f} points; {evidence}"
        return (
            f"Between {self.a} and {self.b} no difference was shown ({seen}): with n = {self.n_problems} only differences of "
            f"about {100 * self.detectable:.0f} points or more would be found reliably."
        )


def common(a: Scores, b: Scores) -> Common:
    """The pairs that both have, in the order of the first."""
    both = tuple(pair for pair in a.credit if pair in b.credit)
    return Common(both, len(a.credit) + len(b.credit) - 2 * len(both))


def compare(a: Scores, b: Scores, *, note: str = "") -> Comparison | None:
    """Compares two arms on the pairs that both have; None where there is none."""
    pairs, left_out = common(a, b)
    if not pairs:
        return None
    first, second = (np.array([side.credit[pair] for pair in pairs]) for side in (a, b))
    problems = [pair.problem for pair in pairs]
    n_problems = len(set(problems))
    p = _p_value(first, second, problems)
    return Comparison(
        a=a.label,
        b=b.label,
        n_problems=n_problems,
        n_pairs=len(pairs),
        left_out=left_out,
        difference=paired_difference(first, second, problems),
        cost_a=float(np.mean([a.cost[pair] for pair in pairs])),
        cost_b=float(np.mean([b.cost[pair] for pair in pairs])),
        p=p,
        p_adjusted=p,
        detectable=_detectable(first - second, problems),
        note=note,
    )


def adjusted(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The same comparisons, their p-values corrected for being shown together."""
    if not comparisons:
        return ()
    corrected = holm([each.p for each in comparisons])
    return tuple(
        replace(each, p_adjusted=float(p), family=len(comparisons)) for each, p in zip(comparisons, corrected, strict=True)
    )


def _p_value(a: NDArray[np.float64], b: NDArray[np.float64], problems: Sequence[str]) -> float:
    binary = bool(np.isin(a, (0.0, 1.0)).all() and np.isin(b, (0.0, 1.0)).all())
    if binary and len(set(problems)) == len(problems):
        return mcnemar(a, b).p
    return paired_p(a, b, problems)


def _detectable(differences: NDArray[np.float64], problems: Sequence[str]) -> float:
    """By the spread that is planned with, or the one seen where it is larger: arms that hardly differed by chance cannot make a
    comparison look sharper. Means over seeds or subsets spread less than single runs, so there the one seen decides, though no
    comparison is sharper than if one problem in all had differed.
    """
    by_problem: dict[str, list[float]] = {}
    for problem, difference in zip(problems, differences.tolist(), strict=True):
        by_problem.setdefault(problem, []).append(difference)
    means = np.array([np.mean(each) for each in by_problem.values()])
    seen = float(means.std(ddof=1)) if len(means) > 1 else 0.0
    single = bool(np.isin(means, (-1.0, 0.0, 1.0)).all())
    return minimum_detectable_effect(len(means), sd=max(_PLANNED_SD if single else 1 / np.sqrt(len(means)), seen))


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}"
