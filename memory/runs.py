"""Rows of ``runs``: making ids, finding and listing."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, insert, or_, select, tuple_

from ..core.errors import NameTakenError, RunNotFoundError, StoreError, UnknownNameError, nearest
from ..core.records import RunRecord
from ..core.result import RunState
from . import bulk, experiments
from .bulk import Values
from .rows import plain, run_record
from .schema import runs
from .sql import Clock

ALL: Final = select(runs, Clock().label("now"))
"""Runs with the database's time, which says whether their leases have ended."""

_ONE: Final = ALL.where(runs.c.id == bindparam("run_id"))
_KNOWN: Final = select(runs.c.id).where(runs.c.id.in_(bindparam("run_ids", expanding=True)))
_NOW: Final = select(Clock())

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_ID_LENGTH = 12
_RANDOM_BITS = 18
_SHOWN = 5


def new_id() -> str:
    """42 bits of milliseconds and 18 random bits in 12 digits to the base of 32: ids sort by the time they were made."""
    number = (time.time_ns() // 1_000_000 << _RANDOM_BITS) + secrets.randbits(_RANDOM_BITS)
    return "".join(_DIGITS[number >> shift & 31] for shift in range(5 * (_ID_LENGTH - 1), -1, -5))


def free_id(connection: Connection) -> str:
    """A new id that no run has."""
    while exists(connection, run_id := new_id()):
        pass
    return run_id


def exists(connection: Connection, run_id: str) -> bool:
    """Whether a run has exactly this id."""
    return connection.execute(select(runs.c.id).where(runs.c.id == run_id)).one_or_none() is not None


def require(connection: Connection, run_id: str) -> RunState:
    """The state of a run as stored; its row is locked. Raises :class:`RunNotFoundError`."""
    # Rows that refer to the run may be inserted by others all the same.
    query = select(runs.c.state).where(runs.c.id == run_id).with_for_update(key_share=True)
    state = connection.execute(query).scalar_one_or_none()
    if state is None:
        raise RunNotFoundError(f"there is no run {run_id}")
    return RunState(state)


def queued(spec: str, experiment: str | None) -> Values:
    """The row, but for its id, of a run that waits to be executed."""
    now = time.time()
    state = {"state": RunState.QUEUED, "created_at": now, "updated_at": now, "elapsed": 0.0}
    return {"spec": spec, "experiment": experiment, **state, "owner": None, "fence": 0, "expires_at": 0.0}


def begun(spec: str, experiment: str | None, owner: str, ttl: float) -> Values:
    """The row, but for its id, of a run that is executed from the start, under its first lease."""
    row = queued(spec, experiment)
    return row | {"state": RunState.RUNNING, "owner": owner, "fence": 1, "expires_at": ttl}


def add(connection: Connection, run_id: str, values: Values) -> RunRecord:
    """Insert a run that nobody holds and read it back."""
    connection.execute(insert(runs).values(id=run_id, **values))
    return run_record(connection.execute(ALL.where(runs.c.id == run_id)).one())


def add_all(connection: Connection, rows: Sequence[Values]) -> list[StoreError | UnknownNameError | None]:
    """Insert new runs; of each the error for which it was left out, or None.

    A lease ends ``expires_at`` seconds from now by the database's clock, which the rows cannot know.
    """
    if not rows:
        return []
    known = set(connection.execute(_KNOWN, {"run_ids": [row["id"] for row in rows]}).scalars())
    now = connection.execute(_NOW).scalar_one() if any(row["owner"] for row in rows) else 0.0
    missing = experiments.missing(connection, {row["experiment"] for row in rows} - {None})
    found: list[StoreError | UnknownNameError | None] = []
    new: list[Values] = []
    for row in rows:
        if row["id"] in known:
            found.append(NameTakenError(f"there is a run {row['id']} already"))
        elif row["experiment"] in missing:
            found.append(missing[row["experiment"]])
        else:
            known.add(row["id"])
            new.append(row | {"expires_at": now + row["expires_at"]} if row["owner"] else row)
            found.append(None)
    bulk.put(connection, runs, new)
    return found


def exactly(connection: Connection, run_id: str) -> RunRecord | None:
    """The run with this whole id, or None."""
    row = connection.execute(_ONE, {"run_id": run_id}).one_or_none()
    return None if row is None else run_record(row)


def find(connection: Connection, id_or_prefix: str) -> RunRecord:
    """The run with this id, or the only one whose id begins so. Raises :class:`RunNotFoundError` with a hint."""
    wanted = plain(id_or_prefix.strip())  # an argument of a command line may be no valid Unicode
    if (record := exactly(connection, wanted)) is not None:
        return record
    begins = runs.c.id.startswith(wanted, autoescape=True)
    found = connection.execute(ALL.where(begins).order_by(runs.c.id.desc()).limit(_SHOWN + 1)).all() if wanted else []
    if len(found) == 1:
        return run_record(found[0])
    if found:
        shown = ", ".join(row.id for row in found[:_SHOWN]) + (", …" if len(found) > _SHOWN else "")
        raise RunNotFoundError(f"several runs begin with {wanted!r}", hint=f"give more of the id: {shown}")
    recent = connection.execute(select(runs.c.id).order_by(runs.c.created_at.desc()).limit(200)).scalars()
    near = nearest(wanted, recent)
    raise RunNotFoundError(
        f"there is no run {wanted!r}", hint=f"did you mean {near!r}?" if near else "list them with `symposia run list`"
    )


def newest(connection: Connection, limit: int, state: RunState | None, experiment: str | None) -> list[RunRecord]:
    """The newest runs of an experiment, or of none, that are, as people see it, in ``state``."""
    found: list[RunRecord] = []
    last: Row[Any] | None = None
    while len(found) < limit:
        query = ALL.order_by(runs.c.created_at.desc(), runs.c.id.desc()).limit(limit)
        query = query.where(runs.c.experiment == experiment)
        if state is RunState.INTERRUPTED:  # stored as such, or found to be so by looking at the lease
            query = query.where(or_(runs.c.state == state, runs.c.state == RunState.RUNNING, runs.c.owner.is_not(None)))
        elif state is not None:
            query = query.where(runs.c.state == state)
        if last is not None:
            query = query.where(tuple_(runs.c.created_at, runs.c.id) < (last.created_at, last.id))
        page = connection.execute(query).all()
        records = [run_record(row) for row in page]
        found += [record for record in records if state in {None, record.state}]
        if len(page) < limit:
            break
        last = page[-1]
    return found[:limit]
