"""Executing a stored run for a command: here, with live progress, or handed to a process of its own."""

from __future__ import annotations

import asyncio

import click

from ..core.errors import UsageError
from ..core.events import Event
from ..core.records import RunRecord
from ..core.result import Result
from ..runtime.detach import detach, log_path
from ..runtime.queueing import follow_up
from ..runtime.session import Session
from .approving import Approver
from .output import data, data_json, interactive, note, shorten
from .progress import progress
from .show import show_result
from .signals import Interrupts


async def execute(
    session: Session, record: RunRecord, interrupts: Interrupts, *, watched: bool = False, as_json: bool = False
) -> Result:
    """Execute a stored run with live progress and soft stop, and then what is queued behind it: the result of the last one.

    ``watched`` by others, whether or not anybody is at the terminal; ``as_json`` is how results before the last one are shown.
    """
    result = await _execute(session, record, interrupts, watched=watched)
    return await go_on(session, result, interrupts, watched=watched, as_json=as_json)


async def go_on(
    session: Session, result: Result, interrupts: Interrupts, *, watched: bool = False, as_json: bool = False
) -> Result:
    """Execute what is queued behind a run that has ended with ``result``; the result of the last one. See :func:`execute`."""
    while (record := await _next(session, result)) is not None:
        show_result(result, as_json=as_json)
        note(f"run {record.id} asks what was queued: {shorten(record.spec.problem.question, 60)}")
        result = await _execute(session, record, interrupts, watched=watched)
    return result


async def _next(session: Session, result: Result) -> RunRecord | None:
    try:
        return await follow_up(session.store, result.run_id)
    except UsageError as error:
        note(f"symposia: what is queued behind run {result.run_id} cannot be asked: {error}")
        return None


async def _execute(session: Session, record: RunRecord, interrupts: Interrupts, *, watched: bool) -> Result:
    try:
        with progress() as tally:
            watch = tally.hear_text if watched or interactive() else None

            def hear(event: Event) -> None:
                tally.hear(event)
                approver.hear(event)

            execution = await session.execution(record, listener=hear, watch=watch)
            approver = Approver(session.store, record.id, execution.control, elsewhere=watched)
            interrupts.guard(execution.control)
            async with approver.asking():
                return await execution.execute()
    except asyncio.CancelledError:
        note("symposia: cancelled before the first call" + interrupts.way_on(record.id))
        raise click.exceptions.Abort from None


async def hand_over(session: Session, record: RunRecord, *, as_json: bool) -> None:
    """Have a stored run executed by a process of its own: its id to stdout, how to follow it to stderr."""
    pid = await detach(session.store, record, place=session.settings.store)
    if as_json:
        data_json({"run_id": record.id, "pid": pid, "log": str(log_path(record.id))})
    else:
        data(record.id)
    note(f"process {pid} executes it; `symposia run attach {record.id}` follows it, `symposia run stop {record.id}` stops it")
