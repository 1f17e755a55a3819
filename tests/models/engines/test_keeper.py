"""Keeping an engine: written down, adopted when its owner is gone, and told apart when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from symposia.core.errors import EngineError
from symposia.core.model_spec import ModelSpec
from symposia.models.engines import engine as engine_module
from symposia.models.engines.engine import EngineOptions
from symposia.models.engines.keeper import Keeper
from symposia.models.engines.running import EngineRecord, EngineState, ProcessId, RunningEngines
from symposia.models.engines.targets import Target
from symposia.testing import LoopbackServer, write_vllm_python

GONE = ProcessId(pid=1, started=1.0)


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(engine_module, "available_memory", lambda: 64_000_000_000)


@pytest.fixture
def running(tmp_path: Path) -> RunningEngines:
    return RunningEngines(tmp_path / "engines")


@pytest.fixture
def target(tmp_path: Path) -> Target:
    (tmp_path / "tiny").mkdir()
    return Target(ModelSpec(name="tiny", engine="vllm"), tmp_path / "tiny")


@pytest.fixture
def survivor() -> Iterator[ProcessId]:
    """A process that stands for an engine whose owner is gone."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        found = ProcessId.of(process.pid)
        assert found is not None
        yield found
        process.kill()


def options(tmp_path: Path, *arguments: str) -> EngineOptions:
    return EngineOptions(python=write_vllm_python(tmp_path), arguments=arguments, timeout=60)


async def test_from_start_to_stop(target: Target, running: RunningEngines, tmp_path: Path) -> None:
    keeper = Keeper(target, options(tmp_path), running)
    states: set[EngineState] = set()
    record = await keeper.start(lambda _: states.update(each.state for each in running.all()))
    assert states == {EngineState.STARTING}
    assert record == running.get("tiny")
    assert record.state is EngineState.RUNNING
    assert len(record.processes) == 4
    with pytest.raises(EngineError, match="served already"):
        await Keeper(target, options(tmp_path), running).start()
    watching = asyncio.create_task(keeper.watch())
    await asyncio.wait({watching}, timeout=0.6)
    assert not watching.done()
    watching.cancel()
    await keeper.stop()
    await keeper.stop()
    assert record.living() == []
    assert running.all() == []


async def test_a_death_is_told_and_stays_written_down(target: Target, running: RunningEngines, tmp_path: Path) -> None:
    keeper = Keeper(target, options(tmp_path), running)
    record = await keeper.start()
    os.kill(record.processes[1].pid, signal.SIGKILL)
    with pytest.raises(EngineError, match=r"vllm ended while it was serving: .* \(log: "):
        await keeper.watch()
    await keeper.stop()
    assert running.get("tiny").state is EngineState.DEAD
    assert record.log is not None
    assert Path(record.log).exists()  # noqa: ASYNC240


async def test_a_failed_start_is_forgotten(target: Target, running: RunningEngines, tmp_path: Path) -> None:
    keeper = Keeper(target, options(tmp_path, "--fake-error=boom"), running)
    with pytest.raises(EngineError, match="boom"):
        await keeper.start()
    await keeper.stop()
    assert running.all() == []
    with pytest.raises(EngineError, match="has not been started"):
        await keeper.watch()


async def test_a_living_orphan_is_adopted(target: Target, running: RunningEngines, survivor: ProcessId, tmp_path: Path) -> None:
    async with LoopbackServer(model="tiny") as server:
        spec = target.spec.model_copy(update={"endpoint": server.url})
        running.update(EngineRecord(name="tiny", engine="vllm", owner=GONE, processes=(survivor,), spec=spec))
        assert running.get("tiny").state is EngineState.ORPHANED
        keeper = Keeper(target, options(tmp_path), running)
        record = await keeper.start()
        assert record.endpoint == server.url
        assert running.get("tiny").state is EngineState.RUNNING
        watching = asyncio.create_task(keeper.watch())
        process = survivor.process()
        assert process is not None
        process.kill()
        with pytest.raises(EngineError, match="tiny ended while it was serving"):
            await watching
        await keeper.stop()


async def test_an_adopted_engine_is_stopped_too(
    target: Target, running: RunningEngines, survivor: ProcessId, tmp_path: Path
) -> None:
    async with LoopbackServer(model="tiny") as server:
        spec = target.spec.model_copy(update={"endpoint": server.url})
        running.update(EngineRecord(name="tiny", engine="vllm", owner=GONE, processes=(survivor,), spec=spec))
        keeper = Keeper(target, options(tmp_path), running)
        await keeper.start()
        await keeper.stop()
    assert survivor.process() is None
    assert running.all() == []


async def test_an_orphan_that_does_not_answer_is_replaced(
    target: Target, running: RunningEngines, survivor: ProcessId, tmp_path: Path
) -> None:
    spec = target.spec.model_copy(update={"endpoint": "http://127.0.0.1:1/v1"})
    running.update(EngineRecord(name="tiny", engine="vllm", owner=GONE, processes=(survivor,), spec=spec))
    keeper = Keeper(target, options(tmp_path), running)
    record = await keeper.start()
    assert survivor.process() is None
    assert record.endpoint != spec.endpoint
    await keeper.stop()
