"""Expressions and statements that differ between databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Float, Insert, Table
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


class Clock(FunctionElement[float]):
    """The database's own clock in Unix seconds: what leases end by, so that hosts need not agree on the time."""

    name = "clock"
    type = Float()
    inherit_cache = True


@compiles(Clock)
def _sqlite_clock(_element: Clock, _compiler: Any, **_: Any) -> str:
    return "((julianday('now') - 2440587.5) * 86400.0)"


@compiles(Clock, "postgresql")
def _postgresql_clock(_element: Clock, _compiler: Any, **_: Any) -> str:
    return "extract(epoch from clock_timestamp())::float8"


def upsert(dialect: str, table: Table, key: Sequence[str], update: Sequence[str]) -> Insert:
    """An insert that overwrites the columns ``update`` of the row that has the same ``key`` already."""
    statement = postgresql.insert(table) if dialect == "postgresql" else sqlite.insert(table)
    return statement.on_conflict_do_update(index_elements=key, set_={name: statement.excluded[name] for name in update})
