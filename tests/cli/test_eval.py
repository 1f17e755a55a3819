"""``symposia eval``: experiments from the command line."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from symposia.research.experiments.files import load
from symposia.research.tasks.item import Split, split_of
from symposia.testing import Fault, LoopbackServer


def add(prompt: str, sample: int) -> str:
    words = prompt.rsplit("What is ", 1)[1].split("?", maxsplit=1)[0].split(" plus ")
    return f"So \\boxed{{{int(words[0]) + int(words[1]) + (sample % 4 == 3)}}}."


@pytest.fixture
def server():
    with LoopbackServer(add).running() as running:
        yield running


@pytest.fixture(autouse=True)
def no_plot(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes longer than all the rest; one test does it."""

    def missing(_findings: object) -> None:
        raise ImportError

    if "from_flags_to_files" not in request.node.name:
        monkeypatch.setattr("symposia.research.reports.write.plot", missing)


@pytest.fixture
def sums(tmp_path: Path) -> Path:
    """Four sums of the dev split, and some of the test split."""
    rows = [{"question": f"What is {n} plus {n + 1}?", "answer": str(2 * n + 1)} for n in range(40)]
    dev = [row for row in rows if split_of(row["question"]) is Split.DEV][:4]
    test = [row for row in rows if split_of(row["question"]) is Split.TEST][:2]
    path = tmp_path / "sums.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*dev, *test]))
    return path


def flags(server: LoopbackServer, sums: Path, *more: str) -> list[str]:
    task = ["--data", str(sums), "--define", "answer_kind=number"]
    vote = ["--strategy", "self-consistency", "--set", "n=4", "--set", "batched=false"]
    return ["eval", *task, *vote, "--model", f"{server.url}#fake", "--name", "sums", *more]


def test_an_experiment_from_flags_to_files(symposia, server, sums, tmp_path) -> None:
    ran = symposia(*flags(server, sums))
    assert ran.code == 0, ran.err
    assert "greedy" in ran.out
    assert "self-consistency" in ran.out
    assert "results of sums are in experiments/sums" in ran.err
    evidence = load(tmp_path / "experiments" / "sums")
    assert [trial.credit for trial in evidence.trials] == [1.0] * 8
    assert (tmp_path / "experiments" / "sums" / "report.md").is_file()
    made = len(server.requests)
    assert made == 4 * 5
    again = symposia(*flags(server, sums, "--out", "elsewhere"))
    assert (again.code, again.out, len(server.requests)) == (0, ran.out, made)
    assert load(tmp_path / "elsewhere") == evidence
    assert symposia(*flags(server, sums, "--seeds", "0,1", "--limit", "1")).code == 0
    assert len(server.requests) == made + 5


def test_a_question_that_stands_twice_is_asked_once_and_told(symposia, server, sums) -> None:
    sums.write_text(sums.read_text() + sums.read_text().splitlines()[0])
    ran = symposia(*flags(server, sums, "--json"))
    assert ran.json["problems"] == 4
    assert f"1 questions of {sums} stand there before: each is asked once" in ran.err


def test_a_file_is_the_same_experiment(symposia, server, sums, tmp_path) -> None:
    assert symposia(*flags(server, sums)).code == 0
    made = len(server.requests)
    (tmp_path / "e.toml").write_text(
        f'name = "sums"\nmodels = ["{server.url}#fake"]\n[task]\ndata = "sums.jsonl"\nanswer_kind = "number"\n'
        '[[strategies]]\nname = "self-consistency"\noptions = { n = 4, batched = false }\n'
    )
    ran = symposia("eval", "e.toml", "--json")
    assert (ran.code, len(server.requests)) == (0, made), ran.err
    assert ran.json["ending"] == "complete"
    assert ran.json["runs"] == {"asked": 8, "ended": 8, "failed": {}, "not_made": 0}


def test_a_dry_run_spends_nothing_and_says_where_its_figures_are_from(symposia, server, sums) -> None:
    ran = symposia(*flags(server, sums, "--dry-run"))
    assert ran.code == 0, ran.err
    assert "8 runs to make" in ran.out
    assert "at most: no earlier runs" in ran.out
    assert server.requests == []
    assert symposia("eval", "list", "--json").json == []
    symposia(*flags(server, sums, "--limit", "2"))
    planned = symposia(*flags(server, sums, "--dry-run", "--json")).json
    assert [(arm["label"], arm["runs"], arm["most_calls"]) for arm in planned["arms"]] == [
        ("greedy", 2, 2),
        ("self-consistency", 2, 8),
    ]
    assert {arm["basis"] for arm in planned["arms"]} == {"2 earlier runs of this kind"}
    symposia(*flags(server, sums))
    assert "nothing is left to run" in symposia(*flags(server, sums, "--dry-run")).out


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--task", "gsm9k", "--strategy", "greedy", "--model", "m"], "unknown task 'gsm9k' (did you mean 'gsm8k'?)"),
        (["--task", "builtin"], "strategies is missing (name at least one: --strategy"),
        (["--task", "builtin", "--strategy", "gredy"], "unknown strategy 'gredy' (did you mean 'greedy'?)"),
        (["--task", "builtin", "--strategy", "greedy", "--set", "tempo=1"], "unknown option 'tempo' in greedy"),
        (["--task", "builtin", "--strategy", "greedy", "--seeds", "a"], "seeds 'a' are not whole numbers"),
        (["--task", "builtin", "--strategy", "greedy", "--team", "x"], "there is no saved team 'x'"),
        (["--task", "builtin", "--set", "n=3"], "--set changes a strategy, and none is named"),
        (["--task", "builtin", "--strategy", "greedy"], "an experiment names its models"),
        (["--task", "builtin", "--strategy", "greedy", "--model", "nomodel"], "unknown model 'nomodel'"),
        (["none.toml"], "none.toml cannot be read"),
        (["shwo"], "shwo cannot be read"),
        (["show", "x"], "unknown experiment 'x'"),
    ],
)
def test_what_is_wrong_is_said_before_anything_is_spent(symposia, more, said) -> None:
    ran = symposia("eval", *more)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_model_that_vanished_is_exit_code_5_and_the_rest_is_kept(symposia, sums, server, tmp_path) -> None:
    model = f"{server.url}#fake"
    rows = [{"question": f"What is {n} plus {n + 1}?", "answer": str(2 * n + 1)} for n in range(60)]
    sums.write_text("".join(json.dumps(row) + "\n" for row in rows))
    more = ["--name", "gone", "--data", str(sums), "--define", "answer_kind=number", "--strategy", "greedy", "--model", model]
    assert symposia("eval", *more, "--limit", "3").code == 0
    server.fail_next(*[Fault.server_error()] * 60)
    ran = symposia("eval", *more, "--in-flight", "1", env={"SYMPOSIA_MAX_ATTEMPTS": "1"})
    assert ran.code == 5, ran.err
    assert "5 runs in a row failed with" in ran.err
    assert "runs failed (5 by server); the same command tries them again" in ran.err
    assert len(load(tmp_path / "experiments" / "gone").trials) == 3 + 5


def test_a_cap_is_exit_code_4(symposia, server, sums) -> None:
    ran = symposia(*flags(server, sums, "--cap", "calls=7", "--json"))
    assert ran.code == 4, ran.err
    assert "the cap was reached: a run of self-consistency may take up to 4 calls, where 1 are left" in ran.err
    assert "5 of 8 runs were not made" in ran.err
    assert ran.json["ending"] == "cap"
    assert symposia(*flags(server, sums, "--cap", "calls=20")).code == 0


def test_record_makes_the_pool_that_later_experiments_draw_from(symposia, environment, server, sums, tmp_path) -> None:
    catalogue = Path(environment["XDG_CONFIG_HOME"]) / "symposia"
    catalogue.mkdir(parents=True)
    (catalogue / "models.toml").write_text(
        f'[models.able]\nendpoint = "{server.url}"\ntransport = "direct"\n'
        'served_name = "fake"\nabilities = ["chat", "logprobs"]\n'
    )
    asked = ["--data", str(sums), "--define", "answer_kind=number", "--model", "able", "--name", "pool"]
    ran = symposia("eval", "record", "-n", "3", "--max-tokens", "64", "--limit", "2", *asked)
    assert ran.code == 0, ran.err
    evidence = load(tmp_path / "experiments" / "pool")
    assert [arm.options for arm in evidence.arms] == [
        {"max_tokens": 64, "logprobs": True},
        {"n": 3, "batched": False, "max_tokens": 64, "logprobs": True},
    ]
    assert len(evidence.samples) == 2 * (1 + 3)
    assert all(sample.logprob is not None and sample.completion_tokens for sample in evidence.samples)


def test_list_show_and_remove(symposia, server, sums) -> None:
    assert "no experiments yet" in symposia("eval", "list").err
    symposia(*flags(server, sums))
    assert "8 of 8" in symposia("eval", "list").out
    shown = symposia("eval", "show", "sums").out
    assert "4 problems" in shown
    assert "8 finished, of 8" in shown
    assert "problems" not in symposia("eval", "show", "sums", "--json").json["plan"]
    assert symposia("run", "list", "--json").json == []
    removed = symposia("eval", "rm", "sums", "--yes")
    assert "removed experiment sums with 8 runs" in removed.err
    assert symposia("run", "list", "--experiment", "sums").code == 2


def test_a_test_split_is_opened_on_record(symposia, server, sums) -> None:
    closed = symposia(*flags(server, sums, "--split", "test"))
    assert closed.code == 2
    assert "--open-test REASON" in closed.err
    assert "no test split was opened yet" in symposia("eval", "openings").err
    assert symposia(*flags(server, sums, "--split", "test", "--open-test", "final figures")).code == 0
    (opening,) = symposia("eval", "openings", "--json").json
    assert (opening["reason"], opening["experiment"]) == ("final figures", "sums")
    assert "final figures" in symposia("eval", "openings").out


def test_help_lists_what_there_is(symposia) -> None:
    out = symposia("eval", "--help").out
    for command in ("run", "record", "list", "show", "report", "compare", "subsample", "rm", "openings"):
        assert f"\n  {command} " in out
    assert "--dry-run" in symposia("eval", "run", "--help").out


def test_ctrl_c_ends_softly_and_the_same_command_goes_on(symposia, environment, sums, tmp_path) -> None:
    with LoopbackServer(add, latency=0.1).running() as server:
        command = [sys.executable, "-m", "symposia.cli", *flags(server, sums, "--in-flight", "1")]
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, text=True, **pipes)
        deadline = time.monotonic() + 30
        while not server.requests and time.monotonic() < deadline:
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert process.returncode == 130, err
        assert "stopping; Ctrl-C again ends at once" in err
        assert "runs were not made; the same command goes on with them" in err
        made = len(server.requests)
        assert 0 < made < 20
        ran = symposia(*flags(server, sums))
        assert ran.code == 0, ran.err
        assert len(server.requests) == 20, "nothing is asked twice"
