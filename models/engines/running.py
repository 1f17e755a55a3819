"""Which engines run on this machine for everybody: one small file each, written by the process that owns the engine.

A process is named by its pid *and* its start time, so that a pid that came round again is never taken for an engine, let
alone killed. Files are replaced as a whole; a lock makes taking a name, and clearing away what has ended, one step.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import quote

import platformdirs
import psutil
from pydantic import Field, ValidationError

from ...core.base import Frozen
from ...core.errors import EngineError, UnknownNameError
from ...core.model_spec import ModelSpec

_CLOCK = 2.0  # seconds by which two readings of a start time may differ where the clock was set meanwhile
_POLL = 0.05


class ProcessId(Frozen):
    """A process, named for good."""

    pid: int
    started: float
    """Unix time of its start."""

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process that has this pid now; None where none has."""
        try:
            return cls(pid=pid, started=psutil.Process(pid).create_time())
        except psutil.Error:
            return None

    def process(self) -> psutil.Process | None:
        """The process, or None once it has ended; a zombie has."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started) < _CLOCK
            return process if same and _lives(process) else None
        except psutil.Error:
            return None


class EngineState(StrEnum):
    """How an engine stands."""

    STARTING = "starting"
    RUNNING = "running"
    ORPHANED = "orphaned"
    """It runs, but who started it has ended without ending it."""
    DEAD = "dead"
    """It has ended without being stopped. Its log says why."""


class EngineRecord(Frozen):
    """An engine as its owner wrote it down."""

    name: str
    """What requests call the model."""
    engine: str
    owner: ProcessId
    """The process that started the engine and ends it."""
    processes: tuple[ProcessId, ...] = ()
    """The engine's own, the leader of their group first. Empty until it is started."""
    spec: ModelSpec
    """As served; while it starts, as it shall be."""
    arguments: tuple[str, ...] = ()
    """Further words of the engine's command line."""
    started_at: float = Field(default_factory=time.time)
    log: str | None = None
    """Where the server's output lies, until it was stopped in order."""

    @property
    def endpoint(self) -> str | None:
        """Where it answers, ending in ``/v1``; None while it starts."""
        return self.spec.endpoint

    @property
    def state(self) -> EngineState:
        """How it stands now."""
        alive = bool(self.living())
        if self.owner.process() is None:
            return EngineState.ORPHANED if alive else EngineState.DEAD
        if self.endpoint is None:
            return EngineState.STARTING
        return EngineState.RUNNING if alive else EngineState.DEAD

    def living(self) -> list[psutil.Process]:
        """The engine's processes that live: those written down, and what descends from them."""
        found: dict[int, psutil.Process] = {}
        for each in self.processes:
            if (process := each.process()) is None:
                continue
            found[process.pid] = process
            with contextlib.suppress(psutil.Error):
                found |= {child.pid: child for child in process.children(recursive=True) if _lives(child)}
        return list(found.values())

    def memory(self) -> int:
        """Resident bytes of its living processes."""
        total = 0
        for process in self.living():
            with contextlib.suppress(psutil.Error):
                total += int(process.memory_info().rss)
        return total


class RunningEngines:
    """The files of one folder, by default of the user's data folder."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or platformdirs.user_data_path("symposia") / "engines"

    def all(self) -> list[EngineRecord]:
        """Every engine written down, the oldest first."""
        records = [self._read(path) for path in self.folder.glob("*.json")] if self.folder.is_dir() else []
        return sorted((record for record in records if record is not None), key=lambda record: record.started_at)

    def find(self, name: str) -> EngineRecord | None:
        """The engine that serves ``name``, in whatever state; None where none is written down."""
        return self._read(self._path(name))

    def get(self, name: str) -> EngineRecord:
        """Like :meth:`find`. Raises :class:`UnknownNameError` with the nearest name."""
        record = self.find(name)
        if record is None:
            raise UnknownNameError("engine", name, [each.name for each in self.all()])
        return record

    def healthy(self) -> list[EngineRecord]:
        """Those that run and have an owner."""
        return [record for record in self.all() if record.state is EngineState.RUNNING]

    def claim(self, record: EngineRecord) -> EngineRecord | None:
        """Take the name of ``record`` for its owner, atomically; gives an orphan of that name that was there, for adoption.

        What has died under the name is replaced. Raises :class:`EngineError` where a living process has the name.
        """
        with self._locked():
            there = self.find(record.name)
            state = there.state if there is not None else EngineState.DEAD
            if there is not None and state in {EngineState.RUNNING, EngineState.STARTING}:
                where = f"at {there.endpoint}" if there.endpoint else "and is starting"
                raise EngineError(
                    f"{there.name} is served already {where} (pid {there.owner.pid})",
                    hint=f"`symposia models stop {there.name}`, or serve it under another name with --alias",
                )
            orphan = there if state is EngineState.ORPHANED else None
            self._write(record if orphan is None else record.model_copy(update={"processes": orphan.processes}))
        return orphan

    def update(self, record: EngineRecord) -> None:
        """Replace what is written of an engine by its owner."""
        with self._locked():
            self._write(record)

    def forget(self, record: EngineRecord) -> None:
        """Take the file away, unless somebody else has the name by now. Does nothing where it is gone."""
        with self._locked():
            there = self.find(record.name)
            if there is not None and there.owner == record.owner:
                self._path(record.name).unlink(missing_ok=True)

    def log_path(self, name: str) -> Path:
        """Where a detached owner of ``name`` writes what it has to say."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return self._path(name).with_suffix(".log")

    def _path(self, name: str) -> Path:
        return self.folder / f"{quote(name, safe='')}.json"

    def _read(self, path: Path) -> EngineRecord | None:
        try:
            return EngineRecord.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise EngineError(f"{path} cannot be read", hint="if no engine runs, delete it") from error

    def _write(self, record: EngineRecord) -> None:
        path = self._path(record.name)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        try:
            partial.write_text(record.model_dump_json(indent=1), encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise EngineError(f"{path} cannot be written: {error.strerror}") from error

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = (self.folder / ".lock").open("w")
        except OSError as error:
            raise EngineError(f"{self.folder} cannot be written: {error.strerror}") from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def end_processes(processes: Sequence[psutil.Process], grace: float) -> None:
    """Ask processes to end, kill those that have not after ``grace`` seconds, and wait until none is left."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.terminate()
    if stubborn := _left(processes, grace):
        for process in stubborn:
            with contextlib.suppress(psutil.Error):
                process.kill()
        _left(stubborn, grace)


def _left(processes: Sequence[psutil.Process], patience: float) -> list[psutil.Process]:
    """Those that still live after ``patience`` seconds. Zombies do not: whether anybody waits for them is not up to us."""
    deadline = time.monotonic() + patience
    while left := [process for process in processes if _lives(process)]:
        if time.monotonic() > deadline:
            break
        time.sleep(_POLL)
    return left


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False
