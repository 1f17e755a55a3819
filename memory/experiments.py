"""Experiments: a plan, and the runs that carry it out. They come and go together."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import Connection, bindparam, delete, func, select, tuple_, update

from ..core.errors import ConfigError, NameTakenError, UnknownNameError
from ..core.records import ExperimentRecord
from ..core.result import Result, RunState
from . import bulk, prune
from .leases import is_live
from .names import RULE, is_name
from .rows import RESULT, read, seen_state
from .schema import experiments, runs
from .sql import Clock

PLAN: TypeAdapter[dict[str, Any]] = TypeAdapter(dict[str, Any])

_PAGE = 100
"""Runs a transaction that removes, or a read: nobody who writes has to wait long, and few results are in memory at once."""


_STAY = select(experiments.c.name).where(experiments.c.name.in_(bindparam("names", expanding=True)))
_STAY = _STAY.order_by(experiments.c.name).with_for_update(key_share=True, read=True)


class Finished(NamedTuple):
    """A run that ended, with what came of it."""

    run_id: str
    result: Result


class Cursor(NamedTuple):
    """Where the next page begins: after the run that was created then."""

    created_at: float
    run_id: str


START = Cursor(0.0, "")


class Page(NamedTuple):
    """Some runs that ended, and where the next page begins."""

    runs: list[Finished]
    end: Cursor


def create(connection: Connection, name: str, plan: str) -> ExperimentRecord:
    """Make an experiment. Raises :class:`ConfigError` for a name that cannot be, :class:`NameTakenError`."""
    if not is_name(name):
        raise ConfigError(f"{name!r} cannot be the name of an experiment", hint=RULE)
    row = {"name": name, "created_at": time.time(), "plan": plan}
    if bulk.put(connection, experiments, [row], key=("name",)) == 0:
        raise NameTakenError(f"there is an experiment {name!r} already", hint="give another name, or go on with that one")
    return find(connection, name)


def find(connection: Connection, name: str) -> ExperimentRecord:
    """An experiment as it stands. Raises :class:`UnknownNameError`."""
    found = _records(connection, name)
    if not found:
        raise _unknown(connection, name)
    return found[0]


def every(connection: Connection) -> list[ExperimentRecord]:
    """All experiments, oldest first."""
    return _records(connection, None)


def change(connection: Connection, name: str, plan: str) -> ExperimentRecord:
    """Give an experiment another plan. Raises :class:`UnknownNameError`."""
    if connection.execute(update(experiments).where(experiments.c.name == name).values(plan=plan)).rowcount == 0:
        raise _unknown(connection, name)
    return find(connection, name)


def missing(connection: Connection, names: set[str]) -> dict[str, UnknownNameError]:
    """The error for each name of no experiment; the others stay until the transaction ends."""
    known = set(connection.execute(_STAY, {"names": list(names)}).scalars()) if names else set()
    return {name: _unknown(connection, name) for name in names - known}


def adopt(connection: Connection, name: str, run_id: str) -> None:
    """Have a run that belongs to no experiment belong to this one. Raises :class:`UnknownNameError`."""
    if error := missing(connection, {name}).get(name):
        raise error
    connection.execute(update(runs).where(runs.c.id == run_id, runs.c.experiment.is_(None)).values(experiment=name))


def remove_some(connection: Connection, name: str) -> bool:
    """Delete a part of an experiment's runs, at last the experiment itself; False where nothing of it is left.

    Raises :class:`UnknownNameError`, and :class:`LeaseHeldError` while any of its runs is being executed.
    """
    row = select(experiments.c.name).where(experiments.c.name == name).with_for_update()  # no run may join it meanwhile
    if connection.execute(row).one_or_none() is None:
        raise _unknown(connection, name)
    mine = runs.c.experiment == name
    prune.require_idle(connection, mine & runs.c.owner.is_not(None))
    some = list(connection.execute(select(runs.c.id).where(mine).order_by(runs.c.id).limit(_PAGE)).scalars())
    if some:
        prune.remove(connection, some)
        return True
    connection.execute(delete(experiments).where(experiments.c.name == name))
    return False


def finished(connection: Connection, name: str, after: Cursor) -> Page | None:
    """The next runs, in the order of their creation, that ended with a result; None where there are none."""
    place = (runs.c.created_at, runs.c.id)
    query = select(*place, runs.c.result).where(runs.c.experiment == name, tuple_(*place) > after)
    ended = query.where(runs.c.state == RunState.FINISHED, runs.c.result.is_not(None))
    rows = connection.execute(ended.order_by(*place).limit(_PAGE)).all()
    found = [Finished(row.id, read(RESULT, row.result, f"the result of run {row.id}")) for row in rows]
    return Page(found, Cursor(rows[-1].created_at, rows[-1].id)) if rows else None


def _records(connection: Connection, name: str | None) -> list[ExperimentRecord]:
    query = select(experiments).order_by(experiments.c.created_at, experiments.c.name)
    rows = connection.execute(query if name is None else query.where(experiments.c.name == name)).all()
    counts = _counts(connection, name)
    return [
        ExperimentRecord(
            name=row.name,
            created_at=row.created_at,
            plan=read(PLAN, row.plan, f"the plan of experiment {row.name}"),
            runs=dict(counts.get(row.name, {})),
        )
        for row in rows
    ]


def _counts(connection: Connection, name: str | None) -> dict[str, Counter[RunState]]:
    """Runs by experiment and by the state in which people see them; a lease of nobody alive makes them interrupted."""
    lease = (runs.c.owner, runs.c.expires_at)  # of runs that nobody holds: NULL and 0
    group = (runs.c.experiment, runs.c.state, *lease)
    mine = runs.c.experiment.is_not(None) if name is None else runs.c.experiment == name
    query = select(*group, func.count().label("amount"), Clock().label("now")).where(mine).group_by(*group)
    found: dict[str, Counter[RunState]] = {}
    for row in connection.execute(query):
        state = seen_state(row.state, row.owner, live=is_live(row.owner, row.expires_at, row.now))
        found.setdefault(row.experiment, Counter())[state] += row.amount
    return found


def _names(connection: Connection) -> list[str]:
    return list(connection.execute(select(experiments.c.name)).scalars())


def _unknown(connection: Connection, name: str) -> UnknownNameError:
    return UnknownNameError("experiment", name, _names(connection))
