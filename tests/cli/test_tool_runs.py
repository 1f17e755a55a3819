"""Runs with tools by the command: programs, calls that a person is asked about, and a process killed around a call."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from symposia.core.records import EntryStatus
from symposia.memory.store import Store
from symposia.testing import LoopbackServer

Start = Callable[..., "subprocess.Popen[bytes]"]

CALL = "Thought: to be sure\nAction: calculator\nAction Input: 3 * 4"

WAITING = ["run", "list", "--state", "waiting", "--store", "runs.db", "--json"]
OWN_TERMINAL = "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); "
"""Makes standard input the terminal whose end is told to the process."""


def reply(prompt: str, sample: int) -> str:
    return r"So it is \boxed{12}." if "Observation: {" in prompt else CALL


def react(server: LoopbackServer, *more: str) -> list[str]:
    return ["solve", "3 * 4?", "--strategy", "react", "--model", f"{server.url}#fake", "--json", *more]


def until(look: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while not (found := look()):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def read_until(place: int, text: str) -> str:
    """What a terminal shows, up to ``text``."""
    shown = ""
    while text not in shown:
        assert select.select((place,), (), (), 60)[0], f"{text!r} does not come after {shown!r}"
        shown += os.read(place, 1000).decode(errors="replace")
    return shown


@pytest.fixture
def groups() -> Iterator[list[int]]:
    """Process groups, by number, none of which outlives the test."""
    started: list[int] = []
    yield started
    for group in started:
        end(group)


def end(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


@pytest.fixture
def start(tmp_path: Path, environment: dict[str, str]) -> Iterator[Start]:
    """Starts ``symposia ARGUMENTS`` beside the test, in a group of its own; ``before`` is run by its process first."""
    made: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str, stdin: int, stderr: int = subprocess.PIPE, before: str = "") -> subprocess.Popen[bytes]:
        program = f"import sys; sys.argv = ['symposia', *sys.argv[1:]]; {before}from symposia.cli import main; main()"
        process = subprocess.Popen(
            [sys.executable, "-c", program, *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
        )
        made.append(process)
        return process

    yield begin
    for process in made:
        if process.poll() is None:
            end(process.pid)
        process.communicate()


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


def test_a_word_from_elsewhere(symposia, groups: list[int]) -> None:
    """A run that was left to itself waits for it."""
    with LoopbackServer(reply).running() as server:
        begun = symposia(*react(server, "--approve", "calculator=ask", "--store", "runs.db", "--detach")).json
        groups.append(begun["pid"])
        (record,) = until(lambda: symposia(*WAITING).json)
        said = symposia("run", "respond", record["id"], "deny", "--note", "by head", "--store", "runs.db", "--json")
        assert said.json["response"] == {"about": "react/act.0.0", "approve": False, "note": "by head"}
        ran = symposia("run", "attach", record["id"], "--store", "runs.db", "--json")
    result = json.loads(ran.out.splitlines()[-1])["result"]
    assert result["answer"] == "12"
    assert "this call was not allowed: by head" in result["candidate"]["text"]
    assert f"`symposia run respond {record['id']} approve --call react/act.0.0`" in Path(begun["log"]).read_text()
    again = symposia("run", "respond", record["id"], "approve", "--store", "runs.db")
    assert (again.code, "waits for a word" in again.err) == (2, True)


def test_where_nobody_can_be_asked_a_call_is_refused(symposia) -> None:
    with LoopbackServer(reply).running() as server:
        ran = symposia(*react(server, "--approve", "calculator=ask", "--ephemeral"))
    refused = "nobody is there to be asked (--approve calculator=always allows it unasked)"
    assert f"this call was not allowed: {refused}" in ran.json["candidate"]["text"]
    assert f"because: 'to be sure'? Refused: {refused}" in ran.err


def test_a_word_at_the_terminal(start: Start) -> None:
    ours, theirs = pty.openpty()
    with LoopbackServer(reply).running() as server:
        process = start(*react(server, "--approve", "calculator=ask", "--ephemeral"), stdin=theirs, stderr=theirs)
        os.close(theirs)
        shown = read_until(ours, "[y/N]")
        os.write(ours, b"what?\ny\n")
        with contextlib.suppress(OSError):  # how a terminal says that nobody writes to it any more
            while os.read(ours, 1000):
                pass
        out, _ = process.communicate(timeout=60)
    os.close(ours)
    assert "May calculator be called with" in shown
    assert '{"output": {"value": "12"' in json.loads(out)["candidate"]["text"]


def test_the_end_of_the_terminal_and_a_signal_nobody_hears_of(symposia, start: Start) -> None:
    """Each ends a run that waits for a word, softly and soon; it asks again when it is resumed."""
    ours, theirs = pty.openpty()
    with LoopbackServer(reply).running() as server:
        solve = react(server, "--approve", "calculator=ask", "--store", "runs.db")
        process = start(*solve, stdin=theirs, stderr=theirs, before=OWN_TERMINAL)
        os.close(theirs)
        read_until(ours, "[y/N]")
        os.close(ours)
        out, _ = process.communicate(timeout=60)
        assert (process.returncode, json.loads(out)["stop_reason"]) == (130, "steered")
        (record,) = symposia("run", "list", "--store", "runs.db", "--json").json
        assert record["state"] == "interrupted"

        process = start("run", "exec", record["id"], "--store", "runs.db", "--json", stdin=subprocess.DEVNULL)
        until(lambda: symposia(*WAITING).json)
        assert process.stderr is not None
        process.stderr.close()
        process.stderr = None
        process.send_signal(signal.SIGTERM)
        out, _ = process.communicate(timeout=60)
        assert (process.returncode, json.loads(out)["stop_reason"]) == (130, "steered")

        assert symposia("run", "respond", record["id"], "approve", "--store", "runs.db").code == 0
        resumed = symposia("run", "resume", record["id"], "--store", "runs.db", "--json")
        assert len(server.requests) == 2
    assert '{"output": {"value": "12"' in resumed.json["candidate"]["text"]


def test_an_approval_that_is_none(symposia) -> None:
    ran = symposia("solve", "3 * 4?", "--approve", "calculator")
    assert (ran.code, "is not of the form TOOL=HOW" in ran.err) == (2, True)
    ran = symposia("solve", "3 * 4?", "--approve", "calculator=maybe")
    assert (ran.code, "unknown approval 'maybe'" in ran.err) == (2, True)
