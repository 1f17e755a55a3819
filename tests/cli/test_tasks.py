"""``symposia tasks``, in this process."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from symposia.cli.tasks import tasks
from symposia.core.errors import ConfigError, TaskError, UnknownNameError


def _run(*arguments: str) -> str:
    return CliRunner().invoke(tasks, arguments, catch_exceptions=False).output


def _json(*arguments: str) -> Any:
    return json.loads(_run(*arguments, "--json"))


def test_the_list_names_every_task_with_its_grader() -> None:
    head, *rows = _run().splitlines()
    assert head.split() == ["TASK", "GRADER", "WHAT", "IT", "IS"]
    assert ["gsm8k", "numeric"] in [row.split()[:2] for row in rows]
    assert [each["name"] for each in _json()] == [row.split()[0] for row in rows]


def test_one_task_is_shown_with_its_options() -> None:
    shown = _run("mgsm")
    assert "huggingface.co/datasets/juletxara/mgsm" in shown
    assert "broken down by: language" in shown
    assert "Which languages; all that are found by default." in shown
    assert _json("mgsm")["options"]["language"]["default"] == []
    assert "OPTION" not in _run("gsm8k")


def test_the_problems_of_a_file_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"question": f"{n}?\x1b[2J", "answer": f"#### {n}"}) + "\n" for n in range(20)))
    found = _json("gsm8k", "--data", str(path))
    assert sum(found["problems_by_split"].values()) == 20
    assert "example" not in found
    shown = _run("gsm8k", "--data", str(path), "--example")
    assert f"fingerprint: {found['fingerprint']}" in shown
    assert "example: question" in shown
    assert "\x1b" not in shown


def test_options_reach_the_task() -> None:
    assert _json("builtin", "--example")["example"]["gold"]
    with pytest.raises(UnknownNameError, match="unknown task option 'language' in task builtin"):
        _run("builtin", "--task-option", "language=de")


def test_what_is_wrong_is_said() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown task 'gsm9k' \(did you mean 'gsm8k'\?\)"):
        _run("gsm9k")
    with pytest.raises(ConfigError, match="none is named"):
        _run("--data", "a.jsonl")
    with pytest.raises(TaskError, match="is not there"):
        _run("gsm8k", "--data", "missing.jsonl")
