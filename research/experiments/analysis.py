"""What an experiment says about each arm by itself: accuracy, what it cost, and how far both can be trusted.

Every figure is over the trials that are evidence; what was left out is counted beside it. Shares are from 0 to 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from ...core.calls import FinishReason
from ..statistics.calibration import Calibration, calibration
from ..statistics.intervals import Interval, accuracy
from .records import JUDGING, Arm, Evidence, Sample, Trial
from .scores import ArmRows, Pair


class Measured(NamedTuple):
    """A mean credit, and on how many problems it was measured."""

    accuracy: Interval
    n_problems: int


class PerSolved(NamedTuple):
    """What it took to solve one problem: all trials' cost by the sum of their credits. None where nothing was solved, and
    for dollars where any price is unknown.
    """

    tokens: float | None
    dollars: float | None
    seconds: float | None
    """Of runs, which may have shared a server with others at the same time."""


@dataclass(frozen=True)
class ArmSummary:
    """One arm by itself."""

    arm: Arm
    n_problems: int
    n_seeds: int
    n_trials: int
    """Trials that are evidence."""
    n_failed: int
    """Trials left out: they failed or were stopped."""
    n_missing: int
    """Trials that were planned and never run."""
    accuracy: Interval | None
    """None without a trial."""
    cost_tokens: float | None
    """Mean of a trial."""
    per_solved: PerSolved
    n_samples: int
    n_truncated: int
    """Samples cut at ``max_tokens``."""
    n_unparsed: int
    """Samples without a readable answer; none of solutions that were given."""
    n_failed_calls: int
    """Calls that failed for good in trials that are evidence."""
    rules: dict[str, int]
    """Samples by where in the text their answer was found, most first."""
    calibration: Calibration | None
    """Of the deciding selector's confidence; None where the arm gives none."""
    selectors: dict[str, Measured]
    """Every selector's pick on the same candidates. One that had nothing to choose by is wrong there."""
    oracle: Measured | None
    """Best credit of any sample: what a perfect selector would reach; None where trials have one sample at most, or were to
    judge them."""
    breakdown: dict[str, dict[str, Measured]]
    """Accuracy by group (level, language) and its value."""


def summarise(rows: ArmRows, evidence: Evidence) -> ArmSummary:
    """Everything about one arm that needs no other arm."""
    trials = list(rows.trials.values())
    samples = [sample for each in rows.samples.values() for sample in each]
    seeds = {trial.seed for trial in evidence.trials} | set(evidence.plan.get("seeds", ()))
    measured = _measured([trial.credit for trial in trials], list(rows.trials))
    return ArmSummary(
        arm=rows.arm,
        n_problems=measured.n_problems if measured else 0,
        n_seeds=len({trial.seed for trial in trials}),
        n_trials=len(trials),
        n_failed=len(rows.left_out),
        n_missing=len(evidence.problems) * len(seeds) - len(trials) - len(rows.left_out),
        accuracy=measured.accuracy if measured else None,
        cost_tokens=sum(trial.cost_tokens for trial in trials) / len(trials) if trials else None,
        per_solved=_per_solved(trials),
        n_samples=len(samples),
        n_truncated=sum(sample.finish == FinishReason.LENGTH for sample in samples),
        n_unparsed=0 if rows.arm.strategy == JUDGING else sum(sample.group < 0 for sample in samples),
        n_failed_calls=sum(sum(trial.failures.values()) for trial in trials),
        rules=dict(Counter(sample.rule for sample in samples if sample.rule is not None).most_common()),
        calibration=_calibration(trials),
        selectors=_selectors(rows),
        oracle=_oracle(rows),
        breakdown=_breakdown(rows, evidence),
    )


def best_credit(samples: Sequence[Sample]) -> float:
    """What a perfect selector would reach on these samples; 0 without any."""
    return max((sample.credit for sample in samples), default=0.0)


def _measured(credits_T: Sequence[float], pairs_T: Sequence[Pair]) -> Measured | None:  # noqa: N803 - one per trial
    if not credits_T:
        return None
    problems = [pair.problem for pair in pairs_T]
    return Measured(accuracy(credits_T, problems), len(set(problems)))


def _per_solved(trials: Sequence[Trial]) -> PerSolved:
    solved = sum(trial.credit for trial in trials)
    if not solved:
        return PerSolved(None, None, None)
    dollars = [trial.dollars for trial in trials if trial.dollars is not None]
    return PerSolved(
        tokens=sum(trial.cost_tokens for trial in trials) / solved,
        dollars=sum(dollars) / solved if len(dollars) == len(trials) else None,
        seconds=sum(trial.seconds for trial in trials) / solved,
    )


def _calibration(trials: Sequence[Trial]) -> Calibration | None:
    if all(trial.confidence is None for trial in trials):
        return None
    return calibration([trial.confidence for trial in trials], [trial.credit for trial in trials])


def _selectors(rows: ArmRows) -> dict[str, Measured]:
    names = dict.fromkeys(name for trial in rows.trials.values() for name in trial.credits)
    pairs = list(rows.trials)
    picked = {name: [trial.credits.get(name, 0.0) for trial in rows.trials.values()] for name in names}
    return {name: found for name, credit in picked.items() if (found := _measured(credit, pairs))}


def _oracle(rows: ArmRows) -> Measured | None:
    if rows.arm.strategy == JUDGING or all(len(samples) < 2 for samples in rows.samples.values()):
        return None
    pairs = list(rows.trials)
    return _measured([best_credit(rows.samples.get(pair, ())) for pair in pairs], pairs)


def _breakdown(rows: ArmRows, evidence: Evidence) -> dict[str, dict[str, Measured]]:
    names = sorted({name for problem in evidence.problems for name in problem.groups})
    return {name: _by_value(rows, {each.id: each.groups.get(name) for each in evidence.problems}) for name in names}


def _by_value(rows: ArmRows, value_of: dict[str, str | None]) -> dict[str, Measured]:
    pairs: dict[str, list[Pair]] = {}
    for pair in rows.trials:
        value = value_of[pair.problem]
        if value is not None:
            pairs.setdefault(value, []).append(pair)
    found = {value: _measured([rows.trials[pair].credit for pair in mine], mine) for value, mine in sorted(pairs.items())}
    return {value: measured for value, measured in found.items() if measured}
