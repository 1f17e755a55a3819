"""The front door, as a program uses it: each test is a program of its own, and two are processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from symposia.testing import LoopbackServer

from ..command import program_in_process

Program = Callable[[str], str]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    with LoopbackServer([r"\boxed{18}"], latency=0.01).running() as server:
        (tmp_path / "symposia.toml").write_text(f'model = "{server.url}#fake"\nstore = "runs.db"\n')
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SYMPOSIA_")}
        yield kept | {"HOME": str(tmp_path)}


@pytest.fixture
def program(tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Program:
    def run(code: str) -> str:
        ran = program_in_process(code, tmp_path, environment, monkeypatch)
        assert ran.code == 0, ran.err
        assert "Warning" not in ran.err
        return ran.out

    return run


@pytest.fixture
def process(tmp_path: Path, environment: dict[str, str]) -> Program:
    """As :func:`program`, with the start and the end of an interpreter of its own."""

    def run(code: str) -> str:
        command = [sys.executable, "-X", "dev", "-W", "error", "-c", code]
        done = subprocess.run(command, cwd=tmp_path, env=environment, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr
        return done.stdout

    return run


def test_sync(process) -> None:
    assert process('import symposia; print(symposia.solve_sync("6 + 12?", options={"n": 3}).answer)') == "18\n"


def test_sync_inside_a_running_loop(program) -> None:
    code = """
import asyncio, symposia
async def main():
    return symposia.solve_sync("6 + 12?").answer
print(asyncio.run(main()))
"""
    assert program(code) == "18\n"


def test_many_at_once_from_several_loops(program) -> None:
    code = """
import asyncio, symposia
async def main():
    results = await asyncio.gather(*(symposia.solve(f"{i} + 1?", strategy="greedy") for i in range(20)))
    return {result.answer for result in results}, len({result.run_id for result in results})
print(asyncio.run(main()))
print(asyncio.run(main()))
"""
    assert program(code) == "({'18'}, 20)\n({'18'}, 20)\n"


def test_cancelling_leaves_a_resumable_run(process) -> None:
    code = """
import asyncio, symposia

async def until(store, condition):
    while True:
        runs = await store.runs()
        if runs and await condition(runs[0]):
            return runs[0]
        await asyncio.sleep(0.02)

async def main():
    # 512 calls one after the other: it is under way for seconds, and far from its end when the first call is journaled.
    options = {"n": 512, "stop": "beta", "window": 1, "confidence": 1 - 1e-16}
    async with symposia.Session() as session:
        async def under_way(run):
            return bool(await session.store.journal(run.id))
        async def let_go(run):
            return run.owner is None
        task = asyncio.create_task(symposia.solve("6 + 12?", options=options))
        await until(session.store, under_way)
        task.cancel()
        try:
            await task
        except asyncio.CancelledError:
            print("cancelled")
        print((await until(session.store, let_go)).state)
asyncio.run(main())
"""
    assert process(code) == "cancelled\ninterrupted\n"


def test_errors_are_ours(program) -> None:
    code = """
import symposia
for question, options in (("", {}), ("?", {"strategy": "gredy"}), ("?", {"budget": 0})):
    try:
        symposia.solve_sync(question, **options)
    except symposia.SymposiaError as error:
        print(type(error).__name__)
"""
    assert program(code) == "ProblemError\nUnknownNameError\nConfigError\n"


def test_a_session_of_ones_own(program) -> None:
    code = """
import asyncio, symposia
async def main():
    events = []
    async with symposia.Session(store=":memory:") as session:
        result = await session.solve("6 + 12?", team=symposia.Team(), listener=events.append)
        replayed = await session.replay(result.run_id)
    print(result.answer == replayed.answer == "18", events[-1].type)
asyncio.run(main())
"""
    assert program(code) == "True run_finished\n"
