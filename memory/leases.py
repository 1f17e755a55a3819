"""Leases: who executes a run, and whether that process is still there.

An owner is written ``HOST:PID:STARTTIME``. A lease is live until it expires; where its owner is a process of this host
that is gone, it counts as expired at once, so that a run can be resumed right after a crash. Expiry is set and judged by the
database's clock only, so the clocks of hosts that share a store need not agree.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any, NamedTuple

import psutil
from sqlalchemy import Connection, Float, Update, bindparam, delete, select, update

from ..core.errors import LeaseHeldError, LeaseLostError, RunNotFoundError
from ..core.records import Lease
from ..core.result import RunState
from .schema import deltas, runs
from .sql import Clock

_START_SLACK = 2.0
"""Seconds by which two readings of a process's start may differ: the kernel's idea of the boot time moves with NTP."""


def this_process() -> str:
    """The owner string of this process."""
    return _owner(os.getpid())


@cache
def _owner(pid: int) -> str:
    """Read once: asking the system for a host's name and a process's start takes milliseconds."""
    return f"{socket.gethostname()}:{pid}:{psutil.Process(pid).create_time():.0f}"


def short_owner(owner: str) -> str:
    """``HOST:PID``, for people."""
    return owner.rsplit(":", 1)[0] if owner.count(":") >= 2 else owner


def is_live(owner: str | None, expires_at: float, now: float) -> bool:
    """Whether a lease is held by anybody at ``now`` by the database's clock: not expired, and its owner not known to be gone."""
    return owner is not None and expires_at > now and not _is_gone(owner)


def _is_gone(owner: str) -> bool:
    """Whether the owner is a process of this host that has ended. False where that cannot be told."""
    if owner == this_process():
        return False
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


def given_back(lease: Lease) -> Token:
    """What stands among the tokens where the lease was given back and nobody has taken it since."""
    return Token(lease.run_id, None, lease.fence)


_IN_FORCE = (
    select(runs.c.id, runs.c.owner, runs.c.fence)
    .where(runs.c.id.in_(bindparam("run_ids", expanding=True)))
    .order_by(runs.c.id)
    .with_for_update(key_share=True)  # rows that refer to the run may be inserted all the same
)


def in_force(connection: Connection, run_ids: set[str]) -> set[Token]:
    """The leases of these runs as they stand. The rows stay locked until the transaction ends."""
    return {Token(*row) for row in connection.execute(_IN_FORCE, {"run_ids": list(run_ids)})} if run_ids else set()


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


@dataclass(frozen=True)
class Change:
    """A change of a run's row by whoever holds its lease."""

    statement: Update
    """With the run's id as ``row_run``; one of this module's, so that like changes are made together."""
    values: Mapping[str, Any]

    @property
    def releases(self) -> bool:
        """Whether the lease is given back with it."""
        return self.statement in {_RELEASE, _FINISH}


_MINE = update(runs).where(runs.c.id == bindparam("row_run"))
_NOW: dict[str, Any] = {"state": bindparam("new_state"), "updated_at": bindparam("now")}
_BACK = {**_NOW, "elapsed": bindparam("new_elapsed"), "owner": None, "expires_at": 0.0}
_BEAT = _MINE.values(expires_at=Clock() + bindparam("ttl", type_=Float))
_STATE = _MINE.values(_NOW)
_RELEASE = _MINE.values(_BACK)
_FINISH = _MINE.values({**_BACK, "result": bindparam("new_result")})
_FORGET = delete(deltas).where(deltas.c.run_id.in_(bindparam("run_ids", expanding=True)))


def beat(ttl: float) -> Change:
    """The lease ends ``ttl`` seconds from now."""
    return Change(_BEAT, {"ttl": ttl})


def state(state: RunState) -> Change:
    """The run, still held, is in another state."""
    return Change(_STATE, {"new_state": state, "now": time.time()})


def release(state: RunState, elapsed: float) -> Change:
    """The lease is given back, the run left in ``state``."""
    return Change(_RELEASE, {"new_state": state, "now": time.time(), "new_elapsed": elapsed})


def finish(state: RunState, elapsed: float, result: str) -> Change:
    """The lease is given back, the run has a result."""
    return Change(_FINISH, {"new_state": state, "now": time.time(), "new_elapsed": elapsed, "new_result": result})


def make(connection: Connection, changes: Sequence[tuple[str, Change]]) -> None:
    """Change the rows of runs, in this order, and drop the deltas of those that are given back. The leases are in force."""
    for statement, some in groupby(changes, key=lambda pair: pair[1].statement):
        connection.execute(statement, [{"row_run": run_id, **change.values} for run_id, change in some])
    if gone := [run_id for run_id, change in changes if change.releases]:
        connection.execute(_FORGET, {"run_ids": gone})
