"""Many rows into a table by one statement.

One statement a row is dear in both kinds of store: SQLite's driver gives Python's lock away and asks for it back around each,
and waits for it while it holds the file; a server answers each. Rows go in as one statement's values (SQLite) or as arrays
(PostgreSQL).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import chain, count
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, func, select, text
from sqlalchemy.dialects import postgresql

from .schema import events, runs

_LAST = select(func.max(events.c.seq)).where(events.c.run_id == runs.c.id).scalar_subquery()
_LAST_NUMBERS = select(runs.c.id, func.coalesce(_LAST, 0).label("last")).where(
    runs.c.id.in_(bindparam("run_ids", expanding=True))
)

Values = dict[str, Any]
"""A row to be written."""

_AT_A_TIME = 1000
"""Rows a statement: SQLite takes 32,766 values in one."""


def put(connection: Connection, table: Table, rows: Sequence[Values], *, key: tuple[str, ...] = (), update: str = "") -> int:
    """Insert rows, in their order; how many were.

    Where a row with the same ``key`` is there already, its column ``update`` is overwritten; without one the new row is dropped.
    """
    if key:
        # Of rows with one key the last counts, at the place of the first: a statement must not meet a row twice.
        rows = list({tuple(row[name] for name in key): row for row in rows}.values())
    written = 0
    for start in range(0, len(rows), _AT_A_TIME):
        some = rows[start : start + _AT_A_TIME]
        columns = tuple(some[0])
        if connection.dialect.name == "postgresql":
            arrays = {name: [row[name] for row in some] for name in columns}
            written += connection.execute(text(_from_arrays(table, columns, key, update)), arrays).rowcount
        else:
            statement = f"{_into(table, columns)} VALUES {_places(len(columns), len(some))} {_conflict(key, update)}"
            written += connection.exec_driver_sql(statement, tuple(chain.from_iterable(row.values() for row in some))).rowcount
    return written


def add_events(connection: Connection, rows: Sequence[Values]) -> None:
    """Append events that have no ``seq`` yet to their runs' logs; those whose id a run has already are dropped.

    The runs' rows must be locked: the numbers go on from the last one, without gaps.
    """
    first: dict[tuple[str, str], Values] = {}
    for row in rows:
        first.setdefault((row["run_id"], row["event_id"]), row)
    new = list(first.values())
    if not new:
        return
    # Nearly always all are new: asking which are known would cost more than the rare second try.
    last = _last_numbers(connection, {row["run_id"] for row in new})
    if put(connection, events, _numbered(new, last), key=("run_id", "event_id")) == len(new):
        return
    for run_id, number in last.items():
        connection.execute(delete(events).where(events.c.run_id == run_id, events.c.seq > number))
        ids = select(events.c.event_id).where(events.c.run_id == run_id)
        known = set(connection.execute(ids).scalars())
        new = [row for row in new if row["run_id"] != run_id or row["event_id"] not in known]
    put(connection, events, _numbered(new, last))


def _last_numbers(connection: Connection, run_ids: set[str]) -> dict[str, int]:
    return {row.id: row.last for row in connection.execute(_LAST_NUMBERS, {"run_ids": list(run_ids)})}


def _numbered(rows: Sequence[Values], last: Mapping[str, int]) -> list[Values]:
    numbers = {run_id: count(number + 1) for run_id, number in last.items()}
    return [{**row, "seq": next(numbers[row["run_id"]])} for row in rows]


def _into(table: Table, columns: tuple[str, ...]) -> str:
    return f"INSERT INTO {table.name} ({', '.join(columns)})"


def _conflict(key: tuple[str, ...], update: str) -> str:
    if not key:
        return ""
    return f"ON CONFLICT ({', '.join(key)}) DO " + (f"UPDATE SET {update} = excluded.{update}" if update else "NOTHING")


@cache
def _places(width: int, height: int) -> str:
    return ", ".join([f"({', '.join('?' * width)})"] * height)


@cache
def _from_arrays(table: Table, columns: tuple[str, ...], key: tuple[str, ...], update: str) -> str:
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    arrays = ", ".join(f"CAST(:{name} AS {table.c[name].type.compile(dialect)}[])" for name in columns)
    return f"{_into(table, columns)} SELECT * FROM unnest({arrays}) {_conflict(key, update)}"  # noqa: S608 - our own names
