"""The models of this machine: how each stands, and the work on them that goes on while other screens are looked at."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..core.errors import EngineError, StoreError, SymposiaError
from ..core.model_spec import ModelSpec

if TYPE_CHECKING:
    from ..models.engines.running import EngineRecord, EngineState
    from ..models.partial import Progress
    from ..models.shelf import Standing


class Row(NamedTuple):
    """A model, as it stood at the last look."""

    name: str
    spec: ModelSpec
    standing: Standing | None
    """None for one that is served and in no catalogue."""
    engine: EngineRecord | None = None
    """Who serves it."""
    state: EngineState | None = None
    """Of that engine."""
    memory: int = 0
    """Bytes that the engine has."""
    default: bool = False
    """Whether it is taken where none is named."""


class Machine(NamedTuple):
    """What this machine has."""

    memory: int
    """Bytes that are free."""
    disk: int
    """Bytes that are free where weights are kept."""
    llamacpp: bool
    """Whether the engine for downloaded weights is installed."""
    servers: tuple[str, ...] = ()
    """Names of models that servers on this machine offer."""


class Stock(NamedTuple):
    """What the last look found."""

    rows: tuple[Row, ...]
    machine: Machine
    default: str | None = None
    """The model that the configuration names."""


@dataclass(slots=True)
class Job:
    """Work on one model."""

    kind: str
    """``pull``, ``serve`` or ``stop``."""
    told: str = ""
    """How far it is, in words."""
    share: float | None = None
    """How much of it is done; None where nobody knows."""
    error: SymposiaError | None = None
    """Why it ended without success."""
    task: asyncio.Task[None] | None = None

    @property
    def going(self) -> bool:
        """Whether it goes on."""
        return self.task is not None and not self.task.done()


class Shelf:
    """See the module. What it does is imported when it is done.

    Args:
        take: tells the stock, as it is now.
    """

    def __init__(self, take: Callable[[], Awaitable[Stock]] | None = None) -> None:
        self.stock: Stock | None = None
        """None before the first look."""
        self.fault: SymposiaError | None = None
        """Why nothing can be said of the models."""
        self.jobs: dict[str, Job] = {}
        """The last work on each model, by its name."""
        self.changed: Callable[[], None] = _nobody
        """Called when anything is new."""
        self._take = take or take_stock

    async def look(self) -> None:
        """Look anew. What is wrong with a file is said, not raised."""
        try:
            self.stock, self.fault = await self._take(), None
        except SymposiaError as error:
            self.fault = error
        except OSError as error:
            self.fault = StoreError(f"the models cannot be looked at: {error.strerror or error}")
        self.changed()

    def pull(self, row: Row) -> None:
        """Download the weights of a model; a download that goes on is stopped, and what came is kept."""
        job = self.jobs.get(row.name)
        if job is not None and job.going and job.task is not None:
            job.task.cancel()
        else:
            self._begin(row.name, "pull", lambda job: self._pull(row.spec, job))

    def serve(self, row: Row) -> None:
        """Serve a model by a process of its own."""
        self._begin(row.name, "serve", lambda job: self._serve(row.name, job))

    def stop(self, row: Row) -> None:
        """End the engine that serves a model."""
        if row.engine is not None:
            engine = row.engine
            self._begin(row.name, "stop", lambda _: end(engine))

    async def use(self, row: Row) -> Path:
        """Make a model the default; the file that says so. Raises :class:`ConfigError`."""
        from ..runtime.settings import set_user_value  # noqa: PLC0415 - see Shelf

        path = await asyncio.to_thread(set_user_value, "model", row.name)
        await self.look()
        return path

    def _begin(self, name: str, kind: str, work: Callable[[Job], Coroutine[Any, Any, None]]) -> None:
        before = self.jobs.get(name)
        if before is not None and before.going:
            return
        job = self.jobs[name] = Job(kind)
        job.task = asyncio.create_task(self._carry_out(job, work), name=f"{kind} {name}")

    async def _carry_out(self, job: Job, work: Callable[[Job], Coroutine[Any, Any, None]]) -> None:
        try:
            await work(job)
            job.told, job.share = "", None
        except asyncio.CancelledError:
            job.told, job.share = "stopped; what came is kept" if job.kind == "pull" else "stopped", None
            raise
        except SymposiaError as error:
            job.error = error
        except OSError as error:
            job.error = EngineError(f"it could not be done: {error.strerror or error}")
        finally:
            self.changed()
        await self.look()

    async def _pull(self, spec: ModelSpec, job: Job) -> None:
        def hear(progress: Progress) -> None:
            job.told, job.share = pull_words(progress), progress.done / max(1, progress.total)
            self.changed()

        job.told = "beginning"
        await fetch(spec, hear)

    async def _serve(self, name: str, job: Job) -> None:
        def hear(line: str) -> None:
            job.told = line
            self.changed()

        job.told = "starting"
        await put_up(name, hear)


def _nobody() -> None:
    """Hears it."""


def pull_words(progress: Progress) -> str:
    """How far a download is."""
    from ..models.weights import gigabytes  # noqa: PLC0415 - see Shelf

    if progress.phase == "waiting":
        return "waits for another program that downloads it"
    if progress.phase == "verifying":
        return "is checked"
    rate = f", {progress.rate / 1e6:.1f} MB/s" if progress.rate else ""
    return f"{gigabytes(progress.done)} of {gigabytes(progress.total)}{rate} from {progress.source}"


def recommended(stock: Stock) -> Row | None:
    """The largest model that can be downloaded, kept and run here; None where there is none."""
    from ..models.shelf import Standing  # noqa: PLC0415 - see Shelf
    from ..models.weights import memory_for  # noqa: PLC0415

    def able(row: Row) -> bool:
        weights = row.spec.weights
        if row.standing is not Standing.TO_PULL or weights is None or not weights.sources:
            return False
        return (row.spec.memory or memory_for(weights.size)) <= stock.machine.memory and weights.size <= stock.machine.disk

    return max(filter(able, stock.rows), key=lambda row: row.spec.weights.size if row.spec.weights else 0, default=None)


def at_hand(stock: Stock) -> str | None:
    """The model that a question would be worked on with where none is named; None where there is none.

    As :class:`.runtime.staff.Staff` chooses it.
    """
    from ..models.engines.running import EngineState  # noqa: PLC0415 - see Shelf
    from ..models.shelf import Standing  # noqa: PLC0415

    if stock.default is not None:
        named = next((row for row in stock.rows if row.name == stock.default), None)
        missing = named is not None and named.standing is Standing.TO_PULL and named.state is not EngineState.RUNNING
        return None if missing else stock.default
    served = next((row.name for row in stock.rows if row.state is EngineState.RUNNING), None)
    here = [row for row in stock.rows if row.standing is Standing.HERE and stock.machine.llamacpp]
    largest = max(here, key=lambda row: row.spec.weights.size if row.spec.weights else 0, default=None)
    server = next(iter(stock.machine.servers), None)
    return served or server or (None if largest is None else largest.name)


async def take_stock() -> Stock:
    """What there is now. Raises :class:`SymposiaError` for a file that cannot be used."""
    from ..models.discovery import probe_loopback  # noqa: PLC0415 - see Shelf

    servers = tuple(server.name for server in await probe_loopback() if server.reward is None)
    return await asyncio.to_thread(_take_stock, servers)


def _take_stock(servers: tuple[str, ...]) -> Stock:
    from ..models.catalogue import Catalogue  # noqa: PLC0415 - see Shelf
    from ..models.engines.llamacpp import llamacpp_installed  # noqa: PLC0415
    from ..models.engines.running import RunningEngines  # noqa: PLC0415
    from ..models.shelf import standing  # noqa: PLC0415
    from ..models.weights import available_memory  # noqa: PLC0415

    model, folder = _settled()
    engines = {record.name: record for record in RunningEngines().all()}
    rows = []
    for spec in Catalogue.load():
        record = engines.pop(spec.remote_name, None)
        rows.append(_row(spec.name, spec, standing(spec, folder), record, default=spec.name == model))
    rows += [_row(name, record.spec, None, record, default=name == model) for name, record in engines.items()]
    place = next(each for each in (folder, *folder.parents) if each.exists())
    machine = Machine(available_memory(), shutil.disk_usage(place).free, llamacpp_installed(), servers)
    return Stock(tuple(rows), machine, model)


def _row(name: str, spec: ModelSpec, how: Standing | None, record: EngineRecord | None, *, default: bool) -> Row:
    if record is None:
        return Row(name, spec, how, default=default)
    return Row(name, spec, how, record, record.state, record.memory(), default)


def _settled() -> tuple[str | None, Path]:
    """The model of the configuration, and the folder of weights."""
    from ..models.weights import models_folder  # noqa: PLC0415 - see Shelf
    from ..runtime.settings import load_settings  # noqa: PLC0415

    settings = load_settings(cwd=Path.cwd()).settings
    return settings.model, models_folder(settings.models_dir)


async def fetch(spec: ModelSpec, hear: Callable[[Progress], None]) -> None:
    """Download weights. Raises :class:`WeightsError`."""
    from ..models.pull import pull  # noqa: PLC0415 - see Shelf

    await pull(spec, _settled()[1], progress=hear)


async def put_up(name: str, told: Callable[[str], None]) -> None:
    """Serve a model as ``symposia models serve --detach`` does. Raises :class:`EngineError`, :class:`WeightsError`."""
    from ..models.catalogue import Catalogue  # noqa: PLC0415 - see Shelf
    from ..models.engines.detached import serve_detached  # noqa: PLC0415
    from ..models.engines.targets import find_target  # noqa: PLC0415

    target = find_target(name, Catalogue.load(), _settled()[1])
    await serve_detached(target.spec.remote_name, ["--", name], told)


async def end(engine: EngineRecord) -> None:
    """End an engine, and wait until nothing of it is left."""
    from ..models.engines.keeper import stop_engine  # noqa: PLC0415 - see Shelf
    from ..models.engines.running import RunningEngines  # noqa: PLC0415

    await stop_engine(engine, RunningEngines())
