"""Ledgers that several runs share: caps, and what each run spent and holds of them.

A run draws a tranche: the right to spend that much more. Invariant: for every cap, what all runs spent and hold together stays
within it. Each change says a run's state as a whole (spent so far, held now) under the lock of the ledger's row, so that saying
it twice changes nothing. A process that dies leaves its tranche held: charged as lost until its run is resumed and says, from
its journal, what it did spend.
"""

from __future__ import annotations

import json
import math
import time
from typing import Any

from pydantic import TypeAdapter
from sqlalchemy import Connection, Row, insert, select, update

from ..core.budget import Budget
from ..core.errors import ConfigError, NameTakenError, UnknownNameError
from ..core.records import LedgerRecord, Tranche
from ..core.result import RunState
from ..core.usage import Amounts
from .leases import is_live
from .names import RULE, is_name
from .rows import read
from .schema import ledgers, runs, tranches
from .sql import Clock, upsert

_BUDGET: TypeAdapter[Budget] = TypeAdapter(Budget)
_AMOUNTS: TypeAdapter[Amounts] = TypeAdapter(Amounts)
_SLACK = 1e-9
"""Dollars are floats: sums of exact prices may overshoot by rounding."""
_SHARE = 16
"""A tranche holds this part of what is left beyond what is needed now: few draws, and little idle in other hands at the end."""

Left = list[float | None]
"""In the order of :class:`Amounts`; None is no cap."""


def create(connection: Connection, name: str, caps: Budget) -> LedgerRecord:
    """Make a ledger. Raises :class:`ConfigError` for caps or a name that cannot be, :class:`NameTakenError`."""
    if not is_name(name):
        raise ConfigError(f"{name!r} cannot be the name of a ledger", hint=RULE)
    if caps.seconds is not None:
        raise ConfigError("runs do not share seconds", hint="give each run its own: --budget seconds=90")
    if all(cap is None for cap in _caps(caps)):
        raise ConfigError(f"the ledger {name!r} has no cap", hint="write for example calls=1000,dollars=5")
    if name in names(connection):
        raise NameTakenError(f"there is a ledger {name!r} already")
    values = {"name": name, "created_at": time.time(), "caps": caps.model_dump_json(exclude_none=True), "used": _text(Amounts())}
    connection.execute(insert(ledgers).values(values))
    return find(connection, name)


def change(connection: Connection, name: str, caps: Budget) -> LedgerRecord:
    """Give a ledger other caps of the same kinds: those it has at last. What is spent stays spent, even beyond a lower cap.

    Raises :class:`UnknownNameError`, and :class:`ConfigError` for a cap on what was not counted from the beginning.
    """
    row = connection.execute(select(ledgers).where(ledgers.c.name == name).with_for_update(key_share=True)).one_or_none()
    if row is None:
        raise _unknown(connection, name)
    before = _budget(row)
    fresh = [kind for kind in Amounts._fields if getattr(before, kind) is None and getattr(caps, kind) is not None]
    if fresh:
        raise ConfigError(f"the ledger {name!r} has no cap on {fresh[0]}", hint=f"its caps are {before}")
    merged = before.model_copy(update=caps.model_dump(exclude_none=True))
    connection.execute(update(ledgers).where(ledgers.c.name == name).values(caps=merged.model_dump_json(exclude_none=True)))
    return find(connection, name)


def find(connection: Connection, name: str) -> LedgerRecord:
    """A ledger as it stands. Raises :class:`UnknownNameError`."""
    # In one statement: between two of them a run may draw.
    rows = connection.execute(_holders(name)).all()
    if not rows:
        raise _unknown(connection, name)
    held, lost = Amounts(), Amounts()
    for row in rows:
        if is_live(row.owner, row.expires_at or 0.0, row.now):
            held = held.plus(_amounts(row.held))
        else:
            lost = lost.plus(_amounts(row.held))
    spent = _amounts(rows[0].used).plus(held, -1).plus(lost, -1)
    return LedgerRecord(name=name, caps=_budget(rows[0]), spent=spent, held=held, lost=lost)


def names(connection: Connection) -> list[str]:
    """All ledgers, oldest first."""
    return list(connection.execute(select(ledgers.c.name).order_by(ledgers.c.created_at, ledgers.c.name)).scalars())


def draw(
    connection: Connection, name: str, run_id: str, *, spent: Amounts, keep: Amounts, wanted: Amounts, partly: bool
) -> Tranche:
    """Book what a run ``spent`` so far and have it hold ``keep``, which it holds already, and ``wanted`` more.

    Where that does not fit, only ``keep`` is held; with ``partly``, what there is as well. Raises :class:`UnknownNameError`.
    """
    row = connection.execute(select(ledgers).where(ledgers.c.name == name).with_for_update(key_share=True)).one_or_none()
    if row is None:
        raise _unknown(connection, name)
    mine = (tranches.c.ledger == name) & (tranches.c.run_id == run_id)
    known = connection.execute(select(tranches).where(mine)).one_or_none()
    used = _amounts(row.used)
    if known is not None:
        used = used.plus(_amounts(known.spent), -1).plus(_amounts(known.held), -1)
    caps = _caps(_budget(row))
    left = [None if cap is None else cap - others for cap, others in zip(caps, used.plus(spent).plus(keep), strict=True)]
    given = portion(left, wanted, partly=partly)
    capped = [0.0 if cap is None else amount for cap, amount in zip(caps, keep, strict=True)]
    held = Amounts(*capped).plus(given)
    connection.execute(update(ledgers).where(ledgers.c.name == name).values(used=_text(used.plus(spent).plus(held))))
    values = {"ledger": name, "run_id": run_id, "spent": _text(spent), "held": _text(held) if any(held) else None}
    connection.execute(upsert(connection.dialect.name, tranches, ("ledger", "run_id"), ("spent", "held")), values)
    return Tranche(held, others=fits(left, wanted) is False and _others(connection, name, run_id))


def fits(left: Left, wanted: Amounts) -> bool:
    """Whether every cap leaves room for what is wanted."""
    return all(room is None or want <= room + _SLACK for room, want in zip(left, wanted, strict=True))


def portion(left: Left, wanted: Amounts, *, partly: bool) -> Amounts:
    """What is given: the wanted and a share of the rest, or nothing; with ``partly``, what there is. 0 where there is no cap."""
    fit = fits(left, wanted)

    def give(name: str, room: float | None, want: float) -> float:
        if room is None or want <= 0 or not (fit or partly):
            return 0.0
        if not fit:
            return max(0.0, min(room, want))
        share = max(0.0, room - want) / _SHARE
        return want + (share if name == "dollars" else math.floor(share))

    return Amounts(*map(give, Amounts._fields, left, wanted))


def _others(connection: Connection, name: str, run_id: str) -> bool:
    """Whether a run that is being executed, and not paused, holds something."""
    return any(
        row.run_id not in {None, run_id} and row.state == RunState.RUNNING and is_live(row.owner, row.expires_at, row.now)
        for row in connection.execute(_holders(name))
    )


def _holders(name: str) -> Any:
    """The ledger with each tranche that is held and its run's lease, where they exist; at least one row for a ledger."""
    held = ledgers.outerjoin(tranches, (tranches.c.ledger == ledgers.c.name) & tranches.c.held.is_not(None))
    lease = (runs.c.state, runs.c.owner, runs.c.expires_at, Clock().label("now"))
    query = select(ledgers.c.name, ledgers.c.caps, ledgers.c.used, tranches.c.run_id, tranches.c.held, *lease)
    return query.select_from(held.outerjoin(runs, runs.c.id == tranches.c.run_id)).where(ledgers.c.name == name)


def _unknown(connection: Connection, name: str) -> UnknownNameError:
    return UnknownNameError("ledger", name, names(connection))


def _budget(row: Row[Any]) -> Budget:
    return read(_BUDGET, row.caps, f"the caps of ledger {row.name}")


def _caps(caps: Budget) -> Left:
    return [getattr(caps, name) for name in Amounts._fields]


def _amounts(text: str | None) -> Amounts:
    return Amounts() if text is None else read(_AMOUNTS, text, "an amount of a ledger")


def _text(amounts: Amounts) -> str:
    return json.dumps(amounts)
