"""Removing runs for good, and giving the space back."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, delete, select
from sqlalchemy.sql import ColumnElement

from ..core.errors import LeaseHeldError, RunNotFoundError
from ..core.result import RunState
from .leases import is_live, short_owner
from .rows import seen_state
from .schema import deltas, runs
from .sql import Clock


class OldRun(NamedTuple):
    """A run that may be removed."""

    id: str
    state: RunState
    updated_at: float
    """When it was last executed, in Unix time."""


def remove(connection: Connection, run_ids: Collection[str]) -> None:
    """Delete runs with all that belongs to them, or nothing.

    Raises :class:`RunNotFoundError`, and :class:`LeaseHeldError` where a process executes one of them.
    """
    if missing := set(run_ids) - require_idle(connection, runs.c.id.in_(run_ids)):
        raise RunNotFoundError(f"there is no run {min(missing)}", hint="nothing was removed")
    connection.execute(delete(deltas).where(deltas.c.run_id.in_(run_ids)))  # no foreign key takes these along
    connection.execute(delete(runs).where(runs.c.id.in_(run_ids)))


def require_idle(connection: Connection, which: ColumnElement[bool]) -> set[str]:
    """Ids of the runs for which ``which`` holds; their rows are locked. Raises :class:`LeaseHeldError` where one is executed."""
    query = select(runs.c.id, runs.c.owner, runs.c.expires_at, Clock().label("now")).where(which)
    rows = connection.execute(query.order_by(runs.c.id).with_for_update()).all()
    for row in rows:
        if is_live(row.owner, row.expires_at, row.now):
            raise LeaseHeldError(
                f"run {row.id} is being executed by {short_owner(row.owner)}, so nothing was removed",
                hint=f"stop it first: `symposia run stop {row.id}`",
            )
    return {row.id for row in rows}


def old(
    connection: Connection, states: Collection[RunState], *, before: float | None, keep: int, experiment: str | None
) -> list[OldRun]:
    """Runs in one of ``states`` last touched before a time, newest first; never the newest ``keep`` of these states.

    They are those of ``experiment``, or those that belong to none.
    """
    query = select(runs.c.id, runs.c.state, runs.c.owner, runs.c.expires_at, runs.c.updated_at, Clock().label("now"))
    query = query.where(runs.c.experiment == experiment)
    rows = connection.execute(query.order_by(runs.c.created_at.desc(), runs.c.id.desc()))
    found = (
        OldRun(row.id, seen_state(row.state, row.owner, live=is_live(row.owner, row.expires_at, row.now)), row.updated_at)
        for row in rows
    )
    mine = [run for run in found if run.state in states][keep:]
    return [run for run in mine if before is None or run.updated_at < before]


def compact(connection: Connection) -> int:
    """Give space that nothing uses back to the disk; how many bytes. A server database sees to it by itself.

    Must run outside a transaction.
    """
    if connection.dialect.name != "sqlite":
        return 0

    def pages() -> int:
        return int(connection.exec_driver_sql("PRAGMA page_count").scalar() or 0)

    before = pages()
    connection.exec_driver_sql("VACUUM")
    # VACUUM writes the whole store into the write-ahead log; only a checkpoint makes the files small.
    connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").all()
    return (before - pages()) * int(connection.exec_driver_sql("PRAGMA page_size").scalar() or 0)
