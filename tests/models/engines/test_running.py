"""The files of running engines: states, names taken once, and no stranger killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from symposia.core.errors import EngineError, UnknownNameError
from symposia.core.model_spec import Ability, ModelSpec
from symposia.models.engines.keeper import reap, registered, stop_engine
from symposia.models.engines.running import EngineRecord, EngineState, ProcessId, RunningEngines

SPEC = ModelSpec(name="m", engine="vllm")
ANSWERS = SPEC.model_copy(update={"endpoint": "http://127.0.0.1:1/v1"})
GONE = ProcessId(pid=os.getpid(), started=1.0)
"""A process whose pid somebody else has by now: us."""


@pytest.fixture
def running(tmp_path: Path) -> RunningEngines:
    return RunningEngines(tmp_path / "engines")


@pytest.fixture
def sleeper() -> Iterator[ProcessId]:
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"]) as process:
        yield identity(process.pid)
        process.kill()


def identity(pid: int) -> ProcessId:
    found = ProcessId.of(pid)
    assert found is not None
    return found


def record(owner: ProcessId | None = None, *processes: ProcessId, spec: ModelSpec = ANSWERS, name: str = "m") -> EngineRecord:
    owner = owner or identity(os.getpid())
    return EngineRecord(name=name, engine="vllm", owner=owner, processes=processes, spec=spec)


def test_states(sleeper: ProcessId) -> None:
    ours = identity(os.getpid())
    assert record(ours, spec=SPEC).state is EngineState.STARTING
    assert record(ours, sleeper).state is EngineState.RUNNING
    assert record(ours, GONE).state is EngineState.DEAD, "its pid is a stranger's"
    assert record(GONE, sleeper).state is EngineState.ORPHANED
    assert record(GONE, GONE).state is EngineState.DEAD
    assert record(GONE, spec=SPEC).state is EngineState.DEAD
    assert record(ours, sleeper).memory() > 1_000_000


def test_a_record_survives_the_file(running: RunningEngines, sleeper: ProcessId) -> None:
    assert running.all() == []
    given = record(None, sleeper, name="org/name with blanks")
    running.claim(given)
    assert running.find("org/name with blanks") == given
    assert running.all() == [given]
    assert running.find("other") is None
    with pytest.raises(UnknownNameError, match=r"unknown engine 'org/nam' \(did you mean 'org/name with blanks'"):
        running.get("org/nam")
    running.forget(given)
    running.forget(given)
    assert running.all() == []
    assert not list(running.folder.glob("*.partial"))


def test_a_name_is_taken_once(running: RunningEngines, sleeper: ProcessId) -> None:
    running.claim(record(None, spec=SPEC))
    with pytest.raises(EngineError, match="m is served already and is starting"):
        running.claim(record())
    running.update(record(None, sleeper))
    with pytest.raises(EngineError, match=r"m is served already at http://127.0.0.1:1/v1 .*--alias"):
        running.claim(record())
    running.claim(record(None, sleeper, name="another"))
    running.update(record(GONE, GONE))
    assert running.claim(record(None, spec=SPEC)) is None, "what has died is replaced"


def test_an_orphan_is_handed_over_with_its_processes(running: RunningEngines, sleeper: ProcessId) -> None:
    orphan = record(GONE, sleeper)
    running.update(orphan)
    assert running.claim(record(None, spec=SPEC)) == orphan
    taken = running.get("m")
    assert taken.owner.pid == os.getpid()
    assert taken.processes == (sleeper,), "nothing is lost where the new owner is killed now"


def test_two_processes_race_for_a_name(running: RunningEngines, tmp_path: Path) -> None:
    racer = f"""
        import os, sys
        from pathlib import Path
        from symposia.core.errors import EngineError
        from symposia.core.model_spec import ModelSpec
        from symposia.models.engines.running import *
        running = RunningEngines(Path({str(running.folder)!r}))
        sys.stdin.readline()
        try:
            running.claim(EngineRecord(name="m", engine="e", owner=ProcessId.of(os.getpid()), spec=ModelSpec(name="m")))
            print("won", flush=True)
        except EngineError:
            print("lost", flush=True)
        sys.stdin.readline()
    """
    command = [sys.executable, "-c", textwrap.dedent(racer)]
    racers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for process in racers:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.stdout.readline().strip() for process in racers if process.stdout is not None]
    for process in racers:
        process.communicate("end\n")
    assert sorted(said) == ["lost", "lost", "won"]


def test_a_file_that_cannot_be_read_is_named(running: RunningEngines) -> None:
    running.folder.mkdir()
    (running.folder / "m.json").write_text("{")
    with pytest.raises(EngineError, match=r"m\.json cannot be read \(if no engine runs, delete it\)"):
        running.all()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match="cannot be written"):
        RunningEngines(tmp_path / "file").claim(record())


def test_what_sessions_may_use(running: RunningEngines, sleeper: ProcessId) -> None:
    assert registered(None, running) is None
    running.update(record(None, spec=SPEC))
    assert registered("m", running) is None, "it is still starting"
    running.update(record(None, sleeper))
    running.update(record(GONE, GONE, name="dead"))
    assert registered("m", running) == ANSWERS
    assert registered(None, running) == ANSWERS
    assert registered("dead", running) is None
    reward = ANSWERS.model_copy(update={"name": "prm", "abilities": frozenset({Ability.REWARD})})
    running.update(record(None, sleeper, name="prm", spec=reward))
    assert registered(None, running) == ANSWERS, "a reward model answers no question"
    assert registered("prm", running) == reward


async def test_orphans_are_reaped_and_strangers_are_not(running: RunningEngines, sleeper: ProcessId) -> None:
    stranger = sleeper.model_copy(update={"started": sleeper.started - 1000})
    running.update(record(GONE, stranger, name="stale"))
    assert [each.name for each in await reap(running)] == ["stale"]
    assert psutil.pid_exists(sleeper.pid)
    running.update(record(GONE, sleeper, name="orphan"))
    running.update(record(None, spec=SPEC, name="starting"))
    assert [each.name for each in await reap(running)] == ["orphan"]
    assert sleeper.process() is None
    assert [each.name for each in running.all()] == ["starting"]


def test_force_is_used_where_nobody_listens(running: RunningEngines) -> None:
    deaf = "import signal, time; signal.signal(15, signal.SIG_IGN); print(1, flush=True); time.sleep(600)"
    with (
        subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as owner,
        subprocess.Popen([sys.executable, "-c", deaf], stdout=subprocess.PIPE) as engine,
    ):
        for process in (owner, engine):
            assert process.stdout is not None
            process.stdout.readline()
        given = record(identity(owner.pid), identity(engine.pid))
        running.update(given)
        assert asyncio.run(stop_engine(given, running, patience=0.2)) is EngineState.RUNNING
        assert (owner.wait(), engine.wait()) == (-signal.SIGKILL, -signal.SIGKILL)
    assert running.all() == []
