"""A run handed to a process of its own, and watched from others."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from symposia.testing import LoopbackServer


@pytest.fixture
def symposia(symposia_process):
    """What is detached outlives its command."""
    return symposia_process


pytestmark = pytest.mark.integration  # they start many processes: together they take minutes


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    """Answers each call after a tenth of a second."""
    with LoopbackServer([r"\boxed{18}"], latency=0.1, pace=0.02).running() as running:
        yield running


Begin = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def begin(tmp_path: Path, environment: dict[str, str]) -> Iterator[Begin]:
    """Starts ``symposia ARGUMENTS`` beside the test."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> subprocess.Popen[str]:
        pipe = subprocess.PIPE
        command = [sys.executable, "-m", "symposia.cli", *arguments]
        process = subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"{what} did not come true in time")


def question(server: LoopbackServer, n: int = 4, *more: str) -> list[str]:
    """A run of ``n`` calls one after the other."""
    options = ["n", n, "stop", "beta", "window", 1, "confidence", 1 - 1e-15]
    pairs = [f"{key}={value}" for key, value in zip(options[::2], options[1::2], strict=True)]
    return ["solve", "6 + 12?", "--model", f"{server.url}#fake", *(arg for pair in pairs for arg in ("--set", pair)), *more]


def detached(symposia, server: LoopbackServer, n: int = 4) -> dict[str, Any]:
    ran = symposia(*question(server, n, "--detach", "--json"))
    assert ran.code == 0, ran.err
    return ran.json


def ended(pid: int) -> Callable[[], bool]:
    return lambda: not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


def test_a_detached_run_is_followed_to_its_result(symposia, server) -> None:
    ran = symposia(*question(server, 4, "--detach"))
    run_id = ran.out.strip()
    assert f"symposia run attach {run_id}" in ran.err
    attached = symposia("run", "attach", run_id)
    assert (attached.code, attached.out) == (0, "18\n"), attached.err
    assert "4 of 4 votes" in attached.err
    assert "\x1b" not in attached.err
    again = symposia("run", "attach", run_id[:8], "--json")
    *events, last = [json.loads(line) for line in again.out.splitlines()]
    assert events[0]["event"]["type"] == "run_started"
    assert events[-1]["event"]["type"] == "run_finished"
    assert last["result"]["answer"] == "18"


def test_the_log_says_what_a_terminal_would(symposia, server) -> None:
    started = detached(symposia, server, 1)
    until(ended(started["pid"]), "the end of the process")
    log = Path(started["log"])
    assert log.stat().st_mode & 0o077 == 0
    assert f"run {started['run_id']} in process {started['pid']}" in log.read_text()
    assert "1 of 1 votes" in log.read_text()
    symposia("run", "rm", started["run_id"], "--yes")
    assert not log.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_the_end_of_the_terminal_does_not_reach_it(symposia, server, tmp_path: Path, environment: dict[str, str]) -> None:
    ours, theirs = os.openpty()
    command = [sys.executable, "-m", "symposia.cli", *question(server, 40, "--detach")]
    shell = subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one system call
    )
    os.close(theirs)
    out, err = shell.communicate(timeout=60)
    assert shell.returncode == 0, err
    record = symposia("run", "show", out.strip(), "--json").json
    assert record["state"] == "running"
    pid = int(record["owner"].rsplit(":", 1)[1])
    os.close(ours)  # the terminal hangs up
    assert os.getsid(pid) == pid != shell.pid
    assert Path(f"/proc/{pid}/fd/0").readlink() == Path("/dev/null")
    assert server.url not in " ".join(psutil.Process(pid).cmdline()), "settings go by the environment"
    attached = symposia("run", "attach", out.strip())
    assert (attached.code, attached.out) == (0, "18\n"), attached.err


def test_request_errors_are_raised_before_anything_is_started(symposia, server) -> None:
    ran = symposia(*question(server, 4, "--detach", "--strategy", "gredy"))
    assert (ran.code, ran.out) == (2, "")
    assert symposia("run", "list", "--json").json == []


def test_why_a_process_gave_up(symposia, server, tmp_path: Path) -> None:
    # The project's file is broken between making the run and executing it.
    run_id = symposia(*question(server, 1, "--json")).json["run_id"]
    queued = symposia("run", "fork", run_id, "--set", "n=2", "--no-run").out.strip()
    place = tmp_path / "module"
    place.mkdir()
    (place / "sitecustomize.py").write_text(
        "import os, sys\nif 'exec' in sys.orig_argv:\n    os.write(2, b'symposia: not today\\n')\n    os._exit(1)\n"
    )
    ran = symposia("run", "resume", queued, "--detach", "--json", env={"PYTHONPATH": str(place)})
    assert ran.code == 1
    assert ran.json["error"]["code"] == "detach"
    assert "not today" in ran.json["error"]["message"]
    assert symposia("run", "resume", queued).out == "18\n"


def test_ctrl_c_detaches_and_the_run_goes_on(symposia, server, begin) -> None:
    started = detached(symposia, server, 40)
    watcher = begin("run", "attach", started["run_id"], "--json")
    assert watcher.stdout is not None
    watcher.stdout.readline()
    watcher.send_signal(signal.SIGINT)
    _, err = watcher.communicate(timeout=20)
    assert watcher.returncode == 130
    assert "detached; the run goes on" in err
    assert "Traceback" not in err
    assert symposia("run", "attach", started["run_id"]).out == "18\n"


def test_events_arrive_within_half_a_second(symposia, server, begin) -> None:
    started = detached(symposia, server, 20)
    watcher = begin("run", "attach", started["run_id"], "--json")
    assert watcher.stdout is not None
    late = []
    for line in watcher.stdout:
        stored = json.loads(line)
        if stored.get("event", {}).get("type") == "call_finished" and stored["event"]["index"] >= 15:
            late.append(time.time() - stored["at"])
    assert len(late) == 5
    assert sorted(late)[2] < 0.5


def test_a_process_that_died_leaves_an_interrupted_run(symposia, server) -> None:
    started = detached(symposia, server, 200)
    os.kill(started["pid"], signal.SIGKILL)
    until(ended(started["pid"]), "the end of the process")
    attached = symposia("run", "attach", started["run_id"])
    assert (attached.code, attached.out) == (130, "")
    assert f"symposia run resume {started['run_id']}" in attached.err
    assert started["log"] in attached.err
    as_json = symposia("run", "attach", started["run_id"], "--json").out.splitlines()
    assert json.loads(as_json[-1])["error"]["code"] == "run_interrupted"
    server._latency = 0.0
    assert symposia("run", "resume", started["run_id"], "--detach").out.strip() == started["run_id"]
    assert symposia("run", "attach", started["run_id"]).out == "18\n"


def test_stopped_from_outside_it_keeps_its_best_answer(symposia, server) -> None:
    started = detached(symposia, server, 200)
    symposia("run", "stop", started["run_id"])
    attached = symposia("run", "attach", started["run_id"])
    assert (attached.code, attached.out) == (130, "18\n"), attached.err
    assert "cancelled" in attached.err


def test_paused_and_resumed_while_somebody_watches(symposia, server, begin) -> None:
    started = detached(symposia, server, 30)
    run_id = started["run_id"]
    symposia("run", "pause", run_id)
    until(lambda: symposia("run", "show", run_id, "--json").json["state"] == "paused", "the pause")
    watcher = begin("run", "attach", run_id)
    assert watcher.stderr is not None
    assert "is paused" in watcher.stderr.readline()
    assert symposia("run", "resume", run_id, "--detach").code == 0
    out, err = watcher.communicate(timeout=60)
    assert (watcher.returncode, out) == (0, "18\n"), err


def test_a_queued_run_is_waited_for(symposia, server, begin) -> None:
    run_id = symposia(*question(server, 1, "--json")).json["run_id"]
    queued = symposia("run", "fork", run_id, "--set", "n=2", "--no-run").out.strip()
    watcher = begin("run", "attach", queued)
    assert watcher.stderr is not None
    assert "is queued" in watcher.stderr.readline()
    executed = symposia("run", "exec", queued)
    assert (executed.code, executed.out) == (0, "18\n"), executed.err
    out, _ = watcher.communicate(timeout=60)
    assert (watcher.returncode, out) == (0, "18\n")
    again = symposia("run", "exec", queued)
    assert (again.code, again.out) == (0, "18\n")
    assert "has ended" in again.err


def test_only_one_process_executes_a_run(symposia, server) -> None:
    started = detached(symposia, server, 400)
    for command in (["exec"], ["resume"], ["resume", "--detach"]):
        ran = symposia("run", *command, started["run_id"])
        assert (ran.code, "is being executed" in ran.err) == (2, True), ran.err
    assert symposia("run", "rm", started["run_id"], "--yes").code == 2
    symposia("run", "stop", started["run_id"])


def test_an_ephemeral_run_leaves_nothing(symposia, server, tmp_path: Path) -> None:
    ran = symposia("solve", "6 + 12?", "--strategy", "greedy", "--model", f"{server.url}#fake", "--ephemeral")
    assert (ran.code, ran.out) == (0, "18\n")
    assert "not stored" in ran.err
    assert "run resume" not in ran.err
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    assert symposia("solve", "?", "--ephemeral", "--detach").code == 2
    assert symposia("solve", "?", "--ephemeral", "--store", "x.db").code == 2


def test_an_ephemeral_run_that_is_stopped_promises_nothing(begin) -> None:
    with LoopbackServer([r"\boxed{18}"], latency=60).running() as slow:
        process = begin("solve", "6 + 12?", "--strategy", "greedy", "--model", f"{slow.url}#fake", "--ephemeral")
        until(lambda: slow.requests, "the first request")
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "run resume" not in err
