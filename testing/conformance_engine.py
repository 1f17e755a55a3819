"""The conformance suite for engines: a real server is started and stopped, so that these checks take as long as that takes."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from ..core.calls import ChatRequest
from ..core.errors import EngineError
from ..core.model_spec import Ability, ModelSpec
from ..core.problem import Message
from ..models.engines.engine import DEFAULTS, Engine, EngineOptions
from ..models.gateway import ModelGateway
from .conformance import Broken, Check, checks, expect

_PATIENCE = 10.0
"""Seconds until what was ended must be gone."""
_PARENT = """
import asyncio, importlib, importlib.util, os, sys
module, file, name, path, spec, weights, options = sys.argv[1:]
sys.path[:] = path.split(os.pathsep)
try:
    home = importlib.import_module(module)
except ImportError:  # a test's module, found by no name
    found = importlib.util.spec_from_file_location("engine_under_trial", file)
    home = importlib.util.module_from_spec(found)
    found.loader.exec_module(home)
from symposia.core.model_spec import ModelSpec
from symposia.models.engines.engine import EngineOptions

async def main():
    engine = getattr(home, name)()
    await engine.start(ModelSpec.model_validate_json(spec), weights, EngineOptions.model_validate_json(options))
    print(engine.process.pid, flush=True)
    await asyncio.sleep(3600)

asyncio.run(main())
"""


def engine_conformance(
    engine: type[Engine], spec: ModelSpec, weights: Path | str, *, options: EngineOptions = DEFAULTS
) -> list[Check]:
    """What every engine must keep to, each point a check.

    Args:
        engine: the class, as its entry point names it.
        spec: a model that it can serve, as the catalogue has it.
        weights: of that model, the smallest there are.
        options: for every start.
    """
    rules = _EngineRules(engine, spec, weights, options)
    name = getattr(engine, "name", engine.__name__)
    return checks(name, [getattr(rules, name) for name in vars(_EngineRules) if not name.startswith("_")])


class _EngineRules:
    """Each public method is a check; its docstring's first line is the rule."""

    def __init__(self, engine: type[Engine], spec: ModelSpec, weights: Path | str, options: EngineOptions) -> None:
        self._engine, self._spec, self._weights, self._options = engine, spec, weights, options

    @asynccontextmanager
    async def _started(self) -> AsyncIterator[tuple[Engine, ModelSpec]]:
        async with self._engine() as engine:
            yield engine, await engine.start(self._spec, self._weights, self._options)

    async def form(self) -> None:
        """It is an engine with a name, and can be made without arguments."""
        expect(isinstance(self._engine, type) and issubclass(self._engine, Engine), "it is no subclass of Engine")
        expect(not inspect.isabstract(self._engine), "it does not say what to run")
        expect(isinstance(getattr(self._engine, "name", None), str), "it has no name")
        expect(not self._engine().running, "it runs before it was started")

    async def serves(self) -> None:
        """Once started it answers, under the name and with the abilities that it says."""
        async with self._started() as (engine, served):
            expect(served.engine == engine.name, f"the served model says engine={served.engine!r}")
            expect(served.endpoint and served.endpoint.endswith("/v1"), f"{served.endpoint!r} is no address of an API")
            expect(engine.running and engine.served == served, "it does not say what it serves")
            expect(engine.memory() > 0, "it says that it needs no memory")
            samples = 2 if Ability.N in served.abilities else 1
            request = ChatRequest(messages=(Message(role="user", content="Say yes."),), max_tokens=8, n=samples)
            gateway = ModelGateway()
            try:
                reply = await gateway.complete(served, request, tag="conformance")
            finally:
                await gateway.close()
            expect(len(reply.choices) == samples, f"{len(reply.choices)} choices where {samples} were asked for")

    async def stops(self) -> None:
        """Stopping leaves no process, twice is as good as once, and it can be started again."""
        engine = self._engine()
        for _ in range(2):
            await engine.start(self._spec, self._weights, self._options)
            family = _family(engine)
            await engine.stop()
            await engine.stop()
            expect(not engine.running, "it says that it runs after it was stopped")
            _expect_gone(family)

    async def cancelled(self) -> None:
        """A start that is cancelled leaves no process."""
        engine = self._engine()
        waiting = asyncio.Event()
        start = asyncio.create_task(
            engine.start(self._spec, self._weights, self._options, on_wait=lambda *_: waiting.set()),
        )
        begun = asyncio.create_task(waiting.wait())
        await asyncio.wait({start, begun}, return_when=asyncio.FIRST_COMPLETED)
        expect(engine.process is not None, "it was not yet started where it says that one has to wait")
        family = _family(engine)
        start.cancel()
        begun.cancel()
        await asyncio.gather(start, begun, return_exceptions=True)
        _expect_gone(family)

    async def orphaned(self) -> None:
        """Where the process that started it is killed, the server ends too."""
        given = [self._spec.model_dump_json(round_trip=True), str(self._weights), self._options.model_dump_json()]
        engine, path = self._engine, os.pathsep.join(filter(None, sys.path))
        where = [engine.__module__, inspect.getfile(engine), engine.__qualname__, path]
        parent = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _PARENT, *where, *given, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE
        )
        assert parent.stdout is not None  # noqa: S101 - asked for above
        try:
            said = await parent.stdout.readline()
            expect(said, "it could not be started by another process")
            server = psutil.Process(int(said))
            family = [server, *server.children(recursive=True)]
        finally:
            if parent.returncode is None:
                parent.kill()
            await parent.wait()
        _expect_gone(family)

    async def once(self) -> None:
        """One engine serves one model: a second start is refused."""
        async with self._started() as (engine, _):
            try:
                await engine.start(self._spec, self._weights, self._options)
            except EngineError:
                return
            raise Broken("a second start was not refused")

    async def missing(self) -> None:
        """Weights that are not there are an error in one sentence, and leave no process."""
        engine = self._engine()
        try:
            await engine.start(self._spec, Path("no-such-folder") / "no-such-weights", self._options)
        except EngineError as error:
            expect("\n" not in error.message, f"the error is no single sentence: {error.message!r}")
            expect(not engine.running, "it runs all the same")
            return
        await engine.stop()
        raise Broken("weights that do not exist were served")


def _family(engine: Engine) -> list[psutil.Process]:
    """The engine's process and all that it has started."""
    if engine.process is None:
        return []
    with contextlib.suppress(psutil.NoSuchProcess):
        parent = psutil.Process(engine.process.pid)
        return [parent, *parent.children(recursive=True)]
    return []


def _expect_gone(family: list[psutil.Process]) -> None:
    _, left = psutil.wait_procs(family, timeout=_PATIENCE)
    alive = [process for process in left if process.is_running() and process.status() != psutil.STATUS_ZOMBIE]
    for process in alive:  # a verdict is no reason to leave them
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    expect(not alive, f"still running: {', '.join(str(process) for process in alive)}")
