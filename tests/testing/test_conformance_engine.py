"""The conformance suite for engines, on servers that are loopback servers in processes of their own."""

from __future__ import annotations

import asyncio
import socket
import sys
from pathlib import Path
from typing import Any, ClassVar

import pytest

from symposia.core.errors import EngineError
from symposia.core.model_spec import Ability, ModelSpec
from symposia.models.catalogue import Catalogue
from symposia.models.engines.engine import Engine, EngineOptions, Launch, guarded
from symposia.models.engines.llamacpp import LlamaCppEngine
from symposia.models.engines.process import ManagedProcess, OnWait
from symposia.models.weights import installed
from symposia.testing import conformance_engine
from symposia.testing.conformance import Broken
from symposia.testing.conformance_engine import engine_conformance

HERE = Path(__file__)
"""Any file will do for weights."""
SPEC = ModelSpec(name="canned", abilities=frozenset({Ability.CHAT, Ability.N}), transport="direct")


class Canned(Engine):
    """Serves the same answer always."""

    name = "canned"
    changes: ClassVar[dict[str, Any]] = {}
    guarded: ClassVar[bool] = True

    async def prepare(self, spec: ModelSpec, weights: Path | str, options: EngineOptions, on_wait: OnWait | None) -> Launch:
        if not Path(weights).is_file():  # noqa: ASYNC240 - a test
            raise EngineError(f"{weights} is no file")
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = options.port or taken.getsockname()[1]
        command = [sys.executable, "-m", "symposia.testing.server", "--port", str(port), "--model", spec.remote_name]
        return Launch(
            command=guarded(command, self.stop_grace) if self.guarded else command,
            spec=spec.model_copy(update=self.changes),
            address=f"http://127.0.0.1:{port}",
        )


class Orphaning(Canned):
    """Its server does not notice that its parent is gone."""

    guarded = False


class Boastful(Canned):
    """Says that it samples several at once and gives what it has."""

    changes: ClassVar[dict[str, Any]] = {"extra": {"n": 1}}


LEFT: list[Any] = []
"""What broken engines have left behind."""


class Forgetful(Canned):
    """Forgets its server instead of ending it."""

    async def stop(self) -> None:
        LEFT.append(self._process)
        self._process = None


class Stubborn(Canned):
    """Goes on starting when the start is cancelled."""

    async def start(self, *given: Any, **more: Any) -> ModelSpec:
        LEFT.append(asyncio.ensure_future(super().start(*given, **more)))
        return await asyncio.shield(LEFT[-1])


class Credulous(Canned):
    """Serves weights that do not exist."""

    async def prepare(self, spec: ModelSpec, weights: Path | str, options: EngineOptions, on_wait: OnWait | None) -> Launch:
        return await super().prepare(spec, HERE, options, on_wait)


class Reckless(Canned):
    """Serves again while it serves."""

    async def start(self, *given: Any, **more: Any) -> ModelSpec:
        await self.stop()
        return await super().start(*given, **more)


class Abstract(Engine):
    """Does not say what to run."""

    name = "abstract"


BROKEN: list[tuple[Any, str, str]] = [
    (Abstract, "form", "does not say what to run"),
    (dict, "form", "no subclass of Engine"),
    (Boastful, "serves", "1 choices where 2 were asked for"),
    (Credulous, "missing", "were served"),
    (Forgetful, "stops", "still running"),
    (Stubborn, "cancelled", "still running"),
    (Reckless, "once", "a second start was not refused"),
    (Orphaning, "orphaned", "still running"),
]


def test_a_sound_engine_passes() -> None:
    for check in engine_conformance(Canned, SPEC, HERE):
        check()


@pytest.mark.parametrize(("engine", "name", "said"), BROKEN)
def test_each_check_finds_what_is_broken(monkeypatch: pytest.MonkeyPatch, engine: Any, name: str, said: str) -> None:
    monkeypatch.setattr(conformance_engine, "_PATIENCE", 0.5)
    (check,) = [check for check in engine_conformance(engine, SPEC, HERE) if str(check) == name]
    with pytest.raises(Broken, match=said):
        check()
    for process in [left for left in LEFT if isinstance(left, ManagedProcess)]:
        process.kill()
    LEFT.clear()


def test_every_check_is_shown_to_fail() -> None:
    assert {name for _, name, _ in BROKEN} == {str(check) for check in engine_conformance(Canned, SPEC, HERE)}


@pytest.mark.integration
@pytest.mark.parametrize("name", ["form", "serves", "stops", "cancelled", "orphaned", "once", "missing"])
def test_llama_cpp_conforms(name: str) -> None:
    spec = Catalogue.load().get("smollm2-135m")
    weights = installed(spec)
    assert weights is not None, "run `symposia models pull smollm2-135m`"
    options = EngineOptions(parallel=1, context=512)
    (check,) = [check for check in engine_conformance(LlamaCppEngine, spec, weights, options=options) if str(check) == name]
    check()
