"""Managed children: how they get ready, how they end, and that none is left behind."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from symposia.core.errors import EngineError
from symposia.models.engines import process as process_module
from symposia.models.engines.process import ManagedProcess, Waiting, last_line

FOLLOWS = "import sys; sys.stdin.read()"
SERVES = """
import http.server, sys, threading, time
class Handler(http.server.BaseHTTPRequestHandler):
    began = time.monotonic()
    def do_GET(self):
        self.send_response(200 if time.monotonic() - self.began > 0.4 else 503)
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"http://127.0.0.1:{server.server_port}", flush=True)
sys.stdin.read()
"""


def start(code: str, **keywords: object) -> ManagedProcess:
    return ManagedProcess.start([sys.executable, "-c", textwrap.dedent(code)], name="child", **keywords)  # type: ignore[arg-type]


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def log_size(child: ManagedProcess) -> int:
    return child._log.path.stat().st_size


def gone(pid: int, within: float = 5.0) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(autouse=True)
def _logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return


async def test_a_child_announces_itself_and_gets_healthy(tmp_path: Path) -> None:
    child = start(SERVES)
    seen: list[Waiting] = []
    try:
        address = await child.first_line(timeout=10, on_wait=seen.append)
        await child.wait_healthy(f"{address}/health", timeout=10, on_wait=seen.append)
        assert child.running
        assert child.memory() > 1_000_000
        assert child.started_at == pytest.approx(time.time(), abs=60)
    finally:
        await child.stop()
    assert seen
    assert seen[0].memory > 0
    assert not child.running
    assert (child.memory(), child.started_at) == (0, None)
    assert names(tmp_path) == [], "the log of a clean end is deleted"


async def test_a_child_that_dies_says_why_and_keeps_its_log() -> None:
    child = start("import sys; print('loading', file=sys.stderr); sys.exit('the disk is on fire')")
    with pytest.raises(EngineError, match=r"child did not start: the disk is on fire \(log: .*\.log\)"):
        await child.first_line(timeout=10)
    child.kill()
    assert child.log_lines() == ["loading", "the disk is on fire"]
    assert child._log.path.read_text() == "loading\nthe disk is on fire\n"


async def test_a_child_killed_by_the_system_is_told_apart() -> None:
    child = start("import os; os.kill(os.getpid(), 9)")
    with pytest.raises(EngineError, match="most likely for lack of memory"):
        await child.first_line(timeout=10)
    child.kill()
    child = start("import os; os.kill(os.getpid(), 11)")
    with pytest.raises(EngineError, match="ended by signal 11"):
        await child.first_line(timeout=10)
    child.kill()


async def test_a_child_that_never_gets_ready() -> None:
    child = start(FOLLOWS)
    with pytest.raises(EngineError, match="was not ready after 0 seconds"):
        await child.first_line(timeout=0.2)
    with pytest.raises(EngineError, match="was not ready"):
        await child.wait_healthy("http://127.0.0.1:1/", timeout=0.2)
    await child.stop()


async def test_a_program_that_is_not_there() -> None:
    with pytest.raises(EngineError, match=r"child could not be started: .*No such file"):
        ManagedProcess.start(["/no/such/program"], name="child")


async def test_the_reason_can_be_picked_from_the_log() -> None:
    child = start("import sys; sys.exit('E first\\nE second')", explain=lambda lines: lines[0])
    with pytest.raises(EngineError, match="child did not start: E first "):
        await child.first_line(timeout=10)
    child.kill()


async def test_stop_kills_what_does_not_listen_and_the_whole_group() -> None:
    child = start("""
        import signal, subprocess, sys, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print(subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]).pid, flush=True)
        time.sleep(60)
    """)
    grandchild = int(await child.first_line(timeout=10))
    began = time.monotonic()
    await child.stop(grace=0.3)
    assert 0.3 <= time.monotonic() - began < 3
    assert gone(child.pid)
    assert gone(grandchild)
    await child.stop()


async def test_a_cancelled_stop_kills_at_once() -> None:
    child = start("import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(60)")
    await child.first_line(timeout=10)
    task = asyncio.create_task(child.stop(grace=30))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not child.running


async def test_a_chatty_child_neither_blocks_nor_fills_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_module, "LOG_BYTES", 10_000)
    child = start("""
        import sys
        for number in range(20_000):
            print(f"line {number}", file=sys.stderr)
        print("x" * 300_000, file=sys.stderr)
        print("ready", flush=True)
        sys.stdin.read()
    """)
    assert await child.first_line(timeout=20) == "ready"
    assert log_size(child) <= 80_000  # one line without an end is cut at 64 KiB
    assert len(child.log_lines()) <= 500
    await child.stop()


def test_last_line() -> None:
    assert last_line(["a", "b ", " ", ""]) == "b"
    assert last_line([]) == ""


def test_a_child_ends_with_its_parent(tmp_path: Path) -> None:
    """Killed without a chance to clean up: the pipe's end is what the child hears."""
    parent = f"""
        import os, sys
        from symposia.models.engines.process import ManagedProcess
        child = ManagedProcess.start([sys.executable, "-c", {FOLLOWS!r}], name="child")
        print(child.pid, flush=True)
        os.kill(os.getpid(), {int(signal.SIGKILL)})
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(parent)],
        capture_output=True,
        check=False,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    )
    assert done.returncode == -signal.SIGKILL
    assert gone(int(done.stdout))
