"""The numbers of README.md, computed from the evidence beside it: ``python docs/experiments/first/facts.py`` writes the page.

README.md.in is the text, with the name of a fact in braces wherever a number stands; it has no number of its own.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from symposia.research.experiments.across import Side, compare_sides
from symposia.research.experiments.analysis import ArmSummary
from symposia.research.experiments.curves import BETA, MAJORITY, ORACLE, Curve, curve
from symposia.research.experiments.files import load
from symposia.research.experiments.findings import Findings, study
from symposia.research.experiments.pools import pool_of
from symposia.research.experiments.scores import rows_by_arm
from symposia.research.reports.document import bounds, percent, tokens

FOLDER = Path(__file__).resolve().parent
RECORDS = ("small", "large")
GREEDY, VOTE = "greedy", "self-consistency"


def page() -> str:
    """README.md as it has to be."""
    return (FOLDER / "README.md.in").read_text(encoding="utf-8").format_map(facts())


def facts() -> dict[str, str]:
    """Every fact by its name; those of one model begin with the name of its folder."""
    studied = {name: study(load(FOLDER / name)) for name in RECORDS}
    found = {f"{name}_{fact}": value for name in RECORDS for fact, value in _of_model(studied[name]).items()}
    small, large = (Side(name, studied[name].evidence) for name in RECORDS)
    (sizes,) = compare_sides(small._replace(arm=VOTE), large._replace(arm=GREEDY))
    return found | {"small_vote_large_greedy": sizes.sentence} | _interruptions()


def _of_model(found: Findings) -> dict[str, str]:
    evidence = found.evidence
    arms = {each.arm.label: each for each in found.arms}
    rows = rows_by_arm(evidence)
    pool = pool_of(rows[VOTE])
    assert pool is not None, "the vote's samples are a pool"
    curves = {rule: curve(pool, rule, range(1, pool.size + 1)) for rule in (MAJORITY, BETA, ORACLE)}
    last = {rule: each.points[-1] for rule, each in curves.items()}
    (law,) = [each.law for each in found.curves if each.law]
    (to_greedy,) = [each for each in found.comparisons if (each.a, each.b) == (VOTE, GREEDY)]
    (of_beta,) = [each for each in found.comparisons if "Beta" in each.a]
    return {
        **_setup(evidence.plan["arms"], arms),
        "samples": f"{pool.size}",
        "greedy": _accuracy(arms[GREEDY]),
        "vote": _accuracy(arms[VOTE]),
        "one": f"{percent(curves[MAJORITY].points[0].accuracy.estimate)} %",
        "oracle": f"{percent(last[ORACLE].accuracy.estimate)} %",
        "gap": f"{100 * (last[ORACLE].accuracy.estimate - last[MAJORITY].accuracy.estimate):.1f}",
        "law": f"exp(-{law.a:.3f} N^-{law.b:.3f})",
        "vote_gain": to_greedy.sentence,
        "vote_times": f"{to_greedy.cost_a / to_greedy.cost_b:.1f}",
        "beta": of_beta.sentence,
        "beta_samples": f"{last[BETA].samples:.1f}",
        "beta_saved": f"{100 * (1 - last[BETA].cost / last[MAJORITY].cost):.0f} %",
        "calibration": _calibration(arms[VOTE]),
        "curve": _table(curves),
    }


def _setup(planned: Sequence[dict[str, dict[str, object]]], arms: dict[str, ArmSummary]) -> dict[str, str]:
    config = {str(each["arm"]["label"]): each["config"] for each in planned}
    samples = [each.n_samples for each in arms.values()]
    return {
        "model": str(planned[0]["models"]["policy"]),
        "n": f"{arms[VOTE].n_problems}",
        "runs": f"{sum(each.n_trials for each in arms.values())}",
        "paths": f"{sum(samples):,}",
        "cut": f"{sum(each.n_truncated for each in arms.values())}",
        "cut_share": f"{100 * sum(each.n_truncated for each in arms.values()) / sum(samples):.2f} %",
        "unread": f"{sum(each.n_unparsed for each in arms.values())}",
        "temperature": str(config[VOTE]["temperature"]),
        "max_tokens": str(config[VOTE]["max_tokens"]),
    }


def _accuracy(arm: ArmSummary) -> str:
    assert arm.accuracy is not None
    return f"{percent(arm.accuracy.estimate)} % (95 % {bounds(arm.accuracy)})"


def _calibration(arm: ArmSummary) -> str:
    assert arm.calibration is not None
    return f"{arm.calibration.auroc:.2f}"


def _table(curves: dict[str, Curve]) -> str:
    """Accuracy, cost and samples at every size."""
    lines = [
        "| N | majority | 95 % | tokens | Beta stopping | 95 % | tokens | samples | pass@N |",
        "| --: | --: | --: | --: | --: | --: | --: | --: | --: |",
    ]
    for vote, beta, oracle in zip(*(curves[rule].points for rule in (MAJORITY, BETA, ORACLE)), strict=True):
        cells = [
            f"{vote.size}",
            percent(vote.accuracy.estimate),
            bounds(vote.accuracy),
            tokens(vote.cost),
            percent(beta.accuracy.estimate),
            bounds(beta.accuracy),
            tokens(beta.cost),
            f"{beta.samples:.1f}",
            percent(oracle.accuracy.estimate),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _interruptions() -> dict[str, str]:
    """What the journals said after each end of the process, and at the last."""
    with (FOLDER / "interruptions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    head = "| | calls that had come back | … and were made again | calls under way |\n| :-- | --: | --: | --: |\n"
    lines = [f"| {row['how']} | {row['came_back']} | {row['made_again']} | {row['under_way']} |" for row in rows]
    return {"interruptions": head + "\n".join(lines)}


if __name__ == "__main__":
    (FOLDER / "README.md").write_text(page(), encoding="utf-8")
