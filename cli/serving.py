"""``symposia models serve|ps|stop``: engines that run for everybody on this machine."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import click

from ..core.errors import ConfigError, UsageError
from ..models.catalogue import Catalogue
from ..models.engines.detached import serve_detached
from ..models.engines.engine import ENGINES, EngineOptions
from ..models.engines.keeper import Keeper, stop_engine
from ..models.engines.process import OnWait, Waiting
from ..models.engines.running import EngineRecord, EngineState, RunningEngines
from ..models.engines.targets import Target, find_target
from ..models.litellm_proxy import proxy_config
from ..models.weights import gigabytes, models_folder
from ..runtime.settings import load_settings
from .options import json_option, run_async
from .output import age, columns, data, data_json, interactive, note

_SAY_EVERY = 15.0


@click.command()
@click.argument("name")
@click.option("--engine", metavar="ENGINE", help="What serves it: vllm, llama.cpp, … By default what the catalogue says.")
@click.option("--port", type=click.IntRange(1, 65535), help="By default a free one.")
@click.option("--max-model-len", "context", type=click.IntRange(1), metavar="N", help="Tokens that one call may have.")
@click.option("--max-num-seqs", "parallel", type=click.IntRange(1), metavar="N", help="Calls worked on at once.")
@click.option("--engine-arg", "arguments", multiple=True, metavar="ARG", help='Passed on, as in --engine-arg="--seed=7".')
@click.option("--alias", metavar="NAME", help="Serve it under this name.")
@click.option("--detach", is_flag=True, help="Return when it answers, and leave it running.")
@click.option("--python", type=click.Path(path_type=Path), metavar="PATH", help="The Python that has vLLM.")
@click.option(
    "--litellm-proxy",
    "proxy",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the config of a LiteLLM proxy for all that is served here.",
)
@json_option
def serve(
    name: str,
    *,
    engine: str | None,
    port: int | None,
    context: int | None,
    parallel: int | None,
    arguments: tuple[str, ...],
    alias: str | None,
    detach: bool,
    python: Path | None,
    proxy: Path | None,
    as_json: bool,
) -> None:
    """Serve NAME on this machine, for every program that speaks the OpenAI protocol; Ctrl-C ends it.

    NAME is a model of the catalogue, a GGUF file, a folder with a model, or a model's id on a hub (ORG/NAME).
    """
    settings = load_settings(cwd=Path.cwd()).settings
    if engine is not None:
        ENGINES.get(engine)
    target = find_target(name, Catalogue.load(), models_folder(settings.models_dir), engine=engine, alias=alias)
    given_python = python or settings.vllm_python
    options = EngineOptions(
        port=port or 0,
        context=context,
        parallel=parallel,
        arguments=arguments,
        python=Path(given_python).expanduser() if given_python else None,
        timeout=settings.engine_timeout,
    )
    if detach:
        words = {"engine": engine, "alias": alias, "python": options.python, "port": port}
        words |= {"max-model-len": context, "max-num-seqs": parallel}
        given = [f"--{option}={value}" for option, value in words.items() if value is not None]
        given += [f"--engine-arg={argument}" for argument in arguments]
        record = run_async(serve_detached(target.spec.remote_name, [*given, "--", name], note))
        _announce(record, proxy, as_json=as_json)
        note(f"`symposia models stop {record.name}` ends it")
    else:
        sys.exit(run_async(_serve(target, options, proxy, as_json=as_json)))


async def _serve(target: Target, options: EngineOptions, proxy: Path | None, *, as_json: bool) -> int:
    keeper, name = Keeper(target, options), target.spec.remote_name
    ready = False
    with _cancelled_by_signals():
        try:
            with _progress(f"{target.spec.engine} with {name}") as hear:
                record = await keeper.start(hear)
            _announce(record, proxy, as_json=as_json)
            note("Ctrl-C ends it")
            ready = True
            await keeper.watch()
        except asyncio.CancelledError:
            note(f"ending {name}")
        finally:
            await keeper.stop()
    return 0 if ready else 130


def _announce(record: EngineRecord, proxy: Path | None, *, as_json: bool) -> None:
    """Say where the model is served, and in how much memory."""
    used, expected = record.memory(), record.spec.memory
    told = f" ({gigabytes(expected)} were expected)" if expected else ""
    note(f"{record.name} is served by {record.engine} in {gigabytes(used)} of memory{told}")
    if proxy is not None:
        _write_proxy(proxy)
    if as_json:
        data_json(_shown(record))
    else:
        data(str(record.endpoint))


def _write_proxy(file: Path) -> None:
    specs = [record.spec for record in RunningEngines().healthy()]
    try:
        file.write_text(proxy_config(specs), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error


@click.command()
@json_option
def ps(*, as_json: bool) -> None:
    """List the engines that `models serve` started on this machine."""
    records = RunningEngines().all()
    if as_json:
        data_json([_shown(record) for record in records])
        return
    rows = [
        [
            record.name,
            record.engine,
            record.state.value,
            record.endpoint or "-",
            str(record.owner.pid),
            gigabytes(used) if (used := record.memory()) else "-",
            age(record.started_at),
        ]
        for record in records
    ]
    data(columns(rows, ["NAME", "ENGINE", "STATE", "ENDPOINT", "OWNER", "MEMORY", "AGE"]))


def _shown(record: EngineRecord) -> dict[str, object]:
    spec = record.spec
    return {
        "name": record.name,
        "engine": record.engine,
        "state": record.state.value,
        "endpoint": record.endpoint,
        "abilities": sorted(spec.abilities),
        "context": spec.context,
        "owner_pid": record.owner.pid,
        "pid": record.processes[0].pid if record.processes else None,
        "memory": record.memory(),
        "started_at": record.started_at,
        "log": record.log,
    }


@click.command()
@click.argument("name", required=False)
@click.option("--all", "every", is_flag=True, help="Stop all of them.")
@json_option
def stop(name: str | None, *, every: bool, as_json: bool) -> None:
    """Stop the engine that serves NAME, and return when no process of it is left."""
    if (name is None) != every:
        raise UsageError("name one engine, or give --all", hint="`symposia models ps` lists them")
    running = RunningEngines()
    records = running.all() if name is None else [running.get(name)]
    for record in records:
        was = run_async(stop_engine(record, running))
        note(f"{record.name} was dead already" if was is EngineState.DEAD else f"stopped {record.name}")
    if as_json:
        data_json([record.name for record in records])


@contextlib.contextmanager
def _cancelled_by_signals() -> Iterator[None]:
    """Cancel the current task on Ctrl-C, SIGTERM and the end of the terminal."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, lambda: task and task.cancel())
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)


@contextlib.contextmanager
def _progress(what: str) -> Iterator[OnWait]:
    """A line that is rewritten on a terminal; elsewhere one now and then, and one for each phase."""
    phase, at = "", 0.0

    def hear(waiting: Waiting) -> None:
        nonlocal phase, at
        line = f"{waiting.phase} {what}: {waiting.seconds:.0f} s, {gigabytes(waiting.memory)} of memory"
        if interactive():
            print(f"\r\x1b[K{line}", end="", file=sys.stderr, flush=True)
        elif phase != waiting.phase or waiting.seconds - at >= _SAY_EVERY:
            phase, at = waiting.phase, waiting.seconds
            note(line)

    try:
        yield hear
    finally:
        if interactive():
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)
