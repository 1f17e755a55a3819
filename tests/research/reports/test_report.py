from __future__ import annotations

import csv
import dataclasses
import io
import math
import os
import sys
from pathlib import Path

import pytest

from symposia.core.errors import ConfigError
from symposia.research.experiments.findings import Findings, study
from symposia.research.experiments.records import Arm, Evidence
from symposia.research.reports import terminal_table, write_report
from symposia.research.reports.document import quantity, tokens
from symposia.research.reports.render import WIDTH, markdown, terminal
from symposia.research.reports.results import Line, lines, write_results
from symposia.research.reports.sections import document

from ..invented import BEST, GREEDY, VOTE, evidence, sample, trial

GOLDEN = Path(__file__).parent / "golden"


def _nasty() -> Evidence:
    """Few problems, lost calls, unknown prices, an arm that failed everywhere, and names that try to break out."""
    long = Arm(
        label="a|b *c* [d](e) \x1b[31m of a name that is much too long for a column", strategy="greedy", team={"policy": "x"}
    )
    whole = evidence(GREEDY, VOTE, BEST, problems=6, seeds=(0, 1), draw=4)
    ids = [row.id for row in whole.problems]
    extra = [trial(one, long.label, status="failed", credit=0.0, answer=None, lost_tokens=1000) for one in ids[:4]]
    priced = [
        dataclasses.replace(one, dollars=0.0001, failures={"timeout": 1}) if one.arm == "greedy" else one for one in whole.trials
    ]
    return dataclasses.replace(whole, arms=(*whole.arms, long), trials=(*priced, *extra))


@pytest.fixture(scope="module")
def nasty() -> Findings:
    return study(_nasty())


def _golden(name: str, text: str) -> None:
    """Compare with the file kept; ``SYMPOSIA_GOLDEN=write`` keeps a new one, to be looked at before it is committed."""
    path = GOLDEN / name
    if os.environ.get("SYMPOSIA_GOLDEN") == "write":
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def test_the_terminal_report_looks_so(nasty: Findings) -> None:
    _golden("terminal.txt", terminal(document(nasty)) + "\n")


def test_the_markdown_report_looks_so(nasty: Findings) -> None:
    _golden("report.md", markdown(document(nasty), picture="accuracy.svg"))


def _results(findings: Findings) -> str:
    file = io.StringIO()
    write_results(findings, file)
    return file.getvalue()


def test_the_results_look_so(nasty: Findings) -> None:
    _golden("results.csv", _results(nasty))


def test_the_terminal_report_fits_and_holds_no_escape(nasty: Findings) -> None:
    text = terminal(document(nasty))
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "\x1b" not in text
    assert "\x1b[31m" not in terminal(document(nasty), colour=True)
    assert "\x1b[1m" in terminal(document(nasty), colour=True)


def test_every_number_of_the_results_is_one_of_the_findings(nasty: Findings) -> None:
    rows = list(csv.DictReader(io.StringIO(_results(nasty))))
    assert tuple(rows[0]) == Line._fields
    assert len(rows) == len(list(lines(nasty)))
    accuracy = {row["arm"]: float(row["estimate"]) for row in rows if row["what"] == "accuracy"}
    assert accuracy == pytest.approx({each.arm.label: each.accuracy.estimate for each in nasty.arms if each.accuracy})
    compared = [(row["arm"], row["name"], float(row["p_holm"])) for row in rows if row["what"] == "comparison"]
    assert [(a, b) for a, b, _ in compared] == [(each.a, each.b) for each in nasty.comparisons]
    assert [p for *_, p in compared] == pytest.approx([each.p_adjusted for each in nasty.comparisons])


def test_the_same_evidence_is_the_same_report(tmp_path: Path) -> None:
    whole = evidence(GREEDY, VOTE, problems=8)
    findings = study(whole)
    written = [write_report(findings, tmp_path / name) for name in ("a", "b")]
    assert [path.name for path in written[0].files] == ["report.md", "results.csv", "accuracy.png", "accuracy.svg"]
    assert written[0].note is None
    for mine, its in zip(written[0].files, written[1].files, strict=True):
        assert mine.read_bytes() == its.read_bytes(), mine.name
    svg = (tmp_path / "a" / "accuracy.svg").read_text(encoding="utf-8")
    assert "<dc:date>" not in svg
    assert (tmp_path / "a" / "accuracy.png").read_bytes().startswith(b"\x89PNG")
    assert "![Accuracy against cost tokens](accuracy.svg)" in (tmp_path / "a" / "report.md").read_text(encoding="utf-8")


def test_without_matplotlib_all_else_is_written_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    written = write_report(study(evidence(GREEDY, problems=3)), tmp_path)
    assert [path.name for path in written.files] == ["report.md", "results.csv"]
    assert written.note is not None
    assert 'pip install "symposia[reports]"' in written.note
    assert "![" not in (tmp_path / "report.md").read_text(encoding="utf-8")


def test_where_nothing_has_a_result_there_is_no_picture(tmp_path: Path) -> None:
    whole = evidence(GREEDY, VOTE, problems=2)
    lost = dataclasses.replace(whole, trials=tuple(dataclasses.replace(one, status="failed") for one in whole.trials))
    findings = study(lost)
    assert write_report(findings, tmp_path).note == "the plot was left out: no arm has a result yet"
    assert "2" in terminal_table(findings)


def test_one_free_problem_can_be_drawn(tmp_path: Path) -> None:
    """No width, no interval, and a cost of nothing on a logarithmic axis."""
    free = {"prompt_tokens": 0, "completion_tokens": 0, "question_tokens": 0, "sample_tokens": 0}
    arm = VOTE.label
    whole = evidence(VOTE, problems=1)
    one = whole.problems[0].id
    samples = tuple(sample(one, arm, i, completion_tokens=0) for i in range(2))
    findings = study(dataclasses.replace(whole, trials=(trial(one, arm, **free),), samples=samples))
    assert len(write_report(findings, tmp_path).files) == 4


def test_more_arms_than_colours_can_be_drawn(tmp_path: Path) -> None:
    arms = [GREEDY.model_copy(update={"label": f"arm {i}", "team": {"policy": f"m{i}"}}) for i in range(9)]
    assert len(write_report(study(evidence(*arms, problems=2)), tmp_path).files) == 4


def test_small_runs_say_that_they_are_demonstrations() -> None:
    small, large = (terminal_table(study(evidence(GREEDY, problems=n))) for n in (4, 100))
    assert "With 4 problems this is a demonstration: nothing is called better on fewer than 100." in small
    assert "demonstration" not in large


def test_the_oracle_stands_beside_every_selected_accuracy() -> None:
    report = document(study(evidence(GREEDY, BEST, problems=5)))
    for section in report.sections:
        if section.table and "accuracy" in section.table.head and not section.detail:
            assert "pass@N" in section.table.head or any(row[0] == "pass@N" for row in section.table.rows)


def test_a_folder_that_cannot_be_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="cannot be made"):
        write_report(study(evidence(GREEDY, problems=2)), tmp_path / "file")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, "-"), (0.0, "0"), (0.000123456, "$0.000123"), (1.0, "$1.00"), (12.345, "$12.3"), (123456.7, "$123,457")],
)
def test_quantities_have_three_digits_that_count(value: float | None, shown: str) -> None:
    assert quantity(value, "$" if value else "") == shown
    assert tokens(None) == "-"


def test_every_number_of_one_problem_is_finite() -> None:
    numbers = [value for line in lines(study(evidence(GREEDY, VOTE, problems=1))) for value in line if isinstance(value, float)]
    assert numbers
    assert all(map(math.isfinite, numbers))
