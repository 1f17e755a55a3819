"""Controls: wishes of people, each pending until it is consumed or withdrawn."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Literal

from sqlalchemy import Connection, bindparam, func, insert, select, update

from ..core.errors import RunNotFoundError, StoreError
from ..core.records import ControlKind, ControlRecord, Response
from .rows import control_record
from .schema import controls, runs

_PENDING = (
    select(controls)
    .where(controls.c.run_id.in_(bindparam("run_ids", expanding=True)), controls.c.state == "pending")
    .order_by(controls.c.run_id, controls.c.seq)
)


def add(connection: Connection, run_id: str, kind: ControlKind, author: str, response: str | None) -> ControlRecord:
    """Store a wish with the run's next number; ``response`` is JSON text. Raises :class:`RunNotFoundError`."""
    # Locked, so that two people's wishes get two numbers.
    run = select(runs.c.id).where(runs.c.id == run_id).with_for_update(key_share=True)
    if connection.execute(run).one_or_none() is None:
        raise RunNotFoundError(f"there is no run {run_id}")
    last = connection.execute(select(func.max(controls.c.seq)).where(controls.c.run_id == run_id)).scalar()
    said = None if response is None else Response.model_validate_json(response)
    record = ControlRecord(seq=(last or 0) + 1, kind=kind, author=author, at=time.time(), response=said)
    values = record.model_dump(mode="json", exclude={"response"})
    connection.execute(insert(controls).values(run_id=run_id, response=response, **values))
    return record


def pending(connection: Connection, run_id: str) -> list[ControlRecord]:
    """Wishes neither consumed nor withdrawn, oldest first."""
    return pending_of(connection, [run_id]).get(run_id, [])


def pending_of(connection: Connection, run_ids: Collection[str]) -> dict[str, list[ControlRecord]]:
    """The same of several runs; those without any are left out."""
    found: dict[str, list[ControlRecord]] = {}
    for row in connection.execute(_PENDING, {"run_ids": list(run_ids)}):
        found.setdefault(row.run_id, []).append(control_record(row))
    return found


def settle(connection: Connection, run_id: str, seq: int, state: Literal["consumed", "withdrawn"]) -> bool:
    """Bring a pending wish into ``state``; False where it has gone the other way. Raises :class:`StoreError` for no wish."""
    here = (controls.c.run_id == run_id) & (controls.c.seq == seq)
    connection.execute(update(controls).where(here, controls.c.state == "pending").values(state=state))
    now = connection.execute(select(controls.c.state).where(here)).scalar()
    if now is None:
        raise StoreError(f"run {run_id} has no control {seq}")
    return bool(now == state)
