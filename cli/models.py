"""``symposia models …``: list, download and choose models."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import click

from ..core.errors import ConfigError
from ..core.model_spec import ModelSpec
from ..models.catalogue import Catalogue
from ..models.partial import OnProgress, Progress
from ..models.pull import adopt, pull
from ..models.shelf import price_words, standing, standing_words
from ..models.weights import installed, models_folder
from ..runtime.settings import load_settings, set_user_value
from .checking import check
from .options import json_option, run_async
from .output import columns, data, data_json, interactive, note
from .serving import ps, serve, stop


@click.group()
def models() -> None:
    """List, download, choose and serve models."""


for command in (serve, ps, stop, check):
    models.add_command(command)


def _folder() -> Path:
    return models_folder(load_settings(cwd=Path.cwd()).settings.models_dir)


@models.command("list")
@json_option
def list_models(*, as_json: bool) -> None:
    """List the catalogue: what is here, what can be had, what needs a key."""
    folder = _folder()
    catalogue = Catalogue.load()
    if as_json:
        data_json([spec.model_dump(mode="json") | {"state": _state(spec, folder)} for spec in catalogue])
        return
    rows = [[spec.name, _state(spec, folder), price_words(spec), f"{spec.context:,}", spec.note] for spec in catalogue]
    data(columns(rows, ["MODEL", "STATE", "$/M IN/OUT", "CONTEXT", "NOTE"]))


def _state(spec: ModelSpec, folder: Path) -> str:
    return standing_words(spec, standing(spec, folder))


@models.command("pull")
@click.argument("name")
@json_option
def pull_model(name: str, *, as_json: bool) -> None:
    """Download the weights of NAME, checked by sha256; an interrupted download goes on where it stopped.

    NAME may also be the path of a GGUF file, which is then linked or copied into the models folder.
    """
    folder = _folder()
    if name.endswith(".gguf") and Path(name).expanduser().is_file():
        path = adopt(Path(name).expanduser(), folder=folder)
    else:
        spec = Catalogue.load().get(name)
        path = installed(spec, folder) or _download(spec, folder)
    if as_json:
        data_json({"path": str(path)})
    else:
        data(str(path))


def _download(spec: ModelSpec, folder: Path) -> Path:
    with _download_bar(spec.name) as progress:
        return run_async(pull(spec, folder, progress=progress))


@models.command()
@click.argument("name")
@json_option
def use(name: str, *, as_json: bool) -> None:
    """Make NAME the default model, in the user's configuration file."""
    spec = Catalogue.load().get(name)
    if spec.engine is not None and installed(spec, _folder()) is None:
        raise ConfigError(f"the weights of {spec.name} are not here", hint=f"run `symposia models pull {spec.name}` first")
    path = set_user_value("model", spec.name)
    note(f"model {spec.name} is now the default, in {path}")
    if as_json:
        data_json({"model": spec.name, "file": str(path)})


@contextlib.contextmanager
def _download_bar(name: str) -> Iterator[OnProgress]:
    """A bar with bytes, rate and source on a terminal; elsewhere a line for each tenth."""
    if not interactive():
        yield _Tenths(name).hear
        return
    from rich.console import Console  # noqa: PLC0415 - only where a person watches
    from rich.progress import BarColumn, DownloadColumn, TextColumn, TransferSpeedColumn  # noqa: PLC0415
    from rich.progress import Progress as Bar  # noqa: PLC0415

    bar_columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Bar(*bar_columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name)

        def hear(progress: Progress) -> None:
            bar.update(task, total=progress.total, completed=progress.done, description=f"{name} {progress.phase}")

        yield hear


class _Tenths:
    def __init__(self, name: str) -> None:
        self._name = name
        self._said = -1

    def hear(self, progress: Progress) -> None:
        """Say a line when another tenth is done."""
        tenth = 10 * progress.done // max(1, progress.total)
        if progress.phase == "downloading" and tenth > self._said:
            self._said = tenth
            megabytes = f"{progress.done / 1e6:,.0f} of {progress.total / 1e6:,.0f} MB"
            note(f"{self._name}: {megabytes}, {progress.rate / 1e6:.1f} MB/s from {progress.source}")
