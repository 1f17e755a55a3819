"""``symposia bench verifier``: from flags to figures, and what is wrong said before anything is spent."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from symposia.research.experiments.files import load
from symposia.research.tasks.item import Split, split_of
from symposia.testing import LoopbackServer


def examiner(prompt: str, sample: int) -> str:
    """Finds what is off: of a whole solution, or of the step that it is to examine."""
    del sample
    if "Examine step" not in prompt:
        return "Score: 10" if "off" in prompt else "Score: 90"
    step = int(re.findall(r"Examine step (\d+)", prompt)[0])
    shown = re.findall(rf'<step number="{step}">(.*?)</step>', prompt, re.DOTALL)[0]
    return "It is.\nVerdict: No" if "off" in shown else "Fine.\nVerdict: Yes"


@pytest.fixture
def server():
    with LoopbackServer(examiner).running() as running:
        yield running


@pytest.fixture
def gsm8k(tmp_path: Path) -> Path:
    """Four solutions of two steps, of which every other one is off in the second."""
    problems = [problem for problem in (f"What is {n} plus 1?" for n in range(20)) if split_of(problem) is Split.DEV][:4]
    rows = [
        {"problem": problem, "steps": ["Begin.", "This is off." if n % 2 else "This is it."], "label": 1 if n % 2 else -1}
        for n, problem in enumerate(problems)
    ]
    path = tmp_path / "gsm8k.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def flags(server: LoopbackServer, gsm8k: Path, *more: str) -> list[str]:
    task = ["--task", "processbench", "--data", str(gsm8k)]
    arms = ["--verifier", "steps=generative", "--verifier", "judge", "--set", "mode=verdict", "--set", "steps:code=false"]
    return ["bench", "verifier", *task, *arms, "--model", f"{server.url}#fake", "--name", "first", *more]


def test_verifiers_side_by_side(symposia, server, gsm8k, tmp_path) -> None:
    planned = symposia(*flags(server, gsm8k, "--dry-run"))
    assert planned.code == 0, planned.err
    assert "8 runs to make" in planned.out
    assert server.requests == []
    ran = symposia(*flags(server, gsm8k))
    assert ran.code == 0, ran.err
    assert re.search(r"steps +gsm8k +2 +100\.0 +2 +100\.0 +100\.0", ran.out)
    assert re.search(r"judge +gsm8k +2 +- +2 +100\.0 +- +-", ran.out)
    assert "judge judges solutions as a whole" in ran.out
    made = len(server.requests)
    assert made == 4 * (2 + 1)
    folder = tmp_path / "experiments" / "first"
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        ["candidates.csv", "experiment.json", "problems.csv", "report.md", "results.csv", "trials.csv"]
    )
    assert [arm.label for arm in load(folder).arms] == ["steps", "judge"], "nobody who writes answers is among them"
    told = symposia(*flags(server, gsm8k, "--json")).json
    assert len(server.requests) == made, "what ended is not run again"
    steps, judge = told["verifiers"]
    assert (steps["arm"], steps["f1"]["estimate"], steps["first_errors"][0]["n_erroneous"]) == ("steps", 1.0, 2)
    assert (judge["by_steps"], judge["f1"], judge["right_side"]["estimate"]) == (False, None, 1.0)
    assert "First errors" in symposia("eval", "report", "first").out
    assert symposia(*flags(server, gsm8k, "--limit", "2", "--task-option", "balanced=true")).code == 2, "another experiment"


def test_a_cap_holds_where_each_run_has_a_budget(symposia, server, gsm8k) -> None:
    ran = symposia(*flags(server, gsm8k, "--budget", "calls=4", "--cap", "calls=9", "--json"))
    assert ran.code == 4, ran.err
    assert 0 < len(server.requests) <= 9


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--task", "procesbench"], "unknown task 'procesbench' (did you mean 'processbench'?)"),
        (["--task", "gsm8k"], "task gsm8k has no solutions to judge (these have: processbench, tara)"),
        ([], "the task is missing: solutions whose worth is known (name one, --task NAME; these have: processbench, tara)"),
        (["--task", "tara", "--verifier", "jugde"], "unknown verifier 'jugde' (did you mean 'judge'?)"),
        (["--task", "tara", "--set", "mod=verdict"], "unknown option 'mod' in judge (did you mean 'mode'?)"),
        (["--task", "tara", "--set", "x:mode=verdict"], "unknown verifier 'x' in --set x:mode=verdict"),
        (["--task", "tara", "--verifier", "judge", "--verifier", "judge"], "there are two verifiers judge (tell them apart"),
        (["--task", "tara", "--set", "samples=3"], "several samples need mode=verdict"),
        (["--task", "tara", "--data", "none.jsonl"], "none.jsonl is not there"),
        (["--task", "tara", "--task-option", "tools=calculator"], "unknown task option 'tools'"),
        (["--task", "tara", "--task-option", "solutions=false"], "option solutions is given twice"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_spent(symposia, server, more, said) -> None:
    ran = symposia("bench", "verifier", "--model", f"{server.url}#fake", *more)
    assert (ran.code, ran.out) == (2, ""), ran.err
    assert said in ran.err
    assert server.requests == []


def test_help_lists_what_there_is(symposia) -> None:
    assert "\n  bench " in symposia("--help").out
    assert "\n  verifier " in symposia("bench", "--help").out
    assert "--dry-run" in symposia("bench", "verifier", "--help").out
