"""Runs written out, read back, and removed."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from symposia.testing import Fault, LoopbackServer

pytestmark = pytest.mark.integration  # they start many processes: together they take minutes


@pytest.fixture
def run_id(symposia) -> str:
    """A finished run with four candidates, one failed call and a table mark in a text."""
    with LoopbackServer([r"a | b" + "\n# no heading\n" + r"\boxed{18}"], faults=[None, Fault.answer(400)]).running() as server:
        options = [
            "--set",
            "n=4",
            "--set",
            "batched=false",
            "--set",
            "window=1",
            "--set",
            "stop=beta",
            "--set",
            "confidence=0.999",
        ]
        ran = symposia("solve", "6 + 12?", "--model", f"{server.url}#fake", *options, "--json")
    assert ran.code == 0, ran.err
    return ran.json["run_id"]


def test_a_copy_comes_back_as_it_was(symposia, run_id: str, tmp_path: Path) -> None:
    out = symposia("run", "export", run_id)
    assert symposia("run", "export", run_id, "-o", "run.jsonl").out == ""
    assert (tmp_path / "run.jsonl").read_text() == out.out
    assert (tmp_path / "run.jsonl").stat().st_mode & 0o077 == 0
    result = symposia("run", "export", run_id, "--format", "json").json
    imported = symposia("run", "import", "run.jsonl", "--store", "other.db")
    assert imported.out == f"{run_id}\n"
    assert symposia("run", "export", run_id, "--store", "other.db").out == out.out
    assert symposia("run", "replay", run_id, "--store", "other.db").out == "18\n"
    second = symposia("run", "import", "-", "--json", stdin=out.out).json
    assert second["run_id"] != run_id, "its own id is taken"
    assert symposia("run", "export", second["run_id"], "--format", "json").json == result | {"run_id": second["run_id"]}


def test_a_page_to_read(symposia, run_id: str) -> None:
    page = symposia("run", "export", run_id, "--format", "md").out
    for part in (f"# Run {run_id}", "> 6 + 12?", "> 18", "| 18 | 3 |", "> a | b", "> # no heading", "answered 400", "| policy |"):
        assert part in page
    assert page.count("## Candidate") == 3
    assert "\n# no heading" not in page


def test_an_existing_file_is_kept_unless_forced(symposia, run_id: str, tmp_path: Path) -> None:
    (tmp_path / "run.jsonl").write_text("mine")
    refused = symposia("run", "export", run_id, "-o", "run.jsonl")
    assert (refused.code, (tmp_path / "run.jsonl").read_text()) == (2, "mine")
    assert "--force" in refused.err
    assert symposia("run", "export", run_id, "-o", "run.jsonl", "--force").code == 0
    assert "symposia-run" in (tmp_path / "run.jsonl").read_text()


def test_a_full_disk_leaves_nothing(symposia, tmp_path: Path, environment: dict[str, str]) -> None:
    with LoopbackServer(["long " * 60_000 + r"\boxed{18}"]).running() as server:
        run_id = symposia(
            "solve", "?", "--strategy", "greedy", "--set", "max_tokens=99999", "--model", f"{server.url}#fake", "--json"
        ).json["run_id"]
    command = [sys.executable, "-m", "symposia.cli", "run", "export", run_id, "-o", "run.jsonl"]
    before = sorted(tmp_path.iterdir())
    done = subprocess.run(
        command,
        check=False,
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2**18, 2**18)),
    )
    assert done.returncode == 1, done.stderr
    assert "no space left for run.jsonl" in done.stderr
    assert sorted(tmp_path.iterdir()) == before


def test_what_cannot_be_written_or_read(symposia, run_id: str, tmp_path: Path) -> None:
    assert symposia("run", "export", run_id, "-o", "no/such/folder").code == 2
    assert symposia("run", "import", "nothing.jsonl").code == 2
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert "not UTF-8" in symposia("run", "import", "binary").err
    cut = symposia("run", "export", run_id).out.rsplit("\n", 2)[0]
    ran = symposia("run", "import", "-", stdin=cut)
    assert (ran.code, "was cut" in ran.err) == (1, True)
    assert len(symposia("run", "list", "--json").json) == 1


def test_a_run_without_a_result_has_no_json(symposia, run_id: str) -> None:
    queued = symposia("run", "fork", run_id, "--no-run").out.strip()
    assert symposia("run", "export", queued, "--format", "json").code == 2
    assert "(none yet)" in symposia("run", "export", queued, "--format", "md").out


def test_a_fork_says_where_it_comes_from(symposia, run_id: str) -> None:
    made = symposia("run", "fork", run_id, "--at", "3", "--no-run", "--json")
    fork = made.json["run_id"]
    assert f"fork of {run_id} at self-consistency/propose.0.0: 1 call" in made.err
    assert f"fork of   {run_id} at" in symposia("run", "show", fork).out
    head = json.loads(symposia("run", "export", fork).out.splitlines()[0])
    assert head["run"]["spec"]["forked_from"]["run_id"] == run_id
    assert f"forked from: {run_id}" in symposia("run", "export", fork, "--format", "md").out


def test_a_fork_goes_on_at_once(symposia, run_id: str) -> None:
    with LoopbackServer([r"\boxed{18}"]).running() as server:
        options = ["--model", f"{server.url}#fake", "--set", "n=6", "--json"]
        fork = symposia("run", "fork", run_id, *options)
        assert (fork.code, len(fork.json["candidates"]), len(server.requests)) == (0, 5, 2), fork.err
        diverged = symposia("run", "fork", run_id, "--set", "temperature=0.1", *options)
    assert (diverged.code, diverged.json["error"]["code"]) == (1, "replay_diverged")
    assert len(server.requests) == 2


def test_removing_asks(symposia, run_id: str) -> None:
    refused = symposia("run", "rm", run_id)
    assert (refused.code, "--yes" in refused.err) == (2, True)
    assert symposia("run", "rm", run_id[:8], "--yes").code == 0
    assert symposia("run", "list", "--json").json == []
    assert symposia("run", "rm", run_id, "--yes").code == 2


@pytest.mark.parametrize(("answer", "code", "left"), [("n", 130, 1), ("y", 0, 0)])
def test_a_terminal_is_asked(symposia, run_id: str, tmp_path: Path, environment, answer: str, code: int, left: int) -> None:
    ours, theirs = os.openpty()
    os.write(ours, f"{answer}\n".encode())
    command = [sys.executable, "-m", "symposia.cli", "run", "rm", run_id]
    done = subprocess.run(command, check=False, cwd=tmp_path, env=environment, stdin=theirs, capture_output=True, text=True)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == code, done.stderr
    assert f"Remove {run_id} for good?" in done.stderr
    assert len(symposia("run", "list", "--json").json) == left


def test_pruning(symposia, run_id: str) -> None:
    assert symposia("run", "prune", "--yes").code == 2, "something must say what is old"
    assert symposia("run", "prune", "--older-than", "soon", "--yes").code == 2
    assert symposia("run", "prune", "--older-than", "30d", "--json").json == {"runs": []}
    other = symposia("run", "import", "-", stdin=symposia("run", "export", run_id).out).out.strip()
    queued = symposia("run", "fork", run_id, "--no-run").out.strip()
    dry = symposia("run", "prune", "--older-than", "0s", "--keep", "1", "--dry-run")
    assert "1 run would be removed" in dry.err
    assert len(symposia("run", "list", "--json").json) == 3
    assert symposia("run", "prune", "--older-than", "0s").code == 2, "nobody can be asked"
    done = symposia("run", "prune", "--older-than", "0s", "--keep", "1", "--yes", "--json")
    assert len(done.json["runs"]) == 1
    assert "given back" in done.err
    assert symposia("run", "prune", "--keep", "0", "--state", "queued", "--yes", "--json").json == {"runs": [queued]}
    left = {run["id"] for run in symposia("run", "list", "--json").json}
    assert left == {run_id, other} - set(done.json["runs"])
