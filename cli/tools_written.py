"""``symposia tools add`` and ``symposia tools remove``: tools that were written."""

from __future__ import annotations

import getpass
import json
from pathlib import Path

import click

from ..core.errors import ConfigError, ToolRefusedError
from ..core.written import ToolDraft, WrittenTool
from ..tools.written import MAX_DRAFT, draft_of
from .options import json_option, open_session, run_async, store_option
from .output import data, data_json, note

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=_FILE, required=False)
@click.option(
    "--run", "run_id", metavar="RUN", help="The tool that a run of `symposia tools write` wrote, such as a resumed one."
)
@store_option
@json_option
def add(file: Path | None, *, run_id: str | None, store: str | None, as_json: bool) -> None:
    """Add the tool of FILE as the next version of its name: its tests must pass in the sandbox.

    FILE is JSON with name, description, parameters (a JSON schema), source (Python with a function `run`) and tests (a list
    of arguments with expected, or raises). Where it has no source, the file beside it that ends in .py is.
    """
    if (file is None) == (run_id is None):
        raise ConfigError("give a file, or a run with --run")
    draft = None if file is None else _draft(file)

    async def work() -> WrittenTool:
        async with open_session(store) as session:
            if draft is not None:
                return await session.tools.add(draft, admitted_by=getpass.getuser())
            return await session.tools.add_from_run(run_id or "", admitted_by=getpass.getuser())

    tell(run_async(work()), as_json=as_json)


@click.command()
@click.argument("name", metavar="NAME[@VERSION]")
@store_option
@json_option
def remove(name: str, *, store: str | None, as_json: bool) -> None:
    """Remove a written tool, or one version of it. Runs that called it can still be replayed."""

    async def work() -> list[str]:
        async with open_session(store) as session:
            return await session.tools.remove(name)

    removed = run_async(work())
    note(f"removed {', '.join(removed)}")
    if as_json:
        data_json(removed)


def tell(written: WrittenTool, *, as_json: bool) -> None:
    """Say what was stored."""
    if as_json:
        data_json({**written.model_dump(mode="json"), "sha256": written.draft.digest})
    else:
        name = written.draft.name
        data(written.title)
        note(f"runs may use it as {name}: a person is asked about each call unless approve.{name} says otherwise")


def _draft(file: Path) -> ToolDraft:
    try:
        found = json.loads(_read(file))
    except (ValueError, RecursionError):
        raise ToolRefusedError(f"{file} is no JSON") from None
    beside = file.with_suffix(".py")
    if isinstance(found, dict) and "source" not in found and beside.exists():
        found = {**found, "source": _read(beside)}
    return draft_of(found)


def _read(file: Path) -> str:
    if file.stat().st_size > MAX_DRAFT:
        raise ToolRefusedError(f"{file} is longer than {MAX_DRAFT:,} bytes")
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise ToolRefusedError(f"{file} is no text in UTF-8") from None
