"""Evidence sorted by arm, and what an arm scored and cost on each problem under each seed: what is averaged and paired.

A run that failed, or that a person stopped, says nothing about its arm: it is left out here, once for all, and counted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from ...core.result import Status
from .records import Arm, Evidence, Sample, Trial

_EVIDENCE = frozenset({Status.ANSWERED, Status.NO_ANSWER})


class Pair(NamedTuple):
    """What is compared between arms: a problem under a seed."""

    problem: str
    seed: int


@dataclass(frozen=True)
class ArmRows:
    """The rows of one arm, in the order of the evidence."""

    arm: Arm
    trials: dict[Pair, Trial] = field(default_factory=dict)
    """Those that are evidence."""
    left_out: list[Trial] = field(default_factory=list)
    """Those that failed or were stopped."""
    samples: dict[Pair, list[Sample]] = field(default_factory=dict)
    """Of the trials that are evidence, by index."""


class Scores(NamedTuple):
    """Credit and cost by problem and seed, of an arm or of a way to use a part of its samples."""

    label: str
    credit: dict[Pair, float]
    cost: dict[Pair, float]
    """Cost tokens."""


def rows_by_arm(evidence: Evidence) -> dict[str, ArmRows]:
    """The rows of every arm by its label, arms without any included."""
    rows = {arm.label: ArmRows(arm) for arm in evidence.arms}
    for trial in evidence.trials:
        mine = rows[trial.arm]
        if trial.status in _EVIDENCE:
            mine.trials[Pair(trial.problem, trial.seed)] = trial
        else:
            mine.left_out.append(trial)
    for sample in evidence.samples:
        mine, pair = rows[sample.arm], Pair(sample.problem, sample.seed)
        if pair in mine.trials:
            mine.samples.setdefault(pair, []).append(sample)
    for mine in rows.values():
        for samples in mine.samples.values():
            samples.sort(key=lambda sample: sample.index)
    return rows


def scores_of(rows: ArmRows) -> Scores:
    """What the arm itself scored and cost."""
    return Scores(
        label=rows.arm.label,
        credit={pair: trial.credit for pair, trial in rows.trials.items()},
        cost={pair: float(trial.cost_tokens) for pair, trial in rows.trials.items()},
    )
