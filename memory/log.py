"""What was written of a run while it was executed: journal, events, texts that are being written. Reading only."""

from __future__ import annotations

from sqlalchemy import Connection, select

from ..core.records import JournalEntry, StoredEvent
from .rows import journal_entry, stored_event
from .schema import deltas as deltas_table
from .schema import events as events_table
from .schema import journal as journal_table


def journal(connection: Connection, run_id: str) -> list[JournalEntry]:
    """A run's entries in the order in which they were first recorded."""
    query = select(journal_table).where(journal_table.c.run_id == run_id).order_by(journal_table.c.id)
    return [journal_entry(row) for row in connection.execute(query)]


def events(connection: Connection, run_id: str, after: int, limit: int | None) -> list[StoredEvent]:
    """A run's events with ``seq > after``, in order."""
    table = events_table
    query = select(table).where(table.c.run_id == run_id, table.c.seq > after).order_by(table.c.seq).limit(limit)
    return [stored_event(row) for row in connection.execute(query)]


def event_ids(connection: Connection, run_id: str) -> set[str]:
    """Ids of a run's events."""
    return set(connection.execute(select(events_table.c.event_id).where(events_table.c.run_id == run_id)).scalars())


def deltas(connection: Connection, run_id: str) -> dict[str, str]:
    """Texts that are being written now, by key."""
    rows = connection.execute(select(deltas_table).where(deltas_table.c.run_id == run_id))
    return {row.key: row.text for row in rows}
