"""Arms of two experiments against each other: which belong together, and when they may be compared at all.

Two experiments are comparable where their problems, gold answers, split and grader are the same. How many problems each took, and
which arms and seeds, may differ: pairs of a problem and a seed that only one has are left out and counted.
"""

from __future__ import annotations

from typing import NamedTuple

from ...core.errors import EvidenceError, UnknownNameError
from .comparisons import Comparison, adjusted, compare
from .records import Evidence
from .scores import rows_by_arm, scores_of

_SAME = {
    "task": "are of different tasks: {} and {}",
    "fingerprint": "had different data under the same task: {} and {}",
    "split": "took different splits: {} and {}",
    "grader": "were graded differently: {} and {}",
    "options": "took the task with different options: {} and {}",
}


class Side(NamedTuple):
    """One side of a comparison: an experiment, or one arm of it."""

    name: str
    """What it is called in errors and results."""
    evidence: Evidence
    arm: str | None = None


class _Match(NamedTuple):
    a: str
    b: str


def compare_sides(a: Side, b: Side, *, baseline: str | None = None) -> tuple[Comparison, ...]:
    """Compare arms of ``a`` with arms of ``b``, p-values corrected for being shown together.

    Arms of the same label are compared; one arm named on each side with one another; with ``baseline``, every arm of ``a`` with
    that arm of ``b``.

    Raises:
        EvidenceError: the experiments are not comparable, have no arm or no problem in common.
        UnknownNameError: no arm has the name given.
    """
    for key, said in _SAME.items():
        mine, its = a.evidence.plan.get(key), b.evidence.plan.get(key)
        if mine != its:
            raise EvidenceError(
                f"{a.name} and {b.name} {said.format(mine, its)}", hint="only results on the same problems are paired"
            )
    rows_a, rows_b = rows_by_arm(a.evidence), rows_by_arm(b.evidence)
    apart = a.evidence is not b.evidence and a.name != b.name
    found = [
        compare(
            scores_of(rows_a[match.a])._replace(label=f"{a.name}:{match.a}" if apart else match.a),
            scores_of(rows_b[match.b])._replace(label=f"{b.name}:{match.b}" if apart else match.b),
        )
        for match in _matches(a, b, baseline)
    ]
    if not any(found):
        raise EvidenceError(
            f"no problem has a result in both {a.name} and {b.name} under the same seed", hint="runs that failed are no results"
        )
    return adjusted([each for each in found if each])


def _matches(a: Side, b: Side, baseline: str | None) -> list[_Match]:
    arms_a, arms_b = (_arms(side, given) for side, given in ((a, a.arm), (b, b.arm or baseline)))
    if b.arm is not None and baseline not in {None, b.arm}:
        raise EvidenceError(f"{b.name}:{b.arm} and the baseline {baseline} are two arms", hint="name one of them")
    named = b.arm or baseline
    pairs = [_Match(mine, its) for mine in arms_a for its in arms_b if named or mine == its]
    found = [match for match in pairs if a.evidence is not b.evidence or match.a != match.b]
    if not found:
        raise EvidenceError(
            f"{a.name} ({', '.join(arms_a)}) and {b.name} ({', '.join(arms_b)}) have no two arms that belong together",
            hint="name one of each, as NAME:ARM",
        )
    return found


def _arms(side: Side, given: str | None) -> list[str]:
    known = [arm.label for arm in side.evidence.arms]
    if given is None:
        return known
    if given not in known:
        raise UnknownNameError("arm", given, known, where=side.name)
    return [given]
