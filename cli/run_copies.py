"""``symposia run export`` and ``symposia run import``."""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import click

from ..core.errors import ConfigError
from ..core.records import RunRecord
from ..memory.store import Store
from ..runtime.report import account
from .files import new_file
from .options import json_option, open_session, run_async, store_option
from .output import data, data_json, note
from .show import result_json


@click.command("export")
@click.argument("run_id", metavar="RUN")
@click.option("-o", "--output", metavar="FILE", type=click.Path(path_type=Path), help="Write there instead of to stdout.")
@click.option("--format", "form", type=click.Choice(["jsonl", "json", "md"]), default="jsonl", show_default=True)
@click.option("--force", is_flag=True, help="Overwrite FILE.")
@store_option
def export_run(run_id: str, *, output: Path | None, form: str, force: bool, store: str | None) -> None:
    """Write a run out: jsonl is the full copy that `run import` reads, json the result, md a page to read."""

    async def work() -> None:
        async with open_session(store) as session:
            record = await session.store.run(run_id)
            pieces = session.store.export_run(record.id) if form == "jsonl" else _page(session.store, record, form)
            if output is not None:
                with new_file(output, force=force) as file:
                    async for piece in pieces:
                        file.write(piece)
                note(f"run {record.id} is in {output}")
                return
            async for piece in pieces:
                click.echo(piece, nl=False)

    run_async(work())


async def _page(store: Store, record: RunRecord, form: str) -> AsyncIterator[str]:
    if form == "md":
        events = await store.events(record.id)
        yield account(record, await store.candidates(record.id), [stored.event for stored in events])
    elif record.result is None:
        raise ConfigError(f"run {record.id} is {record.state} and has no result", hint="--format jsonl copies what there is")
    else:
        yield json.dumps(result_json(record.result), ensure_ascii=False, indent=2) + "\n"


@click.command("import")
@click.argument("source", metavar="FILE|-")
@store_option
@json_option
def import_run(source: str, *, store: str | None, as_json: bool) -> None:
    """Store a run that `run export` wrote; - is standard input. It keeps its id unless that is taken."""

    async def work() -> RunRecord:
        async with open_session(store) as session:
            return await session.store.import_run(_lines(source))

    record = run_async(work())
    if as_json:
        data_json({"run_id": record.id, "state": record.state})
    else:
        data(record.id)


def _lines(source: str) -> Iterator[str]:
    """The lines of a file. Raises :class:`ConfigError` where it cannot be read."""
    try:
        # In bytes, only "\n" ends a line: other breaks may stand inside one.
        with contextlib.nullcontext(sys.stdin.buffer) if source == "-" else Path(source).open("rb") as file:
            for line in file:
                yield line.decode()
    except OSError as error:
        raise ConfigError(f"{source} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{source} is not UTF-8, so it is no exported run") from None
