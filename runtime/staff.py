"""Staffing: from model names to models that answer. Chooses the default model and starts local engines when needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from ..core.errors import EngineError, UsageError, WeightsError
from ..core.model_spec import Ability, ModelSpec
from ..models.catalogue import Catalogue
from ..models.discovery import identify, probe_loopback
from ..models.engines.engine import Engine, EngineOptions, new_engine
from ..models.engines.keeper import registered
from ..models.engines.running import EngineState, RunningEngines
from ..models.weights import fits, installed, models_folder
from .settings import Settings

Notify = Callable[[str], None]
"""Told in one line what was chosen or started, and why; the command prints it to stderr."""


class Staff:
    """Models by name, ready to be called. Engines it started are stopped by :meth:`close`.

    ``running`` are the engines that `models serve` started; a model that one of them serves is taken from there.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        settings: Settings,
        notify: Notify,
        extra: Mapping[str, ModelSpec],
        running: RunningEngines | None = None,
    ) -> None:
        self._catalogue = catalogue
        self._transport = settings.transport
        self._folder = models_folder(settings.models_dir)
        self._notify = notify
        self._extra = dict(extra)
        self._running = running or RunningEngines()
        python = settings.vllm_python
        self._options = EngineOptions(python=Path(python).expanduser() if python else None, timeout=settings.engine_timeout)
        self._engines: dict[str, Engine] = {}
        self._starting = asyncio.Lock()

    async def spec(self, name: str | None) -> ModelSpec:
        """The catalogue's entry for ``name``, or for the default model; an address is asked what it serves. Starts nothing.

        Raises :class:`UnknownNameError`, :class:`UnreachableError` for an address where no server answers,
        :class:`WeightsError` for a local model that is not downloaded, or :class:`UsageError` where no model was named and
        none is at hand.
        """
        if name is None:
            spec = await self._default()
        elif name in self._extra:
            spec = self._extra[name]
        elif (serving := registered(name, self._running)) is not None:
            spec = serving
            self._notify(f"model: {spec.name} (served by {spec.engine} at {spec.endpoint})")
        else:
            spec = self._catalogue.get(name)
            if name.startswith(("http://", "https://")):
                spec = await identify(spec)
            self._require_weights(spec)
        return spec if self._transport is None else spec.model_copy(update={"transport": self._transport})

    def with_ability(self, ability: Ability) -> list[ModelSpec]:
        """The models of the catalogue that declare an ability."""
        return [spec for spec in (*self._extra.values(), *self._catalogue) if ability in spec.abilities]

    async def _default(self) -> ModelSpec:
        """What `models serve` serves, else a server on loopback, else the largest downloaded weights that fit into memory."""
        serving = registered(None, self._running)
        if serving is not None:
            self._notify(f"model: {serving.name} (served by {serving.engine} at {serving.endpoint}; none was named)")
            return serving
        servers = [server for server in await probe_loopback() if server.reward is None]  # which answers no question
        if servers:
            self._notify(f"model: {servers[0].name} (answers at {servers[0].url}; none was named)")
            return await identify(self._catalogue.get(f"{servers[0].url}#{servers[0].name}"))
        local = [spec for spec in self._catalogue if installed(spec, self._folder) is not None and fits(spec)]
        if local:
            best = max(local, key=lambda spec: spec.weights.size if spec.weights else 0)
            self._notify(f"model: {best.name} (the largest downloaded that fits; none was named)")
            return best
        raise UsageError(
            "no model is at hand",
            hint="run `symposia models pull qwen2.5-coder-1.5b`, or name one with --model",
        )

    async def ready(self, spec: ModelSpec) -> ModelSpec:
        """The spec with an endpoint; starts the engine of local weights once. Raises :class:`EngineError`."""
        if spec.engine is None:
            return spec
        if spec.endpoint is not None:
            return self._moved(spec)
        async with self._starting:
            if spec.name not in self._engines:
                self._engines[spec.name] = await self._start(spec)
        return self._engines[spec.name].served

    def _moved(self, spec: ModelSpec) -> ModelSpec:
        """The spec with the endpoint where its engine answers now: a stored run may find it started anew."""
        record = self._running.find(spec.name)
        if record is None or record.engine != spec.engine:
            return spec
        if record.state is EngineState.DEAD:
            raise EngineError(
                f"{record.engine} with {spec.name} has died; its log is {record.log}",
                hint=f"run `symposia models serve {spec.name}` again",
            )
        if record.endpoint is None:
            raise EngineError(
                f"{record.engine} with {spec.name} is still starting", hint="wait until `symposia models ps` says running"
            )
        return spec.model_copy(update={"endpoint": record.endpoint})

    def _require_weights(self, spec: ModelSpec) -> Path | None:
        path = installed(spec, self._folder)
        if spec.engine is not None and spec.endpoint is None and path is None:
            raise WeightsError(f"the weights of {spec.name} are not here", hint=f"run `symposia models pull {spec.name}`")
        return path

    async def _start(self, spec: ModelSpec) -> Engine:
        path = self._require_weights(spec)
        if path is None or spec.engine is None:
            raise EngineError(f"{spec.name} has no weights that a local engine could serve")
        self._notify(f"starting {spec.engine} with {path.name}")
        engine = new_engine(spec.engine)
        await engine.start(spec, path, self._options)
        return engine

    async def close(self) -> None:
        """Stop every engine started here."""
        await asyncio.gather(*(engine.stop() for engine in self._engines.values()))
        self._engines.clear()
