"""What views of runs need beyond single runs: glances at many, and folds, so that a long log is not read from its start again."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial
from typing import Any

from sqlalchemy import Connection, func, select, tuple_

from ..core.events import Controlled
from ..core.records import Fold, RawEvent, RunGlance, RunRecord
from . import log, runs
from .leases import is_live, short_owner
from .opened import OpenStore
from .rows import run_record, seen_state
from .schema import events as events_table
from .schema import folds as folds_table
from .schema import runs as runs_table
from .sql import Clock, upsert

_LAST = select(func.max(events_table.c.seq)).where(events_table.c.run_id == runs_table.c.id).scalar_subquery()
_STORED = ("id", "state", "created_at", "updated_at", "elapsed", "owner", "expires_at")
_SHOWN: list[Any] = [*(runs_table.c[name] for name in _STORED), func.coalesce(_LAST, 0).label("last"), Clock().label("now")]
_GLANCE = (
    select(*_SHOWN).where(runs_table.c.experiment.is_(None)).order_by(runs_table.c.created_at.desc(), runs_table.c.id.desc())
)


class Views(OpenStore):
    """The part of :class:`.store.Store` that views of runs read and keep."""

    async def glances(self, limit: int, *, after: RunGlance | None = None) -> list[RunGlance]:
        """The newest runs first, of those that belong to no experiment; those older than ``after``, where it is given.

        Neither spec nor result is read, so that it may be asked for again and again.
        """
        return await self._database.read(partial(_glances, limit=limit, after=after))

    async def records(self, run_ids: Collection[str]) -> list[RunRecord]:
        """These runs, in the order of their ids here; those that are not there any more are left out."""
        return await self._database.read(partial(_records, run_ids=run_ids))

    async def raw_events(self, run_id: str, *, after: int = 0, limit: int | None = None) -> list[RawEvent]:
        """As :meth:`.store.Store.events`, unchecked: for whoever reads a hundred thousand of them."""
        return await self._database.read(partial(log.raw_events, run_id=run_id, after=after, limit=limit))

    async def taken_up(self, run_id: str) -> list[Controlled]:
        """What people asked of a run and was taken up, in order; words on tools' calls are left out."""
        return await self._database.read(partial(log.taken_up, run_id=run_id))

    async def fold(self, run_id: str, name: str, version: int) -> Fold | None:
        """What was last stored for a run under ``name``, if it is of this ``version``; None where there is nothing to use."""
        table = folds_table
        query = select(table.c.seq, table.c.body).where(
            table.c.run_id == run_id, table.c.name == name, table.c.version == version
        )
        row = await self._database.read(lambda connection: connection.execute(query).one_or_none())
        return None if row is None else Fold(row.seq, row.body)

    async def put_fold(self, run_id: str, name: str, version: int, seq: int, body: bytes) -> None:
        """Store what was made of a run's events up to ``seq``, over what stood there. It goes with the run and is in no copy.

        ``body`` must be made of committed events alone: these are redacted already, and what is stored here is not looked
        into. Raises :class:`RunNotFoundError` and, as for a store that is full or read-only, :class:`StoreError`: a caller may
        take no notice, for nothing depends on it.
        """
        row = {"run_id": run_id, "name": name, "version": version, "seq": seq, "body": body}
        await self._writer.run(partial(_put_fold, row=row))


def _glances(connection: Connection, limit: int, after: RunGlance | None) -> list[RunGlance]:
    query = _GLANCE.limit(limit)
    if after is not None:
        query = query.where(tuple_(runs_table.c.created_at, runs_table.c.id) < (after.created_at, after.id))
    return [_glance(row) for row in connection.execute(query)]


def _glance(row: Any) -> RunGlance:
    live = is_live(row.owner, row.expires_at, row.now)
    return RunGlance(
        id=row.id,
        state=seen_state(row.state, row.owner, live=live),
        created_at=row.created_at,
        updated_at=row.updated_at,
        elapsed=row.elapsed,
        owner=short_owner(row.owner) if live else None,
        events=row.last,
    )


def _records(connection: Connection, run_ids: Collection[str]) -> list[RunRecord]:
    rows = connection.execute(runs.ALL.where(runs_table.c.id.in_(run_ids)))
    found = {row.id: run_record(row) for row in rows}
    return [found[run_id] for run_id in run_ids if run_id in found]


def _put_fold(connection: Connection, row: dict[str, Any]) -> None:
    runs.require(connection, row["run_id"])
    connection.execute(upsert(connection.dialect.name, folds_table, ("run_id", "name"), ("version", "seq", "body")), row)
