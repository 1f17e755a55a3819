"""Openings: who looked at which test split, when and why. Rows are added and never changed or removed."""

from __future__ import annotations

import time
from typing import Any

from sqlalchemy import Connection, Row, insert, select

from ..core.records import OpeningRecord
from .bulk import Values
from .schema import openings


def add(connection: Connection, values: Values) -> OpeningRecord:
    """Note an opening now; ``values`` are the columns but id and time."""
    (number,) = connection.execute(insert(openings).values(at=time.time(), **values)).inserted_primary_key or (None,)
    return _record(connection.execute(select(openings).where(openings.c.id == number)).one())


def every(connection: Connection, task: str | None) -> list[OpeningRecord]:
    """All openings, or those of one task, oldest first."""
    query = select(openings).order_by(openings.c.id)
    return [_record(row) for row in connection.execute(query if task is None else query.where(openings.c.task == task))]


def _record(row: Row[Any]) -> OpeningRecord:
    return OpeningRecord(**row._mapping)  # noqa: SLF001 - SQLAlchemy's name for its public mapping
