"""Keeping one engine for everybody on this machine: written down while it runs, watched, ended in order."""

from __future__ import annotations

import asyncio
import os

import psutil

from ...core.errors import EngineError
from ...core.model_spec import Ability, ModelSpec
from ..discovery import served
from .engine import DEFAULTS, Engine, EngineOptions, new_engine
from .process import OnWait, Waiting
from .running import EngineRecord, EngineState, ProcessId, RunningEngines, end_processes
from .targets import Target

STOP_PATIENCE = 20.0
"""Seconds that an owner may take to end its engine before both are ended by force."""
_LOOK = 0.25


class Keeper:
    """Owns the engine of one model: :meth:`start`, then :meth:`watch`, in any case :meth:`stop`."""

    def __init__(self, target: Target, options: EngineOptions = DEFAULTS, running: RunningEngines | None = None) -> None:
        self._target = target
        self._options = options
        self._running = running or RunningEngines()
        self._engine: Engine = new_engine(target.spec.engine or "vllm")
        self._record: EngineRecord | None = None

    async def start(self, on_wait: OnWait | None = None) -> EngineRecord:
        """Serve the model, or take over the engine that serves it and whose owner has ended.

        Raises :class:`EngineError` where somebody else serves a model of this name, or the engine does not start. Then, and
        where it is cancelled, no process and no record is left.
        """
        spec = self._target.spec
        record = EngineRecord(
            name=spec.remote_name,
            engine=self._engine.name,
            owner=_this_process(),
            spec=spec.model_copy(update={"endpoint": None}),
            arguments=self._options.arguments,
        )
        orphan = self._running.claim(record)
        self._record = record
        try:
            if orphan is not None and await _answers(orphan):
                record = orphan.model_copy(update={"owner": record.owner})
            else:
                if orphan is not None:
                    await asyncio.to_thread(end_processes, orphan.living(), STOP_PATIENCE)
                record = await self._start(record, on_wait)
        except BaseException:
            self._running.forget(self._record)
            raise
        self._write(record)
        return record

    async def watch(self) -> None:
        """Return never; raise :class:`EngineError` once the engine has ended. Its record stays and says that it is dead."""
        if self._record is None:
            raise EngineError("the engine has not been started")
        process = self._engine.process
        while True:
            if process is not None and not process.running:
                raise process.failure("ended while it was serving")
            if process is None and not self._record.living():
                raise EngineError(f"{self._record.name} ended while it was serving")
            await asyncio.sleep(_LOOK)

    async def stop(self) -> None:
        """End the engine. Its record goes where the engine still ran. Idempotent."""
        record, self._record = self._record, None
        alive = record is not None and bool(record.living())
        try:
            await self._engine.stop()
        finally:
            if record is not None:
                end_processes(record.living(), self._engine.stop_grace)
                if alive:
                    self._running.forget(record)

    async def _start(self, record: EngineRecord, on_wait: OnWait | None) -> EngineRecord:
        def hear(waiting: Waiting) -> None:
            if self._engine.process is not None and self._record is record:
                self._write(record.model_copy(update={"processes": _family(self._engine)}))
            if on_wait is not None:
                on_wait(waiting)

        spec = await self._engine.start(self._target.spec, self._target.weights, self._options, on_wait=hear)
        process = self._engine.process
        log = str(process.log_path) if process is not None else None
        return record.model_copy(update={"spec": spec, "processes": _family(self._engine), "log": log})

    def _write(self, record: EngineRecord) -> None:
        self._record = record
        self._running.update(record)


async def stop_engine(record: EngineRecord, running: RunningEngines, patience: float = STOP_PATIENCE) -> EngineState:
    """End an engine whoever owns it, wait until no process of it is left, and forget it. Gives the state it was in.

    Its owner is asked first and gets ``patience`` seconds; where it has ended, or does not listen, force is used.
    """
    state = record.state
    owner = record.owner.process()
    if owner is not None:
        await asyncio.to_thread(end_processes, [owner], patience)
    latest = running.find(record.name)
    if latest is not None and latest.owner == record.owner:
        record = latest
    await asyncio.to_thread(end_processes, record.living(), patience)
    running.forget(record)
    return state


async def reap(running: RunningEngines) -> list[EngineRecord]:
    """End every engine whose owner has ended, and forget those that are dead. Gives their records as they were."""
    left = [record for record in running.all() if record.state in {EngineState.ORPHANED, EngineState.DEAD}]
    for record in left:
        await stop_engine(record, running)
    return left


def registered(name: str | None, running: RunningEngines) -> ModelSpec | None:
    """The served model of this name; for None the newest that answers questions. None where none runs."""
    specs = [record.spec for record in running.healthy()]
    fitting = [spec for spec in specs if (spec.remote_name == name if name else Ability.CHAT in spec.abilities)]
    return fitting[-1] if fitting else None


async def _answers(record: EngineRecord) -> bool:
    models = await served(record.endpoint) if record.endpoint is not None else None
    return any(model.name == record.name for model in models or ())


def _family(engine: Engine) -> tuple[ProcessId, ...]:
    if engine.process is None:
        return ()
    try:
        children = psutil.Process(engine.process.pid).children(recursive=True)
    except psutil.Error:
        return ()
    found = (ProcessId.of(pid) for pid in (engine.process.pid, *(child.pid for child in children)))
    return tuple(each for each in found if each is not None)


def _this_process() -> ProcessId:
    found = ProcessId.of(os.getpid())
    if found is None:
        raise EngineError("the system does not tell when this process was started")
    return found
