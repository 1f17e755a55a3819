"""Staffing: from model names to models that answer. Chooses the default model and starts local engines when needed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from ..core.errors import EngineError, UsageError, WeightsError
from ..core.model_spec import ModelSpec
from ..models.catalogue import Catalogue
from ..models.discovery import identify, probe_loopback
from ..models.engines.llamacpp import LlamaCppEngine
from ..models.weights import fits, installed, models_folder
from .settings import Settings

Notify = Callable[[str], None]
"""Told in one line what was chosen or started, and why; the command prints it to stderr."""


class Staff:
    """Models by name, ready to be called. Engines it started are stopped by :meth:`close`."""

    def __init__(self, catalogue: Catalogue, settings: Settings, notify: Notify, extra: Mapping[str, ModelSpec]) -> None:
        self._catalogue = catalogue
        self._transport = settings.transport
        self._folder = models_folder(settings.models_dir)
        self._notify = notify
        self._extra = dict(extra)
        self._engines: dict[str, LlamaCppEngine] = {}
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
        else:
            spec = self._catalogue.get(name)
            if name.startswith(("http://", "https://")):
                spec = await identify(spec)
            self._require_weights(spec)
        return spec if self._transport is None else spec.model_copy(update={"transport": self._transport})

    async def _default(self) -> ModelSpec:
        """A server that answers on loopback, else the largest downloaded weights that fit into memory."""
        servers = await probe_loopback()
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
        """The spec with an endpoint that answers; starts the engine of local weights once. Raises :class:`EngineError`."""
        if spec.engine is None or spec.endpoint is not None:
            return spec
        async with self._starting:
            if spec.name not in self._engines:
                self._engines[spec.name] = await self._start(spec)
        return self._engines[spec.name].served

    def _require_weights(self, spec: ModelSpec) -> Path | None:
        path = installed(spec, self._folder)
        if spec.engine is not None and path is None:
            raise WeightsError(f"the weights of {spec.name} are not here", hint=f"run `symposia models pull {spec.name}`")
        return path

    async def _start(self, spec: ModelSpec) -> LlamaCppEngine:
        path = self._require_weights(spec)
        if path is None:
            raise EngineError(f"{spec.name} has no weights that a local engine could serve")
        self._notify(f"starting llama.cpp with {path.name}")
        engine = LlamaCppEngine()
        await engine.start(spec, path)
        return engine

    async def close(self) -> None:
        """Stop every engine started here."""
        await asyncio.gather(*(engine.stop() for engine in self._engines.values()))
        self._engines.clear()
