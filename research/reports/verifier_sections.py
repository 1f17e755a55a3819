"""The sections of a report on verifiers: what they found, how far their scores can be trusted, what a verdict takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..experiments.analysis import ArmSummary
from ..experiments.findings import Findings
from ..experiments.first_errors import FirstErrors
from ..experiments.verifiers import Pairs, VerifierSummary
from .document import NOTHING, UNKNOWN, Section, Table, bounds, label, percent, quantity, tokens

FOOT = (
    "Found: erroneous solutions whose first wrong step was named exactly. Cleared: correct ones in which none was. F1: of both.",
    "A score is on the right side where it is at least one half for a correct solution, and below it for a wrong one.",
    "ECE: the expected calibration error of scores. A verdict is on one solution, in a pair too; tokens are its cost tokens.",
    "Cost tokens are completion plus uncached prompt tokens of all roles.",
)


def verifier_sections(findings: Findings) -> list[Section]:
    """Those of which there is something to say, comparisons apart."""
    found = [_first_errors(findings.verifiers), _pairs(findings.verifiers)]
    return [
        *(section for section in found if section is not None),
        _scores(findings.verifiers, findings.arms),
        _verdicts(findings.verifiers),
    ]


def _first_errors(verifiers: Sequence[VerifierSummary]) -> Section | None:
    head = ("arm", "subset", "erroneous", "found", "correct", "cleared", "F1", "95 %")
    rows = [row for each in verifiers for row in _error_rows(each)]
    return Section("First errors, in per cent", Table(head, tuple(rows), labels=2), tuple(_said(verifiers))) if rows else None


def _error_rows(each: VerifierSummary) -> Iterator[tuple[str, ...]]:
    for part in each.first_errors:
        yield (label(each.arm), label(part.subset), *_cells(part))
    if len(each.first_errors) > 1:
        share = percent(each.f1.estimate if each.f1 else None)
        yield (label(each.arm), "mean", NOTHING, NOTHING, NOTHING, NOTHING, share, bounds(each.f1))


def _cells(part: FirstErrors) -> tuple[str, ...]:
    found, cleared, f1 = (percent(each.estimate if each else None) for each in (part.found, part.cleared, part.f1))
    return (f"{part.n_erroneous:,}", found, f"{part.n_correct:,}", cleared, f1, bounds(part.f1))


def _said(verifiers: Sequence[VerifierSummary]) -> Iterator[str]:
    for each in verifiers:
        if not each.by_steps:
            yield f"{label(each.arm)} judges solutions as a whole: it names no step, and has no F1."
        if (against := each.f1_difference) is not None:
            yield (
                f"F1 of {label(each.arm)} less that of {label(against.against)}: {100 * against.f1.estimate:+.1f} points "
                f"(95 % {bounds(against.f1)}; n = {against.n_problems})."
            )


def _pairs(verifiers: Sequence[VerifierSummary]) -> Section | None:
    head = ("arm", "tool", "pairs", "accuracy", "95 %", "ties", "unscored")
    rows = [(label(each.arm), label(part.tool), *_pair_cells(part)) for each in verifiers for part in each.pairs]
    said = ("The better solution of a pair scores higher. Ties count one half, pairs in which a score is missing as wrong.",)
    return Section("Pairs, in per cent", Table(head, tuple(rows), labels=2), said) if rows else None


def _pair_cells(part: Pairs) -> tuple[str, ...]:
    return (
        f"{part.n:,}",
        percent(part.accuracy.estimate),
        bounds(part.accuracy),
        f"{part.n_ties:,}",
        f"{part.n_unscored:,}",
    )


def _scores(verifiers: Sequence[VerifierSummary], arms: Sequence[ArmSummary]) -> Section:
    head = ("arm", "solutions", "unscored", "right side", "95 %", "ECE", "Brier", "AUROC", "failed", "not run")
    runs = {each.arm.label: each for each in arms}
    rows = [
        (
            label(each.arm),
            f"{each.n_solutions:,}",
            f"{each.n_unscored:,}",
            percent(each.right_side.estimate if each.right_side else None),
            bounds(each.right_side),
            quantity(each.calibration.ece),
            quantity(each.calibration.brier),
            quantity(each.calibration.auroc),
            f"{runs[each.arm].n_failed:,}",
            f"{runs[each.arm].n_missing:,}",
        )
        for each in verifiers
    ]
    return Section("Scores against what solutions are worth", Table(head, tuple(rows)))


def _verdicts(verifiers: Sequence[VerifierSummary]) -> Section:
    head = ("arm", "calls", "tokens", "dollars", "seconds", "checks", "of them failed, %")
    return Section("What a verdict takes, and rests on", Table(head, tuple(_verdict(each) for each in verifiers)))


def _verdict(each: VerifierSummary) -> tuple[str, ...]:
    taken = each.a_verdict
    if taken is None:
        return (label(each.arm), *[NOTHING] * 6)
    return (
        label(each.arm),
        f"{taken.calls:.1f}",
        tokens(taken.cost_tokens),
        quantity(taken.dollars, "$", none=UNKNOWN),
        quantity(taken.seconds),
        f"{each.n_checks / each.n_solutions:.1f}",
        percent(each.n_failed_checks / each.n_checks if each.n_checks else None),
    )
