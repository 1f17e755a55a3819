"""``results.csv``: every number of a report on a line of its own, for programs and for tests of what is written about them."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, NamedTuple, TextIO

from ..experiments.analysis import ArmSummary
from ..experiments.comparisons import Comparison
from ..experiments.curves import Curve
from ..experiments.findings import Findings
from ..experiments.verifiers import VerifierSummary
from ..statistics.intervals import Interval


class Line(NamedTuple):
    """One number. Shares and differences are from 0 to 1; what does not apply, or is not known, is None."""

    what: str
    """``accuracy``, ``oracle``, ``selector``, ``group``, ``calibration``, ``per solved``, ``count`` and ``tools`` of an arm;
    ``verifier`` of one that judges; ``curve``, ``samples`` (taken, in the mean) and ``law`` of a pool; ``comparison``."""
    arm: str
    name: str = ""
    """Of the selector, rule, group, count; for a comparison, what the arm is compared with."""
    size: float | None = None
    """Samples drawn, on a curve."""
    n_problems: int | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    cost_tokens: float | None = None
    cost_against: float | None = None
    p: float | None = None
    p_holm: float | None = None
    detectable: float | None = None
    verdict: str = ""


def lines(findings: Findings) -> Iterator[Line]:
    """All of them, in the order of the report."""
    for each in findings.arms:
        yield from _arm(each)
    for used in findings.tool_use:
        for count in ("calls", "justified", "failed", "repeated", "judged", "needless"):
            yield Line("tools", used.arm, count, estimate=getattr(used, count))
    for verifier in findings.verifiers:
        yield from _verifier(verifier)
    for curve in findings.curves:
        yield from _curve(curve)
    for comparison in findings.comparisons:
        yield _comparison(comparison)


def write_results(findings: Findings, file: TextIO) -> None:
    """Write them as CSV."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(Line._fields)
    writer.writerows([_cell(value) for value in line] for line in lines(findings))


def _cell(value: float | str | None) -> str:
    """Ten digits: the last ones of a sum are not the same on every machine."""
    return "" if value is None else value if isinstance(value, str) else f"{value:.10g}"


def _ends(interval: Interval) -> dict[str, Any]:
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}


def _arm(each: ArmSummary) -> Iterator[Line]:
    name, n = each.arm.label, each.n_problems
    if each.accuracy:
        yield Line("accuracy", name, n_problems=n, cost_tokens=each.cost_tokens, **_ends(each.accuracy))
    if each.oracle:
        yield Line("oracle", name, n_problems=n, cost_tokens=each.cost_tokens, **_ends(each.oracle.accuracy))
    for selector, found in each.selectors.items():
        yield Line("selector", name, selector, n_problems=found.n_problems, **_ends(found.accuracy))
    for group, values in each.breakdown.items():
        for value, found in values.items():
            yield Line("group", name, f"{group}={value}", n_problems=found.n_problems, **_ends(found.accuracy))
    if each.calibration:
        for measure in ("ece", "brier", "auroc"):
            yield Line("calibration", name, measure, n_problems=n, estimate=getattr(each.calibration, measure))
    for measure, value in each.per_solved._asdict().items():
        yield Line("per solved", name, measure, n_problems=n, estimate=value)
    for count in ("n_trials", "n_samples", "n_truncated", "n_unparsed", "n_failed", "n_missing", "n_failed_calls"):
        yield Line("count", name, count, estimate=getattr(each, count))
    for rule, found_by in each.rules.items():
        yield Line("count", name, f"rule={rule}", estimate=found_by)


def _verifier(each: VerifierSummary) -> Iterator[Line]:
    for part in each.first_errors:
        sizes = {"found": part.n_erroneous, "cleared": part.n_correct, "f1": part.n_erroneous + part.n_correct}
        for name, n in sizes.items():
            if (share := getattr(part, name)) is not None:
                yield Line("verifier", each.arm, f"{name} {part.subset}".strip(), n_problems=n, **_ends(share))
    if each.f1:
        n = sum(part.n_erroneous + part.n_correct for part in each.first_errors)
        yield Line("verifier", each.arm, "f1", n_problems=n, **_ends(each.f1))
    if (against := each.f1_difference) is not None:
        name = f"f1 against {against.against}"
        yield Line("verifier", each.arm, name, n_problems=against.n_problems, **_ends(against.f1))
    for pairs in each.pairs:
        yield Line("verifier", each.arm, f"pairs {pairs.tool}".strip(), n_problems=pairs.n, **_ends(pairs.accuracy))
        for count in ("n_ties", "n_unscored"):
            yield Line("verifier", each.arm, f"{count} {pairs.tool}".strip(), estimate=getattr(pairs, count))
    if each.right_side:
        yield Line("verifier", each.arm, "right_side", **_ends(each.right_side))
    for measure in ("ece", "brier", "auroc"):
        yield Line("verifier", each.arm, measure, estimate=getattr(each.calibration, measure))
    for count in ("n_solutions", "n_unscored", "n_checks", "n_failed_checks"):
        yield Line("verifier", each.arm, count, estimate=getattr(each, count))
    for measure, value in each.a_verdict._asdict().items() if each.a_verdict else ():
        yield Line("verifier", each.arm, f"{measure} a verdict", estimate=value)


def _curve(each: Curve) -> Iterator[Line]:
    for point in each.points:
        ends = _ends(point.accuracy)
        yield Line("curve", each.label, each.rule, size=point.size, n_problems=each.n_problems, cost_tokens=point.cost, **ends)
        yield Line("samples", each.label, each.rule, size=point.size, n_problems=each.n_problems, estimate=point.samples)
    if each.law:
        for measure in ("a", "b", "residual"):
            yield Line("law", each.label, measure, n_problems=each.n_problems, estimate=getattr(each.law, measure))


def _comparison(each: Comparison) -> Line:
    return Line(
        "comparison",
        each.a,
        each.b,
        n_problems=each.n_problems,
        cost_tokens=each.cost_a,
        cost_against=each.cost_b,
        p=each.p,
        p_holm=each.p_adjusted,
        detectable=each.detectable,
        verdict=each.verdict,
        **_ends(each.difference),
    )
