"""``symposia doctor``: what this machine can do, and what is missing."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import click
import psutil

from ..core.errors import EngineError, SandboxError, StoreError
from ..core.result import RunState
from ..models.catalogue import Catalogue
from ..models.discovery import probe_loopback
from ..models.engines.keeper import reap
from ..models.engines.running import RunningEngines
from ..models.engines.vllm_install import find_vllm
from ..models.weights import fits, installed, models_folder
from ..runtime.settings import load_settings
from ..tools.sandbox.opening import open_sandbox
from .options import json_option, open_session, run_async, store_option
from .output import columns, data, data_json

_LOW_DISK = 2 << 30
_SANDBOXES = {"monty": True, "bubblewrap": False}
"""Those with a wall, and whether every installation should have it."""
_PACKAGES = "import sys\n', '.join(['Python %d.%d.%d' % sys.version_info[:3], *sorted({'numpy', 'sympy'} & set(sys.modules))])"
"""Code whose value says what code can use. What can be read of it is what a sandbox shows."""


class Finding(NamedTuple):
    """One line of the report."""

    what: str
    state: str
    """ok, note (something is absent that is not needed) or problem."""
    detail: str


@click.command()
@store_option
@json_option
def doctor(*, store: str | None, as_json: bool) -> None:
    """Check this machine: store, engines, weights, servers, keys. Exit code 1 if something is broken."""
    findings = run_async(_examine(store))
    if as_json:
        data_json([finding._asdict() for finding in findings])
    else:
        data(columns([[finding.state, finding.what, finding.detail] for finding in findings], ["STATE", "WHAT", "DETAIL"]))
    sys.exit(int(any(finding.state == "problem" for finding in findings)))


async def _examine(store: str | None) -> list[Finding]:
    settings = load_settings(cwd=Path.cwd()).settings
    catalogue = Catalogue.load()
    folder = models_folder(settings.models_dir)
    return [
        Finding(
            "symposia", "ok", f"{importlib.metadata.version('symposia')}, Python {platform.python_version()}, {sys.platform}"
        ),
        await _store(store),
        _llamacpp(),
        _vllm(settings.vllm_python),
        await _engines(RunningEngines()),
        _weights(catalogue, folder),
        *[await _sandbox(name, needed=needed) for name, needed in _SANDBOXES.items()],
        await _servers(),
        _keys(catalogue),
        _room(folder),
    ]


async def _store(store: str | None) -> Finding:
    try:
        async with open_session(store) as session:
            runs = await session.store.runs(limit=1000)
            place = session.store.place
    except StoreError as error:
        return Finding("store", "problem", str(error))
    interrupted = sum(run.state is RunState.INTERRUPTED for run in runs)
    tail = f", {interrupted} interrupted: `symposia run list --state interrupted`" if interrupted else ""
    return Finding("store", "ok", f"{place}, {len(runs)} runs{tail}")


def _llamacpp() -> Finding:
    try:
        version = importlib.metadata.version("xllamacpp")
    except importlib.metadata.PackageNotFoundError:
        return Finding("llama.cpp", "note", 'not installed; `pip install "symposia[local]"` runs models on this machine')
    return Finding("llama.cpp", "ok", f"xllamacpp {version}")


def _vllm(python: str | None) -> Finding:
    try:
        found = find_vllm(Path(python).expanduser() if python else None)
    except EngineError as error:
        return Finding("vllm", "problem" if python else "note", str(error))  # one that was named should be there
    return Finding("vllm", "ok", f"{found.version}{' for CPUs' if found.cpu else ''}, {found.python}")


async def _engines(running: RunningEngines) -> Finding:
    """Engines that run for everybody. Those that nobody owns any more are ended here."""
    try:
        reaped = await reap(running)
        there = [f"{record.name} at {record.endpoint or '(starting)'}" for record in running.all()]
    except EngineError as error:
        return Finding("engines", "problem", str(error))
    ended = [f"{record.name} was dead or orphaned: cleared away" for record in reaped]
    return Finding("engines", "note" if ended else "ok", ", ".join(there + ended) or "none runs; `symposia models serve`")


def _weights(catalogue: Catalogue, folder: Path) -> Finding:
    here = [spec for spec in catalogue if installed(spec, folder) is not None]
    if not here:
        return Finding("weights", "note", f"none in {folder}; `symposia models pull qwen2.5-coder-1.5b` (1.1 GB)")
    names = (spec.name + ("" if fits(spec) else " (too large for free memory)") for spec in here)
    return Finding("weights", "ok", f"{', '.join(names)} in {folder}")


async def _sandbox(name: str, *, needed: bool) -> Finding:
    """Whether code really runs there: that something is installed does not say that this machine lets it work."""
    try:
        sandbox = open_sandbox(name, workers=1)
        try:
            execution = await sandbox.run("6 * 7" if name == "monty" else _PACKAGES)
        finally:
            await sandbox.close()
    except SandboxError as error:
        return Finding(f"sandbox {name}", "problem" if needed else "note", str(error))
    if not execution.ok:
        return Finding(f"sandbox {name}", "problem", f"runs code wrongly: {execution.error}")
    return Finding(f"sandbox {name}", "ok", "runs small checks" if name == "monty" else f"runs {execution.value}")


async def _servers() -> Finding:
    found = await probe_loopback()
    if not found:
        return Finding("servers", "note", "none answers on the usual loopback ports")
    return Finding("servers", "ok", ", ".join(f"{server.name} at {server.url}" for server in found))


def _keys(catalogue: Catalogue) -> Finding:
    wanted = sorted({spec.key_env for spec in catalogue if spec.key_env})
    there = [name for name in wanted if os.environ.get(name)]
    if not there:
        return Finding("API keys", "note", f"none set (known: {', '.join(wanted)})")
    return Finding("API keys", "ok", f"set: {', '.join(there)}")


def _room(folder: Path) -> Finding:
    place = next(path for path in (folder, *folder.parents) if path.exists())
    disk, memory = shutil.disk_usage(place).free, psutil.virtual_memory().available
    detail = f"{memory / 2**30:.1f} GiB of memory and {disk / 2**30:.1f} GiB of disk free, {os.cpu_count()} cores"
    return Finding("room", "problem" if disk < _LOW_DISK else "ok", detail)
