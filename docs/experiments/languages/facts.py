"""The numbers of README.md, computed from the evidence beside it: ``python docs/experiments/languages/facts.py`` writes the page.

README.md.in is the text, with the name of a fact in braces wherever a number stands; it has no number of its own.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from itertools import chain
from pathlib import Path

from symposia.core.languages import LANGUAGES
from symposia.research.experiments.comparisons import Comparison, adjusted, compare
from symposia.research.experiments.curves import (
    MAJORITY,
    EqualCost,
    at_equal_cost,
    curve,
    scores_at,
)
from symposia.research.experiments.files import load
from symposia.research.experiments.pools import Pool, pool_of
from symposia.research.experiments.records import Evidence
from symposia.research.experiments.scores import ArmRows, Scores, rows_by_arm, scores_of
from symposia.research.reports.document import bounds, percent, tokens
from symposia.research.statistics.intervals import accuracy

FOLDER = Path(__file__).resolve().parent
OWN, MANY = "own", "cross-lingual"


def page() -> str:
    """README.md as it has to be."""
    return (FOLDER / "README.md.in").read_text(encoding="utf-8").format_map(facts())


def facts() -> dict[str, str]:
    """Every fact by its name."""
    evidence = load(FOLDER / "runs")
    rows = rows_by_arm(evidence)
    pool = pool_of(rows[OWN])
    assert pool is not None
    many = scores_of(rows[MANY])
    pool = pool.only(tuple(many.cost))
    paths = max(map(len, rows[MANY].samples.values()))
    same = scores_at(pool, MAJORITY, paths)
    equal = at_equal_cost(pool, pool.pairs, _mean(many.cost.values()))
    by_paths, by_cost = adjusted([compare(many, same), compare(many, equal.scores)])
    return {
        "n": f"{len(many.credit)}",
        "paths": f"{paths}",
        "most": f"{pool.size}",
        "size": f"{equal.size:.1f}",
        "votes": _votes(pool, many, paths, equal),
        "by_paths": _said(by_paths),
        "by_cost": _said(by_cost),
        "asked": _asked(evidence, many, same),
        "reasoned": _reasoned(rows),
        "written": _written(),
        **_followed(),
    }


def _votes(pool: Pool, many: Scores, paths: int, equal: EqualCost) -> str:
    """Each way to decide, with its accuracy and what a problem takes."""
    lines = ["| decided by | paths | accuracy | 95 % | tokens |", "| :-- |" + " --: |" * 4]
    for point in curve(pool, MAJORITY, sorted({1, paths, pool.size})).points:
        cells = [OWN, f"{point.size}", percent(point.accuracy.estimate), bounds(point.accuracy), tokens(point.cost)]
        lines.append(f"| {' | '.join(cells)} |")
    for label, size, scores in ((f"{OWN}, equal tokens", f"{equal.size:.1f}", equal.scores), (MANY, f"{paths}", many)):
        found = accuracy(list(scores.credit.values()), [pair.problem for pair in scores.credit])
        cells = [label, size, percent(found.estimate), bounds(found), tokens(_mean(scores.cost.values()))]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _asked(evidence: Evidence, many: Scores, same: Scores) -> str:
    """Both votes by the language of the question."""
    languages = {problem.id: problem.groups["language"] for problem in evidence.problems}
    lines = [f"| asked in | problems | {OWN} | {MANY} |", "| :-- |" + " --: |" * 3]
    for code in sorted(set(languages.values())):
        pairs = [pair for pair in many.credit if languages[pair.problem] == code]
        means = [percent(_mean(scores.credit[pair] for pair in pairs)) for scores in (same, many)]
        lines.append(f"| {LANGUAGES[code].name} | {len(pairs)} | {' | '.join(means)} |")
    return "\n".join(lines)


def _reasoned(rows: Mapping[str, ArmRows]) -> str:
    """Single paths by the language that they were to be reasoned in."""
    lines = ["| arm | to be reasoned in | paths | right | unread | cut |", "| :-- | :-- |" + " --: |" * 4]
    for label in (OWN, MANY):
        samples = list(chain.from_iterable(rows[label].samples.values()))
        for code in sorted({each.language for each in samples}):
            mine = [each for each in samples if each.language == code]
            unread, cut = sum(each.answer is None for each in mine), sum(each.finish == "length" for each in mine)
            right = percent(_mean(each.credit for each in mine))
            lines.append(f"| {label} | {LANGUAGES[code].name} | {len(mine)} | {right} | {unread} | {cut} |")
    return "\n".join(lines)


def _rows() -> list[tuple[str, str, str, str, int]]:
    """Of written.csv: arm, language of the question, language told, language written, paths."""
    with (FOLDER / "written.csv").open(encoding="utf-8", newline="") as file:
        return [(each["arm"], each["asked"], each["told"], each["written"], int(each["paths"])) for each in csv.DictReader(file)]


def _written() -> str:
    """What paths that were told no language were written in, by the language of the question."""
    lines = ["| asked in | paths | in that language | in English | in others |", "| :-- |" + " --: |" * 4]
    mine = [each for each in _rows() if each[0] == OWN]
    for code in sorted({asked for _, asked, *_ in mine}):
        found = {written: paths for _, asked, _, written, paths in mine if asked == code}
        total, same, english = sum(found.values()), found.get(code, 0), found.get("en", 0)
        shares = " | ".join(percent(part / total) for part in (same, english, total - same - english))
        lines.append(f"| {LANGUAGES[code].name} | {total} | {shares} |")
    return "\n".join(lines)


def _followed() -> dict[str, str]:
    """The share of paths that were written in the language they were told, and of the others that were in the question's."""
    mine = [each for each in _rows() if each[0] == MANY]
    others = [each for each in mine if each[2] != each[3]]
    stray, asked = sum(each[-1] for each in others), sum(each[-1] for each in others if each[1] == each[3])
    return {
        "followed": f"{percent(1 - stray / sum(each[-1] for each in mine))} %",
        "stayed": f"{percent(asked / stray)} %",
    }


def _said(each: Comparison) -> str:
    return f"{each.sentence} {each.note}".strip()


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


if __name__ == "__main__":
    (FOLDER / "README.md").write_text(page(), encoding="utf-8")
