"""Statements that differ between databases, and those that are built once because they run for every batch."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from sqlalchemy import Delete, Insert, Table, bindparam, delete, func, select
from sqlalchemy.dialects import postgresql, sqlite

from .schema import candidates, deltas, events, journal


def _insert(dialect: str, table: Table) -> sqlite.Insert | postgresql.Insert:
    return postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)


def upsert(dialect: str, table: Table, key: Sequence[str], update: Sequence[str]) -> Insert:
    """An insert that overwrites the columns ``update`` of the row that has the same ``key`` already."""
    statement = _insert(dialect, table)
    return statement.on_conflict_do_update(index_elements=key, set_={name: statement.excluded[name] for name in update})


def _insert_event(dialect: str) -> Insert:
    # The number is taken inside the statement: an event that is there already takes none, so the log has no gaps.
    row = select(
        bindparam("row_run"),
        func.coalesce(func.max(events.c.seq), 0) + 1,
        bindparam("row_id"),
        bindparam("row_at"),
        bindparam("row_body"),
    ).where(events.c.run_id == bindparam("row_run"))
    into = _insert(dialect, events)
    into = into.from_select(["run_id", "seq", "event_id", "at", "body"], row)
    return into.on_conflict_do_nothing(index_elements=["run_id", "event_id"])


class BatchStatements(NamedTuple):
    """What the writer executes, each with a list of rows."""

    journal: Insert
    event: Insert
    """Parameters ``row_run``, ``row_id``, ``row_at``, ``row_body``."""
    candidate: Insert
    delta: Insert
    drop_delta: Delete
    """Parameters ``row_run``, ``row_key``."""


@cache
def batch_statements(dialect: str) -> BatchStatements:
    """The writer's statements for ``sqlite`` or ``postgresql``."""
    return BatchStatements(
        journal=upsert(dialect, journal, ("run_id", "key", "attempt"), ("body",)),
        event=_insert_event(dialect),
        candidate=upsert(dialect, candidates, ("run_id", "candidate_id"), ("body",)),
        delta=upsert(dialect, deltas, ("run_id", "key"), ("text",)),
        drop_delta=delete(deltas).where(deltas.c.run_id == bindparam("row_run"), deltas.c.key == bindparam("row_key")),
    )
