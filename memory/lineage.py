"""Forks: a run that begins with a copy of another's journal, and so outlives it."""

from __future__ import annotations

from sqlalchemy import Connection

from ..core.records import RunRecord
from . import bulk, runs, schema
from .bulk import Values


def fork(connection: Connection, spec: str, entries: list[Values]) -> RunRecord:
    """Insert a queued run, which belongs to no experiment, together with its first journal entries.

    ``entries`` are rows of ``journal`` that name no run yet.
    """
    record = runs.add(connection, runs.free_id(connection), runs.queued(spec, None))
    bulk.put(connection, schema.journal, [{**entry, "run_id": record.id} for entry in entries])
    return record
