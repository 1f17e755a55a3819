"""What an experiment says about verifiers: first errors found, pairs told apart, calibration, and what a verdict takes.

Over pairs of solutions: the share in which the better one scores higher, ties one half (:func:`~.verdicts.pair_credit`). Scores
are compared with what solutions are worth, one by one. First errors are in :mod:`.first_errors`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import NamedTuple

from ..statistics.calibration import Calibration, calibration
from ..statistics.intervals import Interval, accuracy
from .comparisons import Comparison, compare
from .first_errors import (
    Difference,
    FirstErrors,
    Part,
    f1,
    f1_difference,
    first_errors,
    names_steps,
    parts_of,
    single_solutions,
)
from .records import JUDGING, Evidence, Sample, Trial
from .scores import ArmRows, Scores, scores_of
from .verdicts import THRESHOLD, pair_credit


class Pairs(NamedTuple):
    """Of the pairs of solutions of one tool."""

    tool: str
    n: int
    accuracy: Interval
    """Ties count one half, missing scores as wrong."""
    n_ties: int
    n_unscored: int
    """Pairs in which a score is missing."""


class Taken(NamedTuple):
    """What a verdict on one solution took, in the mean, all roles together."""

    calls: float
    cost_tokens: float
    dollars: float | None
    """None where a price is not known."""
    seconds: float
    """Of runs, which may have shared a server with others at the same time."""


@dataclass(frozen=True)
class VerifierSummary:
    """One verifier: an arm of the strategy ``verify``."""

    arm: str
    n_solutions: int
    n_unscored: int
    """Solutions whose score is missing."""
    by_steps: bool
    """Whether it judged any steps."""
    right_side: Interval | None
    """Solutions that score on the right side of one half; missing scores are on the wrong one."""
    first_errors: tuple[FirstErrors, ...]
    f1: Interval | None
    """Mean over subsets, of at least one; None where a subset has none."""
    f1_difference: Difference | None
    pairs: tuple[Pairs, ...]
    calibration: Calibration
    """Of all scores."""
    n_checks: int
    """Programs that were run and tools that were called."""
    n_failed_checks: int
    a_verdict: Taken | None
    """None without any."""


def summarise_verifiers(
    rows: Mapping[str, ArmRows], evidence: Evidence, baseline: str | None = None
) -> tuple[VerifierSummary, ...]:
    """Every arm that judges. F1 is set against that of ``baseline``, or else of the first of them."""
    judging = [each for each in rows.values() if each.arm.strategy == JUDGING]
    first = rows[baseline] if baseline is not None else judging[0] if judging else None
    parts = parts_of(evidence)
    return tuple(_summary(each, first, parts) for each in judging)


def _summary(rows: ArmRows, first: ArmRows | None, parts: Mapping[str, Part]) -> VerifierSummary:
    samples = [sample for mine in rows.samples.values() for sample in mine]
    single, trials = single_solutions(rows), list(rows.trials.values())
    by_steps = names_steps(rows)
    return VerifierSummary(
        arm=rows.arm.label,
        n_solutions=len(samples),
        n_unscored=sum(sample.score is None for sample in samples),
        by_steps=by_steps,
        right_side=accuracy([_on_right_side(each) for each in samples], [each.problem for each in samples]) if samples else None,
        first_errors=first_errors(single, parts, by_steps=by_steps),
        f1=f1(single, parts) if by_steps else None,
        f1_difference=f1_difference(rows, first, parts) if first is not None and first is not rows else None,
        pairs=_pairs(rows, parts),
        calibration=calibration([sample.score for sample in samples], [sample.credit for sample in samples]),
        n_checks=sum(trial.tools.get("checks", 0) for trial in trials),
        n_failed_checks=sum(trial.tools.get("failed_checks", 0) for trial in trials),
        a_verdict=_mean(trials, len(samples)),
    )


def compare_verifiers(mine: ArmRows, its: ArmRows) -> Comparison | None:
    """Two arms by their verdicts, right or wrong; None without common problems.

    Where one of them judges no steps, and first errors are sought, by the sides of one half on which they score: to name the step
    is not what both were asked for.
    """
    if all(names_steps(rows) or not single_solutions(rows) for rows in (mine, its)):
        return compare(scores_of(mine), scores_of(its))
    note = "They are compared by whether they call solutions right or wrong, for one of them names no steps."
    return compare(_by_sides(mine), _by_sides(its), note=note)


def _by_sides(rows: ArmRows) -> Scores:
    right = {pair: [_on_right_side(sample) for sample in mine] for pair, mine in rows.samples.items()}
    return scores_of(rows)._replace(credit={pair: sum(each) / len(each) for pair, each in right.items()})


def _on_right_side(sample: Sample) -> float:
    return float(sample.score is not None and (sample.score >= THRESHOLD) == (sample.credit >= THRESHOLD))


def _mean(trials: Sequence[Trial], solutions: int) -> Taken | None:
    if not solutions:
        return None
    dollars = [trial.dollars for trial in trials if trial.dollars is not None]
    return Taken(
        calls=sum(trial.calls for trial in trials) / solutions,
        cost_tokens=sum(trial.cost_tokens for trial in trials) / solutions,
        dollars=sum(dollars) / solutions if len(dollars) == len(trials) else None,
        seconds=sum(trial.seconds for trial in trials) / solutions,
    )


def _pairs(rows: ArmRows, parts: Mapping[str, Part]) -> tuple[Pairs, ...]:
    """By tool; every two solutions of a problem of which one is better."""
    scores: dict[str, list[tuple[str, float | None, float | None]]] = {}
    for pair, mine in rows.samples.items():
        for one, other in combinations(sorted(mine, key=lambda sample: -sample.credit), 2):
            if one.credit > other.credit:
                scores.setdefault(parts[pair.problem].name, []).append((pair.problem, one.score, other.score))
    return tuple(
        Pairs(
            tool=name,
            n=len(mine),
            accuracy=accuracy([pair_credit(better, worse) for _, better, worse in mine], [problem for problem, _, _ in mine]),
            n_ties=sum(better is not None and better == worse for _, better, worse in mine),
            n_unscored=sum(better is None or worse is None for _, better, worse in mine),
        )
        for name, mine in sorted(scores.items())
    )
