"""Runs that come from others: forks, which begin with a copy of another's journal, and what was queued behind an answer."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from ..core.records import ControlKind, RunRecord
from ..core.result import RunState
from . import bulk, runs, schema
from .bulk import Values
from .schema import controls


def fork(connection: Connection, spec: str, entries: list[Values]) -> RunRecord:
    """Insert a queued run, which belongs to no experiment, together with its first journal entries.

    ``entries`` are rows of ``journal`` that name no run yet.
    """
    record = runs.add(connection, runs.free_id(connection), runs.queued(spec, None))
    bulk.put(connection, schema.journal, [{**entry, "run_id": record.id} for entry in entries])
    return record


def follow(connection: Connection, run_id: str, seq: int, spec: str, event: Values) -> RunRecord | None:
    """Insert the run that was queued by wish ``seq`` of a run that has ended; ``event`` is told in that run's log.

    What else is queued there moves on to the new run, in order. None, and nothing is done, where the wish is pending no more or
    the run is executed again. Raises :class:`RunNotFoundError`.
    """
    if runs.require(connection, run_id) is not RunState.FINISHED:
        return None
    queued = (controls.c.run_id == run_id) & (controls.c.kind == ControlKind.QUEUE) & (controls.c.state == "pending")
    if connection.execute(update(controls).where(queued, controls.c.seq == seq).values(state="consumed")).rowcount == 0:
        return None
    record = runs.add(connection, runs.free_id(connection), runs.queued(spec, None))
    rest = connection.execute(select(controls.c.seq).where(queued).order_by(controls.c.seq)).scalars().all()
    for number, old in enumerate(rest, 1):
        place = (controls.c.run_id == run_id) & (controls.c.seq == old)
        connection.execute(update(controls).where(place).values(run_id=record.id, seq=number))
    bulk.add_events(connection, [event])
    return record
