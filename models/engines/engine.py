"""What a local engine is: a program that serves one model on loopback, started, watched and stopped by symposia.

An engine says what to run (:meth:`Engine.prepare`); everything else is the same for all of them. Engines are found by name
among the entry points of the group ``symposia.engines``, so that another package can bring one.
"""

from __future__ import annotations

import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

from pydantic import Field

from ...core.base import Frozen
from ...core.errors import EngineError, UsageError
from ...core.model_spec import ModelSpec
from ...core.registry import Registry
from ..discovery import served
from ..reward_forms import abilities_of
from ..weights import available_memory, gigabytes
from .process import STOP_GRACE, Explain, ManagedProcess, OnWait, last_line

HOST = "127.0.0.1"


class EngineOptions(Frozen):
    """What a user may say about a start. None leaves it to the engine."""

    port: int = Field(default=0, ge=0, le=65535)
    """0: a free one."""
    context: int | None = Field(default=None, gt=0)
    """Tokens of prompt and completion that one call may have."""
    parallel: int | None = Field(default=None, gt=0)
    """Calls that the server works on at once."""
    arguments: tuple[str, ...] = ()
    """Further words of the engine's own command line; a flag given here replaces ours."""
    python: Path | None = None
    """The Python that has the engine, where that is not this one."""
    timeout: float = Field(default=600, gt=0)
    """Seconds until the server must answer. A cold disk reads 100 MB/s, and weights are gigabytes."""


DEFAULTS = EngineOptions()


class Launch(NamedTuple):
    """How to start one server."""

    command: list[str]
    spec: ModelSpec
    """As it will be served: names, abilities, context of a call, memory it should need."""
    address: str | None = None
    """``http://HOST:PORT``. None: the command prints it as its first line."""
    env: Mapping[str, str] = {}
    """Added to this process's environment."""
    explain: Explain = last_line
    """Picks the reason of a failure from the last lines that the server wrote."""


class Engine(ABC):
    """One server of one model. ``async with SomeEngine() as engine`` stops it at the end of the block."""

    name: ClassVar[str]
    """As in the entry point, :attr:`ModelSpec.engine` and sentences."""
    stop_grace: ClassVar[float] = STOP_GRACE
    """Seconds it may take to end by itself."""

    def __init__(self) -> None:
        self._process: ManagedProcess | None = None
        self._served: ModelSpec | None = None

    @abstractmethod
    async def prepare(self, spec: ModelSpec, weights: Path | str, options: EngineOptions, on_wait: OnWait | None) -> Launch:
        """What to run. Raises :class:`EngineError` for whatever can be known to be missing before anything is started.

        ``weights`` is a local path, or the id of a model on a hub that the engine downloads itself. What is run must end
        with its parent: a program that does not, goes behind :mod:`.guard`.
        """

    async def start(
        self,
        spec: ModelSpec,
        weights: Path | str,
        options: EngineOptions = DEFAULTS,
        *,
        on_wait: OnWait | None = None,
    ) -> ModelSpec:
        """Serve ``weights`` and return the spec as served, with its endpoint, once the server answers.

        ``on_wait`` hears several times a second how far it is. Raises :class:`EngineError` where the engine or memory is
        missing, the weights are no model, or the server fails for another reason. No process is left then.
        """
        if self._process is not None:
            raise EngineError(f"this engine already serves {self._process.name}")
        launch = await self.prepare(spec, weights, options, on_wait)
        process = ManagedProcess.start(launch.command, name=self.name, env=launch.env, explain=launch.explain)
        self._process = process
        try:
            self._served = await self._ready(process, launch, options.timeout, on_wait)
        except BaseException:  # a cancelled start must leave no process either
            self._process = None
            process.kill()
            raise
        return self._served

    async def _ready(self, process: ManagedProcess, launch: Launch, timeout: float, on_wait: OnWait | None) -> ModelSpec:
        address = launch.address or await process.first_line(timeout=timeout, on_wait=on_wait)
        await process.wait_healthy(f"{address}/health", timeout=timeout, on_wait=on_wait)
        name, endpoint = launch.spec.remote_name, f"{address}/v1"
        models = {model.name: model for model in await served(endpoint, timeout) or ()}
        if name not in models:
            raise process.failure(f"does not serve {name} at {endpoint}")
        told = models[name]
        changes: dict[str, Any] = {"endpoint": endpoint, "engine": self.name, "context": told.context or launch.spec.context}
        if told.reward is not None:
            form = changes["reward"] = launch.spec.reward or told.reward
            changes["abilities"] = abilities_of(form)
        return launch.spec.model_copy(update=changes)

    async def stop(self) -> None:
        """End the server. Does nothing where none runs."""
        process, self._process, self._served = self._process, None, None
        if process is not None:
            await process.stop(self.stop_grace)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def process(self) -> ManagedProcess | None:
        """The server's process, also while it starts: pid, start time, memory, last log lines."""
        return self._process

    @property
    def running(self) -> bool:
        """Whether the server lives."""
        return self._process is not None and self._process.running

    @property
    def served(self) -> ModelSpec:
        """The spec as served, with its endpoint. Raises :class:`EngineError` before :meth:`start` has returned."""
        if self._served is None:
            raise EngineError("the engine has not been started")
        return self._served

    def memory(self) -> int:
        """Resident bytes, weights included; 0 where no server runs."""
        return self._process.memory() if self._process is not None else 0


ENGINES: Registry[type[Engine]] = Registry("symposia.engines", "engine", Engine, classes=True)
"""Engines by name."""


def new_engine(name: str) -> Engine:
    """An engine that has not been started. Raises :class:`UnknownNameError`, or ConfigError where its package is broken."""
    return ENGINES.get(name)()


def guarded(command: list[str], grace: float) -> list[str]:
    """``command`` behind :mod:`.guard`, which ends whatever it started within ``grace`` seconds of being told to."""
    return [sys.executable, "-m", f"{__package__}.guard", "--grace", f"{grace:g}", "--", *command]


def require_memory(name: str, needed: int) -> None:
    """Raise :class:`EngineError` where fewer than ``needed`` bytes of memory are free."""
    if needed > (free := available_memory()):
        raise EngineError(
            f"{name} needs about {gigabytes(needed)} of memory, {gigabytes(free)} are free",
            hint="close other programs or choose a smaller model",
        )


def merged_flags(ours: Mapping[str, str | None], given: tuple[str, ...], *, fixed: frozenset[str] = frozenset()) -> list[str]:
    """A command line's flags: ours (None for one without a value) but for those that ``given`` names, and then ``given``.

    ``--no-x`` in ``given`` replaces ``--x``. Raises :class:`UsageError` where it names one of ``fixed``.
    """
    named = {_canonical(word) for word in given if word.startswith("-")}
    if taken := sorted(named & fixed):
        raise UsageError(f"{taken[0]} cannot be an engine argument", hint="symposia sets it; see `symposia models serve --help`")
    kept = {flag: value for flag, value in ours.items() if _canonical(flag) not in named}
    return [word for flag, value in kept.items() for word in ([flag] if value is None else [flag, value])] + list(given)


def _canonical(word: str) -> str:
    return "--" + word.partition("=")[0].lstrip("-").replace("_", "-").removeprefix("no-")
