"""A process that stops answering loses its run to another one in less than 20 seconds, and writes nothing after that."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from symposia.core.records import ControlKind
from symposia.core.result import RunState
from symposia.memory.store import Store
from symposia.testing import LoopbackServer


@pytest.fixture
def symposia(symposia_process):
    """Who takes over is another process."""
    return symposia_process


pytestmark = pytest.mark.integration  # a lease has to run out, and one kind of store needs a server program

SAMPLES = 6


@pytest.fixture(params=["file", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "runs.db") if request.param == "file" else request.getfixturevalue("postgres_url")


@contextmanager
def solving(place: str, server: LoopbackServer, folder: Path, environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """``symposia solve`` in a process of its own, one call after the other."""
    options = ["--set", f"n={SAMPLES}", "--set", "batched=false", "--set", "stop=beta", "--set", "window=1"]
    command = [sys.executable, "-m", "symposia.cli", "solve", "6 + 12?", "--model", f"{server.url}#fake", "--json"]
    command += ["--strategy", "self-consistency", *options, "--set", "confidence=0.999"]
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment | {"SYMPOSIA_STORE": place},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def waited_for(store: Store, *states: RunState) -> str:
    """The id of the only run once it is in one of the states."""
    async with asyncio.timeout(30):
        while not (found := [run.id for run in await store.runs() if run.state in states]):
            await asyncio.sleep(0.1)
    return found[0]


async def test_a_stopped_process_is_replaced_and_fenced_off(place, symposia, tmp_path, environment) -> None:
    victims: list[subprocess.Popen[str]] = []

    def on_reply(count: int) -> None:
        if count == 2:
            victims.pop().send_signal(signal.SIGSTOP)

    loopback = LoopbackServer("\\boxed{18}", latency=0.2, on_reply=on_reply).running()
    with loopback as server, solving(place, server, tmp_path, environment) as stopped:
        victims.append(stopped)
        async with await Store.open(place) as store:
            await waited_for(store, RunState.RUNNING)
            while victims:
                await asyncio.sleep(0.05)
            began = time.monotonic()
            run_id = await waited_for(store, RunState.INTERRUPTED)
            resumed = await asyncio.to_thread(symposia, "run", "resume", run_id, "--json", env={"SYMPOSIA_STORE": place})
            assert resumed.code == 0, resumed.err
            assert time.monotonic() - began < 20
            before = [line async for line in store.export_run(run_id)]
            stopped.send_signal(signal.SIGCONT)
            _, err = await asyncio.to_thread(stopped.communicate, timeout=30)
            assert stopped.returncode == 1
            assert f"run {run_id} is no longer executed by this process" in err
            assert [line async for line in store.export_run(run_id)] == before, "none of its writes landed"
    assert len(json.loads(resumed.out)["candidates"]) >= 4


async def test_pause_and_stop_reach_a_run_of_another_process(place, tmp_path, environment) -> None:
    with LoopbackServer("\\boxed{18}", latency=0.3).running() as server, solving(place, server, tmp_path, environment) as process:
        async with await Store.open(place) as store:
            run_id = await waited_for(store, RunState.RUNNING)
            await store.add_control(run_id, ControlKind.PAUSE, "someone")
            await waited_for(store, RunState.PAUSED)
            await asyncio.sleep(0.4)
            asked = len(server.requests)
            await asyncio.sleep(0.7)
            assert len(server.requests) == asked, "no call is made while it is paused"
            await store.add_control(run_id, ControlKind.RESUME, "someone")
            await waited_for(store, RunState.RUNNING)
            await store.add_control(run_id, ControlKind.STOP, "someone")
            await asyncio.to_thread(process.communicate, timeout=30)
            assert process.returncode == 130
            assert (await store.run(run_id)).state is RunState.INTERRUPTED
            assert await store.pending_controls(run_id) == []
