"""The guard: a parent for servers that do not watch their own. No process of the server outlives whoever started it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from symposia.core.errors import EngineError
from symposia.models.engines.process import ManagedProcess

GUARD = [sys.executable, "-m", "symposia.models.engines.guard"]
FAKE_SERVER = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN if "stubborn" in sys.argv else signal.SIG_DFL)
worker = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(60)"]
if "middle" in sys.argv:
    print(subprocess.Popen(worker, start_new_session=True, stdout=subprocess.DEVNULL).pid)
    sys.exit()
same_group = subprocess.Popen(worker)
own_session = subprocess.Popen(worker, start_new_session=True)
orphan = subprocess.run([sys.executable, __file__, "middle"], stdout=subprocess.PIPE, text=True).stdout.strip()
print(os.getpid(), same_group.pid, own_session.pid, orphan, flush=True)
time.sleep(60)
"""
"""A server with a worker in its group, one in a session of its own, and one whose parent has ended. All ignore SIGTERM."""


def lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def all_gone(pids: list[int], within: float = 10) -> bool:
    deadline = time.monotonic() + within
    while any(map(lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(lives, pids))


@pytest.fixture
def server(tmp_path: Path) -> Path:
    path = tmp_path / "server.py"
    path.write_text(FAKE_SERVER)
    return path


def guarded(*command: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*GUARD, "--grace", "0.3", "--", *map(str, command)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def pids(guard: subprocess.Popen[str]) -> list[int]:
    assert guard.stdout is not None
    return [int(word) for word in guard.stdout.readline().split()]


def close_input(guard: subprocess.Popen[str]) -> None:
    assert guard.stdin is not None
    guard.stdin.close()


def interrupt_then_terminate(guard: subprocess.Popen[str]) -> None:
    guard.send_signal(signal.SIGINT)  # a terminal's Ctrl-C is for whoever started the guard
    guard.send_signal(signal.SIGTERM)


@pytest.mark.parametrize("end", [close_input, subprocess.Popen.terminate, interrupt_then_terminate])
@pytest.mark.parametrize("manner", ["meek", "stubborn"])
def test_every_process_ends_with_the_guard(server: Path, end: Callable[..., None], manner: str) -> None:
    with guarded(sys.executable, server, manner) as guard:
        family = pids(guard)
        assert len(family) == 4
        assert all(map(lives, family))
        end(guard)
        assert guard.wait(timeout=10) == 0
        assert all_gone(family, within=1), "the guard ends last"


def test_the_rest_ends_with_a_server_that_crashes(server: Path) -> None:
    with guarded(sys.executable, server) as guard:
        family = pids(guard)
        os.kill(family[0], signal.SIGKILL)
        assert guard.wait(timeout=10) == -signal.SIGKILL, "how it ended is passed on"
        assert all_gone(family, within=1)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's word at a parent's end is Linux's")
def test_the_server_ends_with_a_guard_that_is_killed(server: Path) -> None:
    with guarded(sys.executable, server) as guard:
        family = pids(guard)
        guard.kill()
        guard.wait()
        assert all_gone(family[:1])
        for pid in family[1:]:
            os.kill(pid, signal.SIGKILL)


def test_exit_code_and_output_are_passed_on() -> None:
    with guarded(sys.executable, "-c", "import sys; print('out', sys.stdin.read()); sys.exit('err')") as guard:
        assert guard.wait(timeout=10) == 1
        assert guard.communicate() == ("out \n", "err\n")


def test_a_command_that_is_not_there() -> None:
    with guarded("/no/such/program") as guard:
        assert guard.wait(timeout=10) == 127
        assert "/no/such/program cannot be run: " in guard.communicate()[1]


def test_nothing_outlives_a_killed_parent(server: Path, tmp_path: Path) -> None:
    parent = f"""
        import asyncio, os, sys
        from symposia.models.engines.process import ManagedProcess
        child = ManagedProcess.start([*{GUARD!r}, "--grace", "0.3", "--", sys.executable, {str(server)!r}], name="server")
        print(child.pid, asyncio.run(child.first_line(timeout=10)), flush=True)
        os.kill(os.getpid(), {int(signal.SIGKILL)})
    """
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [sys.executable, "-c", textwrap.dedent(parent)]
    done = subprocess.run(command, capture_output=True, check=False, text=True, env=environment, timeout=30)
    assert done.returncode == -signal.SIGKILL
    family = [int(word) for word in done.stdout.split()]
    assert len(family) == 5
    assert all_gone(family)


async def test_a_managed_guard_says_why_the_server_did_not_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    child = ManagedProcess.start([*GUARD, "--", sys.executable, "-c", "import sys; sys.exit('no weights')"], name="server")
    with pytest.raises(EngineError, match=r"server did not start: no weights \(log: "):
        await child.first_line(timeout=10)
    child.kill()
    child = ManagedProcess.start([*GUARD, "--", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)"], name="server")
    with pytest.raises(EngineError, match="most likely for lack of memory"):
        await child.first_line(timeout=10)
    child.kill()
