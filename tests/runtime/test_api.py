"""The front door, as a program uses it: each test is a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from symposia.testing import LoopbackServer


@pytest.fixture
def program(tmp_path: Path):
    with LoopbackServer([r"\boxed{18}"], latency=0.01).running() as server:
        (tmp_path / "symposia.toml").write_text(f'model = "{server.url}#fake"\nstore = "runs.db"\n')
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SYMPOSIA_")}

        def run(code: str) -> str:
            command = [sys.executable, "-X", "dev", "-W", "error", "-c", code]
            env = kept | {"HOME": str(tmp_path)}
            done = subprocess.run(command, cwd=tmp_path, env=env, check=False, capture_output=True, text=True, timeout=60)
            assert done.returncode == 0, done.stderr
            assert "Warning" not in done.stderr
            return done.stdout

        yield run


def test_sync(program) -> None:
    assert program('import symposia; print(symposia.solve_sync("6 + 12?", options={"n": 3}).answer)') == "18\n"


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


def test_cancelling_leaves_a_resumable_run(program) -> None:
    code = """
import asyncio, symposia
from symposia.runtime.settings import load_settings

async def main():
    options = {"n": 512, "stop": "beta", "window": 1, "confidence": 0.9999999}
    task = asyncio.create_task(symposia.solve("6 + 12?", options=options))
    await asyncio.sleep(2)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        pass
    await asyncio.sleep(0.5)
    async with symposia.Session() as session:
        (record,) = await session.store.runs()
        print(record.state)
asyncio.run(main())
"""
    assert program(code) in {"interrupted\n", "finished\n"}


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
