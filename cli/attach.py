"""``symposia run attach``: watch a run that any process executes, and get its result."""

from __future__ import annotations

import json
import sys
from typing import Any

import click

from ..core.errors import RunInterruptedError
from ..core.events import RunStarted
from ..core.records import RunRecord
from ..core.result import RunState
from ..runtime.detach import log_path
from ..runtime.follow import Look, follow
from .options import json_option, open_session, run_async, store_option
from .output import data, error_json, interactive, note, report
from .progress import Tally, progress
from .show import result_json, show_result


@click.command()
@click.argument("run_id", metavar="RUN")
@store_option
@json_option
def attach(run_id: str, *, store: str | None, as_json: bool) -> None:
    """Follow a run to its end and give its result, as `solve` would. Ctrl-C leaves it running.

    With --json every event is a line of JSON, and the result is the last one.
    """
    try:
        record = run_async(_watch(run_id, store, as_json=as_json))
    except KeyboardInterrupt:
        note(f"symposia: detached; the run goes on, `symposia run attach {run_id}` follows it again")
        raise click.exceptions.Abort from None
    result = record.result
    if result is not None:
        if as_json:
            _line({"result": result_json(result)})
        else:
            show_result(result, as_json=False)
        sys.exit(result.exit_code)
    log = log_path(record.id)
    hint = f"go on with `symposia run resume {record.id}`" + (f"; what it said is in {log}" if log.exists() else "")
    error = RunInterruptedError(f"run {record.id} was interrupted: nobody executes it any more", hint=hint)
    if as_json:
        _line(error_json(error))
    sys.exit(report(error, as_json=False))


def _line(value: dict[str, Any]) -> None:
    data(json.dumps(value, ensure_ascii=False))


async def _watch(run_id: str, store: str | None, *, as_json: bool) -> RunRecord:
    """Show what happens until the run has ended; the run as it ended."""
    async with open_session(store) as session:
        record = await session.store.run(run_id)
        said: set[RunState] = set()
        with progress() as tally:
            async for look in follow(session.store, record.id):
                _fold(tally, look, as_json=as_json)
                record = look.record
                if record.state not in said:
                    said.add(record.state)
                    _say_state(record)
        return record


def _fold(tally: Tally, look: Look, *, as_json: bool) -> None:
    for stored in look.events:
        if as_json:
            data(stored.model_dump_json())
        if isinstance(stored.event, RunStarted):
            tally.began(stored.at - look.record.elapsed)
        tally.hear(stored.event)
    if interactive():
        tally.see_texts(look.texts)


def _say_state(record: RunRecord) -> None:
    if record.state is RunState.QUEUED:
        note(f"run {record.id} is queued: it waits for a process that executes it (`symposia run exec {record.id}`)")
    elif record.state is RunState.PAUSED:
        note(f"run {record.id} is paused; `symposia run resume {record.id}` opens it")
    elif record.state is RunState.WAITING:
        note(f"run {record.id} waits for a word on a tool's call: `symposia run respond {record.id} approve` (or deny)")
