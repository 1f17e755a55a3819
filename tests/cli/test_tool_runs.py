"""Runs with tools by the command: programs, calls that a person is asked about, and a process killed around a call."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from symposia.core.records import EntryStatus
from symposia.memory.store import Store
from symposia.testing import LoopbackServer

CALL = "Thought: to be sure\nAction: calculator\nAction Input: 3 * 4"


def reply(prompt: str, sample: int) -> str:
    return r"So it is \boxed{12}." if "Observation: {" in prompt else CALL


def react(server: LoopbackServer, *more: str) -> list[str]:
    return ["solve", "3 * 4?", "--strategy", "react", "--model", f"{server.url}#fake", "--json", *more]


def until(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_program_from_question_to_answer(symposia) -> None:
    with LoopbackServer("Let me see.\n```python\nanswer = sum(range(5)) + 2\n```").running() as server:
        asked = ["solve", "How much?", "--strategy", "program-of-thought", "--model", f"{server.url}#fake", "--json"]
        ran = symposia(*asked, env={"SYMPOSIA_SANDBOX": "monty"})
    assert (ran.code, ran.json["answer"]) == (0, "12")
    assert "Output:\nanswer = 12" in ran.json["candidate"]["text"]


def test_a_sandbox_that_there_is_not_is_a_sentence(symposia) -> None:
    ran = symposia("solve", "How much?", "--strategy", "program-of-thought", env={"SYMPOSIA_SANDBOX": "none"})
    assert (ran.code, "SYMPOSIA_SANDBOX: sandbox = 'none'" in ran.err) == (2, True)


@pytest.mark.parametrize("point", ["tool-returned:1", "journal-committed:2"])
def test_killed_around_a_tools_call(symposia, symposia_process, tmp_path: Path, point: str) -> None:
    """Before the result is journaled the call is made again; after that it is not."""
    with LoopbackServer(reply).running() as server:
        killed = symposia_process(*react(server, "--store", "runs.db"), env={"SYMPOSIA_FAILPOINT": point})
        assert killed.code == -9
        (record,) = symposia("run", "list", "--store", "runs.db", "--json").json
        assert record["state"] == "interrupted"
        known = _journal(tmp_path / "runs.db", record["id"])
        assert known == ["react/think.0.0"] + ["react/act.0.0"] * point.startswith("journal")
        resumed = symposia("run", "resume", record["id"], "--store", "runs.db", "--json")
        assert len(server.requests) == 2
    assert (resumed.code, resumed.json["answer"]) == (0, "12")
    assert _journal(tmp_path / "runs.db", record["id"]) == ["react/think.0.0", "react/act.0.0", "react/think.1.0"]


def _journal(place: Path, run_id: str) -> list[str]:
    async def read() -> list[str]:
        async with await Store.open(place) as store:
            return [entry.key for entry in await store.journal(run_id) if entry.status is EntryStatus.DONE]

    return asyncio.run(read())


def test_a_word_from_elsewhere(symposia, tmp_path: Path, environment: dict[str, str]) -> None:
    with LoopbackServer(reply).running() as server:
        command = [sys.executable, "-m", "symposia.cli", *react(server, "--approve", "calculator=ask", "--store", "runs.db")]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL
        )
        waiting = ["run", "list", "--state", "waiting", "--store", "runs.db", "--json"]
        try:
            until(lambda: (tmp_path / "runs.db").exists() and bool(symposia(*waiting).json))
            (record,) = symposia(*waiting).json
            said = symposia("run", "respond", record["id"], "deny", "--note", "by head", "--store", "runs.db", "--json")
            assert said.json["response"] == {"about": "react/act.0.0", "approve": False, "note": "by head"}
            out, err = process.communicate(timeout=20)
        finally:
            process.kill()
            process.communicate()
    assert json.loads(out)["answer"] == "12"
    assert "a person did not allow this call: by head" in json.loads(out)["candidate"]["text"]
    assert f"`symposia run respond {record['id']} approve --call react/act.0.0`" in err.decode()
    again = symposia("run", "respond", record["id"], "approve", "--store", "runs.db")
    assert (again.code, "waits for a word" in again.err) == (2, True)


def test_a_word_at_the_terminal(tmp_path: Path, environment: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    with LoopbackServer(reply).running() as server:
        command = [sys.executable, "-m", "symposia.cli", *react(server, "--approve", "calculator=ask", "--ephemeral")]
        process = subprocess.Popen(
            command, cwd=tmp_path, env=environment, stdin=theirs, stderr=theirs, stdout=subprocess.PIPE, start_new_session=True
        )
        os.close(theirs)
        try:
            shown = ""
            while "[y/N]" not in shown:
                shown += os.read(ours, 1000).decode(errors="replace")
            os.write(ours, b"what?\ny\n")
            with contextlib.suppress(OSError):  # how a terminal says that nobody writes to it any more
                while os.read(ours, 1000):
                    pass
            out, _ = process.communicate(timeout=20)
        finally:
            process.kill()
            process.communicate()
            os.close(ours)
    assert "May calculator be called with" in shown
    assert '{"output": {"value": "12"' in json.loads(out)["candidate"]["text"]


def test_an_approval_that_is_none(symposia) -> None:
    ran = symposia("solve", "3 * 4?", "--approve", "calculator")
    assert (ran.code, "is not of the form TOOL=HOW" in ran.err) == (2, True)
    ran = symposia("solve", "3 * 4?", "--approve", "calculator=maybe")
    assert (ran.code, "unknown approval 'maybe'" in ran.err) == (2, True)
