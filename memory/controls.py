"""Controls: wishes of people, each pending until it is consumed or withdrawn."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Literal, NamedTuple

from sqlalchemy import Connection, bindparam, func, insert, select, update

from ..core.budget import Budget
from ..core.errors import ConfigError, StoreError
from ..core.problem import MAX_QUESTION_CHARS
from ..core.records import ControlKind, ControlRecord
from ..core.result import RunState
from . import runs
from .rows import control_record
from .schema import controls

_PENDING = (
    select(controls)
    .where(controls.c.run_id.in_(bindparam("run_ids", expanding=True)), controls.c.state == "pending")
    .order_by(controls.c.run_id, controls.c.seq)
)


class Said(NamedTuple):
    """What a wish says, as its row has it."""

    response: str | None = None
    """JSON text."""
    text: str | None = None
    budget: str | None = None
    """JSON text."""


def require_whole(kind: ControlKind, text: str, budget: Budget | None) -> None:
    """Raise :class:`ConfigError` for a wish that does not say what it is for."""
    if kind in {ControlKind.STEER, ControlKind.QUEUE} and not text.strip():
        raise ConfigError(f"there is nothing to {kind}: the text is empty")
    if len(text) > MAX_QUESTION_CHARS:
        raise ConfigError(f"the text has {len(text):,} characters, more than the {MAX_QUESTION_CHARS:,} allowed")
    if kind is ControlKind.RETUNE and (budget is None or budget == Budget()):
        raise ConfigError("no cap is given that should change", hint="write for example calls=50,seconds=90")


def add(connection: Connection, run_id: str, kind: ControlKind, author: str, said: Said) -> ControlRecord:
    """Store a wish with the run's next number. Raises RunNotFoundError, and :class:`ConfigError` for a run that has ended."""
    # The run's row is locked, so that two people's wishes get two numbers, and none comes after the end.
    state = runs.require(connection, run_id)
    if state is RunState.FINISHED and kind is not ControlKind.RESPOND:  # which may cross with the end, and does no harm then
        raise ConfigError(
            f"run {run_id} has ended, so it cannot {kind.value.replace('_', ' ')}",
            hint=f"go on from it with `symposia run fork {run_id}`, or ask anew with `symposia solve`",
        )
    last = connection.execute(select(func.max(controls.c.seq)).where(controls.c.run_id == run_id)).scalar()
    values = {"run_id": run_id, "seq": (last or 0) + 1, "kind": kind, "author": author, "state": "pending", "at": time.time()}
    connection.execute(insert(controls).values(**values, **said._asdict()))
    here = (controls.c.run_id == run_id) & (controls.c.seq == values["seq"])
    return control_record(connection.execute(select(controls).where(here)).one())


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
