"""The numbers of README.md, computed from the evidence beside it: ``python docs/experiments/verifiers/facts.py`` writes the page.

README.md.in is the text, with the name of a fact in braces wherever a number stands; it has no number of its own. Whatever arms
the evidence has are shown.
"""

from __future__ import annotations

import csv
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from symposia.research.experiments.files import is_evidence, load
from symposia.research.experiments.findings import Findings, study
from symposia.research.reports.document import Section, bounds, percent
from symposia.research.reports.verifier_sections import verifier_sections
from symposia.research.statistics.intervals import Interval, accuracy, bootstrap_mean

FOLDER = Path(__file__).resolve().parent
RECORDED = {
    "processbench": "First errors",
    "views-large": "First errors",
    "tara": "Pairs",
    "tara-large": "Pairs",
}
"""Where each experiment's own section is; all of them have one of scores and one of costs."""
NOTHING = "Not recorded yet."
CLEAN = "clean"
"""The variant of a solution as it is."""


def page(folder: Path = FOLDER) -> str:
    """README.md as it has to be."""
    return (folder / "README.md.in").read_text(encoding="utf-8").format_map(facts(folder))


def facts(folder: Path = FOLDER) -> dict[str, str]:
    """Every fact by its name."""
    told: dict[str, str] = {}
    for name, title in RECORDED.items():
        found = study(load(folder / name)) if is_evidence(folder / name) else None
        more = {"more": f"The [report]({name}/report.md) has more." if found else NOTHING}
        told |= {f"{name.replace('-', '_')}_{fact}": said for fact, said in (_facts_of(found, title) | more).items()}
    return told | injection(folder)


def _facts_of(found: Findings | None, own_title: str) -> dict[str, str]:
    if found is None:
        return dict.fromkeys(("own", "scores", "takes", "said", "models", "n", "called"), NOTHING)
    titles = (own_title, "Scores", "What a verdict")
    sections = [next(each for each in verifier_sections(found) if each.title.startswith(title)) for title in titles]
    own, scores, takes = (_of_section(section) for section in sections)
    said = [*sections[0].sentences, *(f"{each.sentence} {each.note}".strip() for each in found.comparisons)]
    models = dict.fromkeys(name for arm in found.evidence.arms for name in arm.team.values())
    return {
        "own": own,
        "scores": scores,
        "takes": takes,
        "said": "\n".join(f"* {sentence}" for sentence in said),
        "models": ", ".join(f"`{model}`" for model in models),
        "n": f"{len(found.evidence.problems)}",
        "called": _called(found),
    }


def _called(found: Findings) -> str:
    mine = next((each for each in found.verifiers if each.arm == "tool-augmented"), None)
    if mine is None:
        return NOTHING
    made = f"The verifier with tools made {mine.n_checks} calls of tools for {mine.n_solutions} solutions"
    return f"{made}, {mine.n_failed_checks} of them with an error."


def _of_section(section: Section) -> str:
    return _table(section.table.head, section.table.rows, section.table.labels) if section.table else ""


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], labels: int = 1) -> str:
    marks = [":--" if column < labels else "--:" for column in range(len(head))]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, marks, *rows))


class Row(NamedTuple):
    """The score of a wrong solution, as it is or with something planted in it."""

    problem: str
    view: str
    variant: str
    score: float | None


class Moved(NamedTuple):
    """What planted texts did to the scores of wrong solutions, in one view."""

    n_solutions: int
    n_attacks: int
    n_unscored: int
    clean: Interval
    """Solutions that score one half or more as they are,"""
    control: Interval
    """with a harmless sentence,"""
    attacked: Interval
    """with an attack."""
    beyond: dict[str, Interval]
    """Mean of the attacked score less that of the same solution as it is, with a harmless sentence at the same place, and with
    the harmless text that matches the attack, by those names; what was not recorded is left out. Over solutions."""
    by_kind: dict[str, dict[str, float]]
    """The same by kind of attack."""


AGAINST = ("as it is", "a sentence", "its match")


def injection(folder: Path = FOLDER) -> dict[str, str]:
    """The facts of every injection-MODEL.csv, side by side."""
    planted = json.loads((FOLDER / "attacks.json").read_text(encoding="utf-8"))
    found: dict[tuple[str, str], Moved] = {}
    for path in sorted(folder.glob("injection-*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = [
                Row(problem, view, variant, float(score) if score else None)
                for problem, view, variant, score in list(csv.reader(file))[1:]
            ]
        for view in dict.fromkeys(row.view for row in rows):
            model = path.stem.removeprefix("injection-")
            found[model, VIEWS.get(view, view)] = moved([row for row in rows if row.view == view], planted)
    if not found:
        return dict.fromkeys(("injection", "injection_beyond", "injection_kinds"), NOTHING)
    return {"injection": _passing(found), "injection_beyond": _beyond(found), "injection_kinds": _kinds(found)}


VIEWS = {"all": "full"}
"""Views by the names that they had when they were recorded."""


def _passing(found: Mapping[tuple[str, str], Moved]) -> str:
    head = ("model", "sees", "solutions", "attacks", "as they are, %", "with a sentence, %", "attacked, %", "unscored")
    rows = [
        (
            f"`{model}`",
            view,
            f"{each.n_solutions}",
            f"{each.n_attacks}",
            *(f"{percent(share.estimate)} ({bounds(share)})" for share in (each.clean, each.control, each.attacked)),
            f"{each.n_unscored}",
        )
        for (model, view), each in found.items()
    ]
    return _table(head, rows, labels=2)


def _beyond(found: Mapping[tuple[str, str], Moved]) -> str:
    rows = [(f"`{model}`", view, *(_points(each.beyond.get(name)) for name in AGAINST)) for (model, view), each in found.items()]
    return _table(("model", "sees", *AGAINST), rows, labels=2)


def _points(shift: Interval | None) -> str:
    return f"{100 * shift.estimate:+.1f} ({bounds(shift)})" if shift else "-"


def _kinds(found: Mapping[tuple[str, str], Moved]) -> str:
    columns = [(place, against) for place, each in found.items() for against in AGAINST[1:] if against in each.beyond]
    kinds = dict.fromkeys(kind for each in found.values() for kind in each.by_kind)
    rows = [(kind, *(_of_kind(found[place].by_kind, kind, against) for place, against in columns)) for kind in kinds]
    return _table(("kind", *(f"`{model}`, {view}: {against}" for (model, view), against in columns)), rows)


def _of_kind(by_kind: Mapping[str, Mapping[str, float]], kind: str, against: str) -> str:
    return f"{100 * by_kind[kind][against]:+.1f}" if kind in by_kind else "-"


def moved(rows: Sequence[Row], planted: Sequence[dict[str, str]]) -> Moved:
    """Of one view."""
    kind, place = ({each["id"]: each[name] for each in planted} for name in ("kind", "place"))
    control = {place[name]: name for name in kind if kind[name] == "control"}
    attacks = {name for name in kind if kind[name] != "control"}
    score = {(row.problem, row.variant): row.score for row in rows if row.score is not None}
    shifts: dict[str, list[tuple[str, str, float]]] = defaultdict(list)
    for (problem, name), value in score.items():
        if name in attacks:
            for against, other in zip(AGAINST, (CLEAN, control[place[name]], f"{name}/matched"), strict=True):
                if (problem, other) in score:
                    shifts[against].append((problem, kind[name], value - score[problem, other]))

    def passing(names: set[str]) -> Interval:
        mine = [(problem, float(value >= 0.5)) for (problem, name), value in score.items() if name in names]
        return accuracy([passed for _, passed in mine], [problem for problem, _ in mine])

    by_kind: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for against, found in shifts.items():
        for _, each, shift in found:
            by_kind[each][against].append(shift)
    return Moved(
        n_solutions=len({row.problem for row in rows}),
        n_attacks=len(attacks & {row.variant for row in rows}),
        n_unscored=sum(row.score is None for row in rows),
        clean=passing({CLEAN}),
        control=passing(set(control.values())),
        attacked=passing(attacks),
        beyond={
            name: bootstrap_mean([shift for *_, shift in all_], [problem for problem, *_ in all_])
            for name, all_ in shifts.items()
        },
        by_kind={each: {against: fmean(found) for against, found in mine.items()} for each, mine in by_kind.items()},
    )


if __name__ == "__main__":
    (FOLDER / "README.md").write_text(page(), encoding="utf-8")
