"""The table of docs/tasks.md says what the registry says."""

from __future__ import annotations

from pathlib import Path

from symposia.research.tasks.task import TASKS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "tasks.md"


def test_the_table_lists_every_task_with_its_grader_and_repository() -> None:
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in PAGE.read_text(encoding="utf-8").splitlines()
        if line.startswith("| `")
    ]
    ours = {name: task for name, task in TASKS.all().items() if task.read.__module__.startswith("symposia.")}
    assert [row[0].strip("`") for row in rows] == sorted(ours)
    for name, _, answer, grader, where, licence in rows:
        task = ours[name.strip("`")]
        assert grader == task.grader
        assert task.answer_kind in answer.split()
        assert (task.hub.repo if task.hub else "generated" if task.generate else "comes with") in where
        assert task.source.rpartition("; ")[2].split(",")[0].startswith(licence.split(";")[0]) or licence == "ours"
