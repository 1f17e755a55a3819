from __future__ import annotations

import csv
import io
from pathlib import Path

from symposia.research.experiments.files import in_order, load, save
from symposia.research.experiments.findings import study
from symposia.research.experiments.records import Arm, Evidence, ProblemRow
from symposia.research.experiments.tool_use import ToolUse
from symposia.research.reports.results import write_results
from symposia.research.reports.write import terminal_table

from ..invented import GREEDY, PLAN, POLICY, trial

REACT = Arm(label="react", strategy="react", team=POLICY)


def _counts(calls: int, justified: int = 0, failed: int = 0, repeated: int = 0) -> dict[str, int]:
    return {"calls": calls, "justified": justified, "failed": failed, "repeated": repeated}


def _evidence(*, baseline: bool = True) -> Evidence:
    problems = tuple(ProblemRow(id=name, gold="7") for name in "abc")
    react = [
        trial("a", "react", tools=_counts(3, justified=2, failed=1)),
        trial("b", "react", tools=_counts(1, justified=1, repeated=1)),
        trial("c", "react", tools=_counts(0)),
    ]
    greedy = [trial("a", "greedy"), trial("b", "greedy", credit=0.0), trial("c", "greedy")] if baseline else []
    arms = (GREEDY, REACT) if baseline else (REACT,)
    return Evidence("sums", PLAN, arms, problems, (*greedy, *react), ())


def test_calls_on_what_the_greedy_answer_solves_are_needless() -> None:
    assert study(_evidence()).tool_use == (ToolUse("react", 3, 4, 3, 1, 1, judged=4, needless=3),)


def test_without_a_greedy_arm_nobody_knows_what_was_needed() -> None:
    (used,) = study(_evidence(baseline=False)).tool_use
    assert (used.calls, used.judged, used.needless) == (4, None, None)


def test_report_and_results_say_it() -> None:
    findings = study(_evidence())
    assert "react      4             1.33       75.0    25.0      25.0      75.0" in terminal_table(findings)
    file = io.StringIO()
    write_results(findings, file)
    rows = [row for row in csv.DictReader(io.StringIO(file.getvalue())) if row["what"] == "tools"]
    wanted = {**_counts(4, 3, 1, 1), "judged": 4, "needless": 3}
    assert {row["name"]: int(row["estimate"]) for row in rows} == wanted


def test_evidence_from_before_there_were_tools_is_read(tmp_path: Path) -> None:
    save(_evidence(), tmp_path)
    assert load(tmp_path) == in_order(_evidence())
    with (tmp_path / "trials.csv").open(newline="") as file:
        rows = [row[:-1] for row in csv.reader(file)]
    with (tmp_path / "trials.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    assert all(one.tools == {} for one in load(tmp_path).trials)
