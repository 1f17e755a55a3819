"""llama.cpp as a local engine, through the xllamacpp wheel: serves one GGUF file to the gateway on loopback.

What the server does that a caller has to know (measured with xllamacpp 2026.10):

* A continued answer comes back with its prefix repeated; who continues one takes it off again.
* Closing the connection frees the slot within a few tokens, so a cancelled call costs nothing further.
* One request may ask for at most ``parallel`` samples (``n``); more is refused with status 400.
* A seed repeats a text exactly among calls made one at a time; beside others only small models do.
* Its threads spin while they wait for each other: where other programs hold the cores, it gets several times slower.
* Prompts are cached per slot, not across slots: a prompt shared by a wave is read once in every slot.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import psutil

from ...core.errors import EngineError
from ...core.model_spec import ModelSpec
from ..discovery import served
from ..weights import available_memory, gigabytes, is_gguf, memory_for
from .process import ManagedProcess, OnWait, last_line

PARALLEL = 4
"""Slots. On two cores a 1.5B model at Q4 decodes 32 tokens/s in one slot, 43 in four and 32 in eight."""
CONTEXT_PER_SLOT = 4096
"""Tokens of prompt and completion that a slot holds; the model's own context where that is smaller."""
START_TIMEOUT = 300.0
"""Seconds; a cold disk reads 100 MB/s, and weights are a few gigabytes."""


class LlamaCppEngine:
    """One llama.cpp server. ``async with LlamaCppEngine() as engine`` stops it at the end of the block."""

    def __init__(self) -> None:
        self._process: ManagedProcess | None = None
        self._served: ModelSpec | None = None

    async def start(
        self,
        spec: ModelSpec,
        weights: Path,
        *,
        parallel: int = PARALLEL,
        context_per_slot: int | None = None,
        threads: int | None = None,
        port: int = 0,
        timeout: float = START_TIMEOUT,
        on_wait: OnWait | None = None,
    ) -> str:
        """Serve ``weights`` and return the endpoint, ending in ``/v1``, once the server answers.

        ``port`` 0 lets the server take a free port itself, so that no two engines race for one. ``threads`` defaults to the
        physical cores this process may use. Raises :class:`EngineError` where xllamacpp is missing, the file is no GGUF
        model, the memory does not suffice, or the server fails for another reason; no process is left then.
        """
        if self._process is not None:
            raise EngineError(f"this engine already serves {self._process.name}")
        _require_ready(spec, weights)
        context = context_per_slot or min(spec.context, CONTEXT_PER_SLOT)
        command = [sys.executable, "-m", f"{__package__}.llamacpp_server", "--model", str(weights), "--alias", spec.remote_name]
        command += ["--port", str(port), "--parallel", str(parallel), "--context", str(parallel * context)]
        command += ["--threads", str(threads or _cores())]
        process = ManagedProcess.start(command, name="llama.cpp", explain=functools.partial(_explain, weights.name))
        try:
            address = await process.first_line(timeout=timeout, on_wait=on_wait)
            await process.wait_healthy(f"{address}/health", timeout=timeout, on_wait=on_wait)
            models = await served(f"{address}/v1", timeout)
        except BaseException:  # a cancelled start must leave no process either
            process.kill()
            raise
        self._process = process
        endpoint = f"{address}/v1"
        if models and models[0].context is not None:
            context = min(context, models[0].context)  # llama.cpp caps a slot at what the model was trained on
        self._served = spec.model_copy(
            update={"endpoint": endpoint, "served_name": spec.remote_name, "context": context, "concurrency": parallel}
        )
        return endpoint

    async def stop(self) -> None:
        """End the server. Does nothing where none runs."""
        process, self._process, self._served = self._process, None, None
        if process is not None:
            await process.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def process(self) -> ManagedProcess | None:
        """The server's process: pid, start time, memory, last log lines."""
        return self._process

    @property
    def running(self) -> bool:
        """Whether the server lives."""
        return self._process is not None and self._process.running

    @property
    def served(self) -> ModelSpec:
        """The spec as served: with its endpoint, the context of one slot, and as many calls in flight as slots.

        More calls would only queue in the server, where the gateway can neither order nor withdraw them. Raises
        :class:`EngineError` before :meth:`start`.
        """
        if self._served is None:
            raise EngineError("the engine has not been started")
        return self._served

    @property
    def parallel(self) -> int:
        """Slots: calls that the server works on at once. Raises like :attr:`served`."""
        return self.served.concurrency or PARALLEL

    def memory(self) -> int:
        """Resident bytes, weights included; 0 where no server runs."""
        return self._process.memory() if self._process is not None else 0


def _require_ready(spec: ModelSpec, weights: Path) -> None:
    if importlib.util.find_spec("xllamacpp") is None:
        raise EngineError("llama.cpp is not installed", hint='pip install "symposia[local]"')
    try:
        genuine, size = is_gguf(weights), weights.stat().st_size
    except OSError as error:
        raise EngineError(f"{weights} cannot be read: {error.strerror}") from error
    if not genuine:
        raise EngineError(f"{weights} is not a GGUF model", hint="download it again with `symposia models pull`")
    needed, free = spec.memory or memory_for(size), available_memory()
    if needed > free:
        raise EngineError(
            f"{spec.name} needs about {gigabytes(needed)} of memory, {gigabytes(free)} are free",
            hint="close other programs or choose a smaller model",
        )


def _cores() -> int:
    physical = psutil.cpu_count(logical=False) or os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else physical
    return max(1, min(physical, allowed))


def _explain(file: str, lines: Sequence[str]) -> str:
    """The file and the first error that llama.cpp logged: those after it only repeat that loading failed."""
    for line in lines:
        if match := re.match(r"[\d.]+ E (?:\S+\s+)?\S+: (?P<reason>.+)", line):
            return f"{file}: {match['reason'].removeprefix('error loading model: ').strip()}"
    return last_line(lines)
