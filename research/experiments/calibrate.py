"""From the development trials of one arm to a calibration: how likely its answers are right, and which may be taken.

An answer is right where it has full credit: one that is right in part is wrong here. All seeds of a problem go into the map, and
only its first one into a threshold, whose promise is over problems. A run that budget or deadline cut short is no sample of what
the strategy does when it may finish: the map does without it, and thresholds count it as never taken.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from ...core.calibration import Calibration, CalibrationData, Fit, Method, Threshold
from ...core.errors import EvidenceError, UnknownNameError
from ...core.result import StopReason
from ...graphs.registry import STRATEGIES
from ..statistics.calibration import calibration
from ..statistics.confidence_maps import Fitter, cross_validated, isotonic_map, platt_map
from ..statistics.conformal import Stop, cut, stops, threshold_above
from ..statistics.paired import paired_difference
from ..tasks.item import Split
from .plan import PlannedArm
from .pools import pool_of
from .records import Evidence, Trial
from .scores import ArmRows, Pair, rows_by_arm

FEWEST = 20
"""Problems with a confidence that a calibration needs: below, no risk of 5 % can be promised, and a map is guesswork."""
MAPS: dict[Method, Fitter] = {"isotonic": isotonic_map, "platt": platt_map}


class _Row(NamedTuple):
    problem: str
    seed: int
    confidence: float
    right: bool


def calibrate(evidence: Evidence, arm: str | None = None, *, risk: float = 0.05, method: Method = "isotonic") -> Calibration:
    """A calibration of one arm.

    Args:
        evidence: Of an experiment on a development split.
        arm: Its label; None for the only one that has confidences.
        risk: Of taking a wrong answer, that the thresholds are to keep.
        method: ``isotonic`` or ``platt``.

    Raises:
        EvidenceError: a test split, no or too few confidences, answers that are all right or all wrong, a plan that does not
            say how the arm was configured.
        UnknownNameError: no arm of this label, or a strategy that is not installed.
    """
    if evidence.plan.get("split") != Split.DEV:
        raise EvidenceError(
            f"{evidence.name} is on the {evidence.plan.get('split')} split, and a calibration is fitted on development problems "
            "only",
            hint="run the experiment on the dev split: what was tuned on a test split can no longer be tested there",
        )
    rows = _arm(evidence, arm)
    known = [trial for trial in rows.trials.values() if not _was_cut(trial)]
    fitted = [_Row(trial.problem, trial.seed, trial.confidence, _right(trial)) for trial in known if trial.confidence is not None]
    _require_enough(evidence.name, rows, fitted)
    planned = _planned(evidence, rows.arm.label)
    strategy = STRATEGIES.get(planned.arm.strategy)
    roles = strategy.needs(strategy.configure(planned.config))
    data = CalibrationData(
        experiment=evidence.name,
        arm=rows.arm.label,
        task=str(evidence.plan.get("task", "")),
        split=str(evidence.plan["split"]),
        fingerprint=str(evidence.plan.get("fingerprint", "")),
        sha256=hashlib.sha256(json.dumps(sorted(fitted)).encode()).hexdigest(),
        problems=len({row.problem for row in fitted}),
        n=len(fitted),
        right=sum(row.right for row in fitted),
        unsure=len(known) - len(fitted),
        cut=len(rows.trials) - len(known),
    )
    return Calibration(
        strategy=planned.arm.strategy,
        config=planned.config,
        models={role: planned.models[role] for role in sorted(roles)},
        prompts=planned.prompts,
        data=data,
        map=MAPS[method]([row.confidence for row in fitted], [row.right for row in fitted]),
        fits=_fits(fitted),
        accept=_accept(rows, risk),
        stop=_stop(rows, risk),
    )


def _arm(evidence: Evidence, arm: str | None) -> ArmRows:
    """The rows of the arm that is meant."""
    every = rows_by_arm(evidence)
    if arm is not None:
        if arm not in every:
            raise UnknownNameError("arm", arm, every, where=evidence.name)
        return every[arm]
    sure = [rows for rows in every.values() if any(trial.confidence is not None for trial in rows.trials.values())]
    if len(sure) != 1:
        names = ", ".join(rows.arm.label for rows in sure)
        raise EvidenceError(
            f"{len(sure)} arms of {evidence.name} have a confidence: {names}"
            if sure
            else f"no arm of {evidence.name} has a confidence",
            hint="name one with --arm" if sure else "a vote or a verifier gives one, such as self-consistency",
        )
    return sure[0]


def _require_enough(name: str, rows: ArmRows, fitted: Sequence[_Row]) -> None:
    of = f"arm {rows.arm.label} of {name}"
    problems, right = len({row.problem for row in fitted}), sum(row.right for row in fitted)
    if not fitted:
        raise EvidenceError(
            f"no answer of {of} has a confidence", hint="a vote or a verifier gives one, such as self-consistency"
        )
    if problems < FEWEST:
        raise EvidenceError(
            f"{of} has {problems} problems with a confidence, and a calibration needs {FEWEST}",
            hint="go on with the experiment on more problems",
        )
    if right in {0, len(fitted)}:
        raise EvidenceError(
            f"all {len(fitted)} answers of {of} are {'right' if right else 'wrong'}, so nothing tells when it errs",
            hint="take problems of which it solves some",
        )


def _planned(evidence: Evidence, label: str) -> PlannedArm:
    """How the arm was configured, by the plan that came with the evidence."""
    try:
        planned = [PlannedArm.model_validate(each) for each in evidence.plan.get("arms", ())]
    except (ValidationError, TypeError):
        planned = []
    found = next((each for each in planned if each.arm.label == label), None)
    if found is None:
        raise EvidenceError(f"the plan of {evidence.name} does not say how its arm {label} was configured")
    return found


def _was_cut(trial: Trial) -> bool:
    return trial.stop_reason not in {StopReason.FINISHED, StopReason.AGREED}


def _right(trial: Trial) -> bool:
    return trial.credit >= 1


def _fits(rows: Sequence[_Row]) -> tuple[Fit, ...]:
    sure, problems = np.array([row.confidence for row in rows]), [row.problem for row in rows]
    right = np.array([float(row.right) for row in rows])
    found = [_fit("none", sure, right)]
    for name, fit in MAPS.items():
        mapped = cross_validated(sure, right, problems, fit)
        gain = paired_difference((sure - right) ** 2, (mapped - right) ** 2, problems)
        found.append(_fit(name, mapped, right, gain=(gain.estimate, gain.low, gain.high)))
    return tuple(found)


def _fit(
    method: Method,
    probability: NDArray[np.float64],
    right: NDArray[np.float64],
    gain: tuple[float, float, float] | None = None,
) -> Fit:
    seen = calibration(probability.tolist(), right.tolist())
    return Fit(method=method, brier=seen.brier or 0.0, ece=seen.ece or 0.0, gain=gain)


def _firsts(rows: ArmRows) -> dict[str, Trial]:
    """The trial of each problem under its first seed: problems are exchangeable, and seeds of one are not independent."""
    firsts: dict[str, Trial] = {}
    for trial in sorted(rows.trials.values(), key=lambda trial: trial.seed):
        firsts.setdefault(trial.problem, trial)
    return firsts


def _accept(rows: ArmRows, risk: float) -> Threshold:
    """From which confidence on a finished run may be believed."""
    firsts = _firsts(rows).values()
    taken = [None if _was_cut(trial) else trial.confidence for trial in firsts]
    wrong = [None if _right(trial) else sure for trial, sure in zip(firsts, taken, strict=True)]
    levels = sorted({sure for sure in taken if sure is not None})
    found = cut(wrong, levels[-1] if levels else None, risk)
    threshold = None
    if found.above is not None:
        threshold = 0.0
        if math.isfinite(found.above):
            threshold = threshold_above(found.above, next(level for level in levels if level > found.above))
    return _threshold(risk, threshold, found.least, taken, wrong)


def _stop(rows: ArmRows, risk: float) -> Threshold | None:
    """At which share of the leader sampling may end; None where samples were not drawn one by one.

    A higher threshold stops later, maybe at another answer. So what is risked at a threshold is counted as if the worst of it
    and all higher ones came to pass: it falls as the threshold rises, and bounds what happens at the threshold itself.
    """
    if pool_of(rows) is None:
        return None
    ends = [_ends(rows, Pair(trial.problem, trial.seed)) for trial in _firsts(rows).values()]
    top = max((each.share for one in ends for each in one), default=None)
    worst = [max((each.share for each in one if not each.right), default=None) for one in ends]
    found = cut(worst, top, risk)
    if found.above is None:
        return _threshold(risk, None, found.least, worst, worst)
    low = max(found.above, 0.0)
    most = max(map(len, rows.samples.values()))
    # The next share that so many votes can have.
    threshold = threshold_above(low, min((math.floor(low * votes + 1e-9) + 1) / votes for votes in range(1, most + 1)))
    stopped = [next((each for each in one if each.share >= threshold), None) for one in ends]
    return _threshold(
        risk,
        threshold,
        found.least,
        [None if each is None else each.share for each in stopped],
        [None if each is None or each.right else each.share for each in stopped],
    )


def _ends(rows: ArmRows, pair: Pair) -> list[Stop]:
    samples = rows.samples.get(pair, [])
    return stops([sample.group for sample in samples], [sample.credit >= 1 for sample in samples])


def _threshold(
    risk: float, threshold: float | None, least: float | None, taken: Sequence[float | None], wrong: Sequence[float | None]
) -> Threshold:
    def count(values: Sequence[float | None]) -> int:
        return 0 if threshold is None else sum(value is not None and value >= threshold for value in values)

    return Threshold(risk=risk, confidence=threshold, least=least, problems=len(taken), taken=count(taken), wrong=count(wrong))
