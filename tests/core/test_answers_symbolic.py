"""The symbolic worker: right verdicts, and a process that never outlives its question, its worker or its parent."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from symposia.core.answers import SymbolicWorker

HOSTILE = "9^{9^{9^{9}}}"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def worker() -> AsyncIterator[SymbolicWorker]:
    worker = SymbolicWorker()
    yield worker
    await worker.close()


def pid_of(worker: SymbolicWorker) -> int:
    assert worker._child is not None
    return worker._child.pid


def is_alive(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text() if sys.platform == "linux" else True
    return False


def address_space_limit(pid: int) -> int:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Max address space")).split()[3])


@pytest.mark.parametrize(
    ("a", "b", "verdict"),
    [
        ("x+1", "1+x", True),
        (r"\frac{\sqrt{3}}{2}", r"\sqrt{3}/2", True),
        (r"2\sqrt{3}", r"\sqrt{12}", True),
        ("10^3", "1000", True),
        ("3,-2", "-2, 3", True),
        ("1<x<2", "(1,2)", True),
        ("[2,5)", "(2,5)", False),
        ("(1,2)", "(2,1)", False),
        ("5m", "5", False),  # math-verify's own removal of units would say True to both
        ("5t", "5s", False),
        ("x^2+y^2=4", "4", False),  # and its cutting of equations to this
        ("4", "x^2+y^2=4", False),
        (r"\frac{1}{0}", "1", None),
        ("((((", "1", None),
        ("", "1", None),
        ("\ud800", "1", None),
        ("x" * 100_000, "1", None),
    ],
)
@pytest.mark.asyncio(loop_scope="module")
async def test_verdicts(worker: SymbolicWorker, a: str, b: str, verdict: bool | None) -> None:
    assert await worker.same(a, b) is verdict
    assert await worker.same(b, a) is verdict


async def test_a_hostile_question_is_killed_and_the_next_one_answered() -> None:
    worker = SymbolicWorker(limit=0.5)
    assert await worker.same("x+1", "1+x") is True
    first = pid_of(worker)
    start = time.monotonic()
    assert await worker.same(HOSTILE, "1") is None
    assert time.monotonic() - start < 5
    assert not is_alive(first)
    assert await worker.same("x+1", "1+x") is True
    second = pid_of(worker)
    assert second != first
    await worker.close()
    assert not is_alive(second)


async def test_the_child_starts_with_the_first_question() -> None:
    worker = SymbolicWorker()
    assert await worker.same("x", "x") is True
    assert worker._child is None
    await worker.close()
    await worker.close()
    with pytest.raises(RuntimeError):
        await worker.same("x", "y")


async def test_a_child_that_died_is_replaced_and_ctrl_c_does_not_kill_it() -> None:
    worker = SymbolicWorker()
    assert await worker.same("x+1", "1+x") is True
    os.kill(pid_of(worker), signal.SIGINT)
    before = pid_of(worker)
    assert await worker.same("x+2", "2+x") is True
    assert pid_of(worker) == before
    os.kill(before, signal.SIGKILL)
    await asyncio.sleep(0.2)
    assert await worker.same("x+1", "1+x") is True
    await worker.close()


async def test_concurrent_questions_queue_up_and_close_ends_them() -> None:
    worker = SymbolicWorker(limit=30)
    assert await asyncio.gather(*(worker.same(f"x+{i}", f"{i % 3}+x") for i in range(6))) == [True] * 3 + [False] * 3
    hostile = [asyncio.create_task(worker.same(HOSTILE, str(i))) for i in range(3)]
    await asyncio.sleep(0.2)
    start = time.monotonic()
    await worker.close()
    assert await asyncio.gather(*hostile) == [None] * 3
    assert time.monotonic() - start < 5


def test_one_worker_serves_several_event_loops() -> None:
    worker = SymbolicWorker()
    assert asyncio.run(worker.same("x+1", "1+x")) is True
    pid = pid_of(worker)
    assert asyncio.run(worker.same("x+2", "1+x")) is False
    assert pid_of(worker) == pid
    asyncio.run(worker.close())


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_memory_is_limited_and_terminal_signals_stay_away() -> None:
    worker = SymbolicWorker()
    assert await worker.same("x+1", "1+x") is True
    pid = pid_of(worker)
    assert address_space_limit(pid) == 2 * 1024**3
    assert os.getsid(pid) == pid
    await worker.close()


ORPHAN = f"""
import asyncio, threading, time
from symposia.core.answers import SymbolicWorker
worker = SymbolicWorker(limit=0.5)
async def main():
    await worker.same("x+1", "1+x")
    print(worker._child.pid, flush=True)
    await asyncio.sleep(60 if {{idle}} else 0)
    worker.limit = 60
    await worker.same({HOSTILE!r}, "1")
asyncio.run(main())
"""


@pytest.mark.parametrize("idle", [True, False])
def test_the_child_dies_with_its_parent(idle: bool) -> None:
    """Idle, at the end of its standard input; in mid-question, by the kernel's alarm."""
    script = ORPHAN.replace("{idle}", str(idle))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(0.2)
        parent.kill()
    deadline = time.monotonic() + 5
    while is_alive(child) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not is_alive(child)


def test_importing_answers_loads_no_sympy() -> None:
    check = "import sys, symposia.core.answers; print([m for m in ('sympy', 'math_verify', 'asyncio') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True).stdout.strip() == "[]"
