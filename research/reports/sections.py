"""The sections of a report: each a pure function from findings to a table and its sentences."""

from __future__ import annotations

from collections.abc import Sequence

from ..experiments.analysis import ArmSummary, Measured
from ..experiments.comparisons import ENOUGH, Comparison
from ..experiments.curves import BETA, ORACLE, Curve
from ..experiments.findings import Findings, Spot, curve_name
from ..experiments.tool_use import ToolUse
from .document import NOTHING, UNKNOWN, Document, Section, Table, bounds, label, p_value, percent, plural, quantity, tokens
from .verifier_sections import FOOT as VERIFIER_FOOT
from .verifier_sections import verifier_sections

_ON_FRONT = "•"


def document(findings: Findings) -> Document:
    """The whole report of an experiment."""
    return Document(
        title=label(findings.evidence.name),
        facts=_facts(findings),
        sections=tuple(_on_verifiers(findings) if findings.verifiers else _on_answers(findings)),
        foot=_foot(findings),
    )


def _on_answers(findings: Findings) -> list[Section]:
    found = [
        _accuracy(findings.arms),
        _cost(findings),
        _selectors(findings.arms),
        _tool_use(findings.tool_use),
        *(_curves(group, findings.front) for group in _by_pool(findings.curves)),
        comparison_section(findings.comparisons),
        _rules(findings.arms),
        _calibration(findings.arms),
        *_breakdowns(findings.arms),
    ]
    return [section for section in found if section is not None]


def _on_verifiers(findings: Findings) -> list[Section]:
    compared = comparison_section(findings.comparisons, "Comparisons, in points of right verdicts")
    return [*verifier_sections(findings), *([compared] if compared is not None else [])]


def curve_document(name: str, curves: Sequence[Curve]) -> Document:
    """The curves of one pool alone."""
    section = _curves(curves, ())
    return Document(label(name), (), (section,) if section else (), (_COST_FOOT, _CURVE_FOOT))


def comparison_section(comparisons: Sequence[Comparison], title: str = "Comparisons, in points") -> Section | None:
    """Comparisons by their numbers, and what may be said of each."""
    if not comparisons:
        return None
    head = ("", "difference", "95 %", "n", "p", "p (Holm)", "detectable", "tokens", "against", "left out")
    rows = [
        (
            f"{number}",
            f"{100 * each.difference.estimate:+.1f}",
            bounds(each.difference),
            f"{each.n_problems}",
            p_value(each.p),
            p_value(each.p_adjusted),
            percent(each.detectable),
            tokens(each.cost_a),
            tokens(each.cost_b),
            f"{each.left_out}",
        )
        for number, each in enumerate(comparisons, 1)
    ]
    said = [f"{number}. {label(each.sentence)} {label(each.note)}".strip() for number, each in enumerate(comparisons, 1)]
    return Section(title, Table(head, tuple(rows)), tuple(said))


def _facts(findings: Findings) -> tuple[str, ...]:
    evidence = findings.evidence
    seeds = sorted({trial.seed for trial in evidence.trials})
    policies = dict.fromkeys(arm.team["policy"] for arm in evidence.arms if "policy" in arm.team)
    told = [
        ("task", evidence.plan.get("task")),
        ("split", evidence.plan.get("split")),
        ("policy", ", ".join(policies) or None),
        ("problems", f"{len(evidence.problems):,}"),
        ("seeds", ", ".join(map(str, seeds)) or NOTHING),
    ]
    return tuple(f"{name}: {label(str(value))}" for name, value in told if value is not None)


_COST_FOOT = "Cost tokens are completion plus uncached prompt tokens of all roles, as a mean of a problem."
_CURVE_FOOT = (
    "Curves are drawn from subsets of the samples: a size costs its samples' completion tokens (and checks, where scores decide) "
    "plus the prompt once, as in one request for all; under Beta stopping too, as where the server keeps prompts in a cache."
)


def _foot(findings: Findings) -> tuple[str, ...]:
    n = max((each.n_problems for each in findings.arms), default=0)
    lost = sum(trial.lost_tokens for trial in findings.evidence.trials)
    lines = [
        *(VERIFIER_FOOT if findings.verifiers else (_COST_FOOT,)),
        _CURVE_FOOT if findings.curves else "",
        "Intervals are of 95 %, all seeds of a problem together. Runs that failed or were stopped are left out, and counted.",
        "pass@N is what a perfect selector would reach on the same samples: no way to choose, but a bound."
        if findings.curves
        else "",
        f"{_ON_FRONT} marks what nothing here beats at the same cost or less." if not findings.verifiers else "",
        f"Up to {tokens(lost)} tokens went to calls that were lost; they are in no cost above." if lost else "",
        f"With {plural(n, 'problem')} this is a demonstration: nothing is called better on fewer than {ENOUGH}."
        if n < ENOUGH
        else "",
    ]
    return tuple(line for line in lines if line)


def _accuracy(arms: Sequence[ArmSummary]) -> Section:
    head = ("arm", "n", "accuracy", "95 %", "pass@N", "samples", "cut", "unread", "failed", "not run")
    rows = [
        (
            label(each.arm.label),
            f"{each.n_problems:,}",
            percent(each.accuracy.estimate if each.accuracy else None),
            bounds(each.accuracy),
            _oracle(each),
            f"{each.n_samples:,}",
            f"{each.n_truncated:,}",
            f"{each.n_unparsed:,}",
            f"{each.n_failed:,}",
            f"{each.n_missing:,}",
        )
        for each in arms
    ]
    lost = [
        f"{label(each.arm.label)}: {plural(each.n_failed_calls, 'call')} failed for good in runs that count."
        for each in arms
        if each.n_failed_calls
    ]
    return Section("Accuracy, in per cent", Table(head, tuple(rows)), tuple(lost))


def _oracle(each: ArmSummary) -> str:
    return percent(each.oracle.accuracy.estimate if each.oracle else None)


def _cost(findings: Findings) -> Section:
    head = ("arm", "tokens", "tokens / solved", "dollars / solved", "seconds / solved", "front")
    front = {spot.label for spot in findings.front if spot.size is None}
    rows = [
        (
            label(each.arm.label),
            tokens(each.cost_tokens),
            tokens(each.per_solved.tokens),
            quantity(each.per_solved.dollars, "$", none=NOTHING if each.per_solved.tokens is None else UNKNOWN),
            quantity(each.per_solved.seconds),
            _ON_FRONT if each.arm.label in front else "",
        )
        for each in findings.arms
    ]
    return Section("Cost of a problem, and of a solved one", Table(head, tuple(rows)))


def _selectors(arms: Sequence[ArmSummary]) -> Section | None:
    head = ("arm", "selector", "accuracy", "95 %", "pass@N")
    rows = [
        (label(each.arm.label), label(name), percent(found.accuracy.estimate), bounds(found.accuracy), _oracle(each))
        for each in arms
        if len(each.selectors) > 1
        for name, found in each.selectors.items()
    ]
    return Section("Selectors on the same samples", Table(head, tuple(rows), labels=2)) if rows else None


def _tool_use(arms: Sequence[ToolUse]) -> Section | None:
    """Of the calls, the share that each column says."""
    head = ("arm", "calls", "calls / problem", "justified", "failed", "repeated", "needless")
    rows = [
        (
            label(each.arm),
            f"{each.calls:,}",
            f"{each.calls / each.n_trials:.2f}",
            *(percent(count / each.calls if each.calls else None) for count in (each.justified, each.failed, each.repeated)),
            percent(each.needless / each.judged if each.needless is not None and each.judged else None),
        )
        for each in arms
    ]
    said = ("Needless are calls on problems that the greedy answer of the same policy solves without tools.",)
    return Section("Tools, in per cent of the calls", Table(head, tuple(rows)), said) if rows else None


def _by_pool(curves: Sequence[Curve]) -> list[list[Curve]]:
    pools: dict[str, list[Curve]] = {}
    for each in curves:
        pools.setdefault(each.label, []).append(each)
    return list(pools.values())


def _curves(curves: Sequence[Curve], front: Sequence[Spot]) -> Section | None:
    if not curves:
        return None
    best = {(spot.label, spot.size) for spot in front}
    rows = [
        (
            _RULES.get(each.rule, each.rule) if place == 0 else "",
            f"{point.size}",
            percent(point.accuracy.estimate),
            bounds(point.accuracy),
            tokens(point.cost),
            f"{point.samples:.1f}",
            _ON_FRONT if (curve_name(each), point.size) in best else "",
        )
        for each in curves
        for place, point in enumerate(each.points)
    ]
    said = [
        f"pass@N follows exp(-{each.law.a:.3f} N^-{each.law.b:.3f}), {100 * each.law.residual:.1f} points off in the mean."
        for each in curves
        if each.law
    ]
    first = curves[0]
    if first.n_short:
        said.append(f"{plural(first.n_short, 'trial')} with fewer samples than the largest size took all that there were.")
    title = f"Fewer samples of {label(first.label)} ({plural(first.n_problems, 'problem')})"
    return Section(title, Table(("rule", "N", "accuracy", "95 %", "tokens", "samples", "front"), tuple(rows)), tuple(said))


_RULES = {BETA: "Beta stopping", ORACLE: "pass@N"}


def _rules(arms: Sequence[ArmSummary]) -> Section | None:
    rows = [
        (label(each.arm.label), label(name), f"{count:,}", percent(count / each.n_samples))
        for each in arms
        for name, count in each.rules.items()
    ]
    return (
        Section("Where answers were found", Table(("arm", "rule", "samples", "%"), tuple(rows), labels=2), detail=True)
        if rows
        else None
    )


def _calibration(arms: Sequence[ArmSummary]) -> Section | None:
    head = ("arm", "answers", "expected error", "Brier", "AUROC")
    rows = [
        (label(each.arm.label), f"{known.n:,}", quantity(known.ece), quantity(known.brier), quantity(known.auroc))
        for each in arms
        if (known := each.calibration) is not None
    ]
    return Section("Calibration of confidence", Table(head, tuple(rows)), detail=True) if rows else None


def _breakdowns(arms: Sequence[ArmSummary]) -> list[Section]:
    names = dict.fromkeys(name for each in arms for name, values in each.breakdown.items() if len(values) > 1)
    return [_breakdown(arms, name) for name in names]


def _breakdown(arms: Sequence[ArmSummary], name: str) -> Section:
    def row(each: ArmSummary, value: str, found: Measured) -> tuple[str, ...]:
        shown = (f"{found.n_problems:,}", percent(found.accuracy.estimate), bounds(found.accuracy))
        return (label(value), label(each.arm.label), *shown)

    values = sorted({value for each in arms for value in each.breakdown.get(name, {})})
    rows = [
        row(each, value, each.breakdown[name][value])
        for value in values
        for each in arms
        if value in each.breakdown.get(name, {})
    ]
    head = (label(name), "arm", "n", "accuracy", "95 %")
    return Section(f"By {label(name)}", Table(head, tuple(rows), labels=2), detail=True)
