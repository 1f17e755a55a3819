"""The numbers of README.md, computed from the evidence beside it: ``python docs/experiments/tools/facts.py`` writes the page.

README.md.in is the text, with the name of a fact in braces wherever a number stands; it has no number of its own.
"""

from __future__ import annotations

from pathlib import Path

from symposia.research.experiments.comparisons import Comparison
from symposia.research.experiments.files import load
from symposia.research.experiments.findings import Findings, study
from symposia.research.experiments.records import Evidence
from symposia.research.reports.document import bounds, percent, tokens

FOLDER = Path(__file__).resolve().parent
ARMS = {"greedy": "greedy", "vote": "self-consistency", "program": "program-of-thought", "react": "react"}


def page() -> str:
    """README.md as it has to be."""
    return (FOLDER / "README.md.in").read_text(encoding="utf-8").format_map(facts())


def facts() -> dict[str, str]:
    """Every fact by its name; those of one arm begin with its short name."""
    found = study(load(FOLDER / "runs"))
    return {
        "arms": _table(found),
        "n": f"{found.arms[0].n_problems}",
        **{f"{short}_{fact}": said for short in ("program", "react") for fact, said in _sentences(found, ARMS[short]).items()},
        **_tools(found),
        **_by_calls(found.evidence),
    }


def _table(found: Findings) -> str:
    by_label = {each.arm.label: each for each in found.arms}
    lines = ["| arm | accuracy | 95 % | tokens | tokens / solved | samples | cut | unread |", "| :-- |" + " --: |" * 7]
    for label in ARMS.values():
        each = by_label[label]
        cells = [
            label,
            percent(each.accuracy.estimate if each.accuracy else None),
            bounds(each.accuracy),
            tokens(each.cost_tokens),
            tokens(each.per_solved.tokens),
            f"{each.n_samples}",
            f"{each.n_truncated}",
            f"{each.n_unparsed}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _sentences(found: Findings, arm: str) -> dict[str, str]:
    mine = [each for each in found.comparisons if each.a == arm]
    (greedy,) = [each for each in mine if each.b == ARMS["greedy"]]
    (vote,) = [each for each in mine if each.b != ARMS["greedy"]]
    return {"greedy": _said(greedy), "equal": _said(vote)}


def _said(each: Comparison) -> str:
    return f"{each.sentence} {each.note}".strip()


def _tools(found: Findings) -> dict[str, str]:
    (used,) = found.tool_use
    of_calls = {name: getattr(used, name) / used.calls for name in ("justified", "failed", "repeated")}
    return {
        "calls": f"{used.calls}",
        "calls_each": f"{used.calls / used.n_trials:.2f}",
        **{name: f"{percent(share)} %" for name, share in of_calls.items()},
        "needless": f"{percent((used.needless or 0) / used.judged) if used.judged else '-'} %",
    }


def _by_calls(evidence: Evidence) -> dict[str, str]:
    """Problems solved by ``react`` and by the greedy answer, where the former called tools and where it did not."""
    greedy = {trial.problem: trial.credit for trial in evidence.trials if trial.arm == ARMS["greedy"]}
    react = [trial for trial in evidence.trials if trial.arm == ARMS["react"]]
    said = {}
    for name, trials in (
        ("with", [t for t in react if t.tools["calls"]]),
        ("without", [t for t in react if not t.tools["calls"]]),
    ):
        said[f"{name}_n"] = f"{len(trials)}"
        said[f"{name}_react"] = f"{sum(trial.credit for trial in trials):.0f}"
        said[f"{name}_greedy"] = f"{sum(greedy[trial.problem] for trial in trials):.0f}"
    return said


if __name__ == "__main__":
    (FOLDER / "README.md").write_text(page(), encoding="utf-8")
