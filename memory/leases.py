"""Leases: who executes a run, and whether that process is still there.

An owner is written ``HOST:PID:STARTTIME``. A lease is live until it expires; where its owner is a process of this host
that is gone, it counts as expired at once, so that a run can be resumed right after a crash. Expiry is set and judged by the
database's clock only, so the clocks of hosts that share a store need not agree.
"""

from __future__ import annotations

import os
import socket
import time
from typing import Any, NamedTuple

import psutil
from sqlalchemy import Connection, and_, select, update
from sqlalchemy.sql import ColumnElement

from ..core.errors import LeaseHeldError, LeaseLostError, RunNotFoundError
from ..core.records import Lease
from ..core.result import RunState
from .schema import deltas, runs
from .sql import Clock

_START_SLACK = 2.0
"""Seconds by which two readings of a process's start may differ: the kernel's idea of the boot time moves with NTP."""


def this_process() -> str:
    """The owner string of this process."""
    return f"{socket.gethostname()}:{os.getpid()}:{psutil.Process().create_time():.0f}"


def short_owner(owner: str) -> str:
    """``HOST:PID``, for people."""
    return owner.rsplit(":", 1)[0] if owner.count(":") >= 2 else owner


def is_live(owner: str | None, expires_at: float, now: float) -> bool:
    """Whether a lease is held by anybody at ``now`` by the database's clock: not expired, and its owner not known to be gone."""
    return owner is not None and expires_at > now and not _is_gone(owner)


def _is_gone(owner: str) -> bool:
    """Whether the owner is a process of this host that has ended. False where that cannot be told."""
    host, pid, started = owner.rsplit(":", 2) if owner.count(":") >= 2 else ("", "", "")
    if host != socket.gethostname() or not pid.isdecimal() or not started.isdecimal():
        return False
    try:
        process = psutil.Process(int(pid))
        if abs(process.create_time() - int(started)) > _START_SLACK:
            return True  # the number was given to another process
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def held(lease: Lease) -> ColumnElement[bool]:
    """The condition on ``runs`` that the lease is still the one in force."""
    return and_(runs.c.id == lease.run_id, runs.c.owner == lease.owner, runs.c.fence == lease.fence)


def lost(lease: Lease) -> LeaseLostError:
    """The error for a write under a lease that is no longer in force."""
    return LeaseLostError(
        f"run {lease.run_id} is no longer executed by this process: its lease was released or taken over",
        hint="see `symposia run show` for who executes it now",
    )


class Token(NamedTuple):
    """A lease as the database knows it."""

    run_id: str
    owner: str | None
    fence: int


def token(lease: Lease) -> Token:
    """What to look for among the tokens :func:`in_force`."""
    return Token(lease.run_id, lease.owner, lease.fence)


def in_force(connection: Connection, run_ids: set[str]) -> set[Token]:
    """The leases of these runs as they stand. The rows stay locked until the transaction ends."""
    if not run_ids:
        return set()
    query = select(runs.c.id, runs.c.owner, runs.c.fence).where(runs.c.id.in_(run_ids)).order_by(runs.c.id)
    query = query.with_for_update(key_share=True)  # rows that refer to the run may be inserted all the same
    return {Token(*row) for row in connection.execute(query)}


def acquire(connection: Connection, run_id: str, owner: str, ttl: float) -> Lease:
    """Take the lease of a run and mark it running. Whether a finished run may be executed again is for the caller to say.

    Raises :class:`RunNotFoundError`, and :class:`LeaseHeldError` while the lease is live, whoever holds it.
    """
    query = select(runs.c.owner, runs.c.fence, runs.c.expires_at, Clock().label("now")).where(runs.c.id == run_id)
    row = connection.execute(query.with_for_update(key_share=True)).one_or_none()
    if row is None:
        raise RunNotFoundError(f"there is no run {run_id}")
    if is_live(row.owner, row.expires_at, row.now):
        raise LeaseHeldError(
            f"run {run_id} is being executed by {short_owner(row.owner)}",
            hint=f"stop it there first; should that process be gone, the lease ends in {row.expires_at - row.now:.0f} s",
        )
    lease = Lease(run_id=run_id, owner=owner, fence=row.fence + 1)
    values = {"owner": owner, "fence": lease.fence, "state": RunState.RUNNING, "updated_at": time.time()}
    connection.execute(update(runs).where(runs.c.id == run_id).values(values | {"expires_at": Clock() + ttl}))
    return lease


def write(connection: Connection, lease: Lease, values: dict[str, Any]) -> None:
    """Change the run's row under the lease. Raises :class:`LeaseLostError` where it is not in force, changing nothing."""
    changed = connection.execute(update(runs).where(held(lease)).values(values))
    if changed.rowcount == 0:
        raise lost(lease)


def release(connection: Connection, lease: Lease, values: dict[str, Any]) -> None:
    """Change the run's row, give the lease back and drop the run's deltas. Releasing twice is fine and changes nothing."""
    row = connection.execute(select(runs.c.owner, runs.c.fence).where(runs.c.id == lease.run_id)).one_or_none()
    if row is not None and row.owner is None and row.fence == lease.fence:
        return
    write(connection, lease, values | {"owner": None, "expires_at": 0.0, "updated_at": time.time()})
    connection.execute(deltas.delete().where(deltas.c.run_id == lease.run_id))
