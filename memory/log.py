"""What was written of a run while it was executed: journal, events, texts that are being written. Reading only."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ..core.events import Controlled
from ..core.records import JournalEntry, RawEvent, StoredEvent
from .rows import journal_entry, stored_event
from .schema import deltas as deltas_table
from .schema import events as events_table
from .schema import journal as journal_table

_CONTROLLED = f"/{Controlled.model_fields['type'].default}."
"""Stands in the id of each such event."""


def journal(connection: Connection, run_id: str) -> list[JournalEntry]:
    """A run's entries in the order in which they were first recorded."""
    query = select(journal_table).where(journal_table.c.run_id == run_id).order_by(journal_table.c.id)
    return [journal_entry(row) for row in connection.execute(query)]


def events(connection: Connection, run_id: str, after: int, limit: int | None) -> list[StoredEvent]:
    """A run's events with ``seq > after``, in order."""
    table = events_table
    query = select(table).where(table.c.run_id == run_id, table.c.seq > after).order_by(table.c.seq).limit(limit)
    return [stored_event(row) for row in connection.execute(query)]


def raw_events(connection: Connection, run_id: str, after: int, limit: int | None) -> list[RawEvent]:
    """As :func:`events`, unchecked."""
    table = events_table
    query = select(table.c.seq, table.c.at, table.c.body).where(table.c.run_id == run_id, table.c.seq > after)
    return [RawEvent(*row) for row in connection.execute(query.order_by(table.c.seq).limit(limit))]


def taken_up(connection: Connection, run_id: str) -> list[Controlled]:
    """The events of this one type, in order."""
    table = events_table
    ours = table.c.event_id.contains(_CONTROLLED, autoescape=True)
    rows = connection.execute(select(table).where(table.c.run_id == run_id, ours).order_by(table.c.seq))
    return [event for event in (stored_event(row).event for row in rows) if isinstance(event, Controlled)]


def event_ids(connection: Connection, run_id: str) -> set[str]:
    """Ids of a run's events."""
    return set(connection.execute(select(events_table.c.event_id).where(events_table.c.run_id == run_id)).scalars())


def deltas(connection: Connection, run_id: str) -> dict[str, str]:
    """Texts that are being written now, by key."""
    rows = connection.execute(select(deltas_table).where(deltas_table.c.run_id == run_id))
    return {row.key: row.text for row in rows}
