"""The one task of a store that writes.

Whatever is to be written waits in one queue; the writer takes up to 200 rows of it at a time and commits them in one
transaction, at once where somebody waits for the commit, else within 25 ms. In each transaction

* new runs go in first: one that cannot be, because its id is taken, fails alone;
* the leases of the jobs are checked: a job under a lease that is no longer in force fails alone;
* then the rows go in, table by table, each table in the order of the queue;
* then what the holders of leases change in the rows of their runs;
* then the jobs that are more than rows run in order. Such a job checks before it writes, so that one that raises leaves
  nothing behind.

When a transaction fails as a whole, everybody who waits for it gets the error, and the events in it, which nobody waits
for, are kept for the next one. So they fail whoever records or flushes next, or are written with it.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, bindparam, delete

from ..core.errors import StoreError, SymposiaError
from ..core.records import Lease
from . import bulk, leases, runs
from .bulk import Values
from .database import Database
from .leases import Change
from .schema import candidates as candidates_table
from .schema import deltas as deltas_table
from .schema import journal

T = TypeVar("T")

_BATCH_ROWS = 200
_EVENT_SECONDS = 0.025
_DELTA_SECONDS = 0.25
_DROP_DELTA = delete(deltas_table).where(
    deltas_table.c.run_id == bindparam("row_run"), deltas_table.c.key == bindparam("row_key")
)


@dataclass(eq=False, slots=True)
class Job:
    """One thing to be written: rows, or work on the connection, or nothing (a flush)."""

    lease: Lease | None = None
    run: Values | None = None
    """A new run."""
    change: Change | None = None
    """Of the run's row, under the lease. Where it gives the lease back, doing so a second time is fine and changes nothing."""
    journal: Sequence[Values] = ()
    events: Sequence[Values] = ()
    candidates: Sequence[Values] = ()
    work: Callable[[Connection], Any] | None = None
    done: asyncio.Future[Any] | None = field(default=None, init=False)
    """Gets the value of ``work`` once it is committed; None where nobody waits."""
    size: int = field(init=False)
    """Rows that count against a batch."""

    def __post_init__(self) -> None:
        self.size = 1 + len(self.journal) + len(self.events)


Settled = list[tuple[Job, Any]]
"""What became of each job: the value of its work, or the error that it failed with."""


class Writer:
    """Writes to one database. Belongs to the event loop in which it was made."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._queue: deque[Job] = deque()
        self._kept: list[Job] = []
        self._batch: list[Job] = []
        self._waiting_rows = 0
        self._deltas: dict[tuple[str, str], str] = {}
        self._bell = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._delta_timer: asyncio.TimerHandle | None = None
        self._closed: StoreError | None = None
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.create_task(self._run(), name="symposia store writer")
        self._task.add_done_callback(self._ended)

    async def write(self, job: Job) -> Any:
        """The value of the job's work, once it is committed.

        Raises what the work raised, :class:`LeaseLostError` where the job's lease is no longer in force, and
        :class:`StoreError` where the transaction failed. A caller that is cancelled leaves the job to be written.
        """
        job.done = self._loop.create_future()
        self._put(job)
        self._bell.set()
        return await job.done

    async def run(self, work: Callable[[Connection], T]) -> T:
        """The value of ``work`` once it is committed; as :meth:`write`."""
        return cast("T", await self.write(Job(work=work)))

    def put(self, job: Job) -> None:
        """Have a job written soon. Its failure is met by the next :meth:`write`."""
        for row in job.candidates:
            self._deltas.pop((row["run_id"], row["candidate_id"]), None)
        self._put(job)
        if self._waiting_rows >= _BATCH_ROWS:
            self._bell.set()
        elif self._timer is None:
            self._timer = self._loop.call_later(_EVENT_SECONDS, self._ring)

    def put_delta(self, run_id: str, key: str, text: str) -> None:
        """Have telemetry written within a quarter of a second; only the last text of a key is, and an empty one removes it."""
        self._require_open()
        self._deltas[run_id, key] = text
        if self._delta_timer is None:
            self._delta_timer = self._loop.call_later(_DELTA_SECONDS, self._ring_deltas)

    async def close(self) -> None:
        """Write what is queued and end the task. Raises :class:`StoreError` where events could not be written."""
        if self._closed is not None:
            return
        try:
            await self.write(Job())
        finally:
            self._closed = StoreError("the store is closed")
            for timer in (self._timer, self._delta_timer):
                if timer is not None:
                    timer.cancel()
            self._bell.set()
            await self._task

    def _put(self, job: Job) -> None:
        self._require_open()
        self._queue.append(job)
        self._waiting_rows += job.size

    def _require_open(self) -> None:
        if self._closed is not None:
            raise self._closed

    def _ring(self) -> None:
        self._timer = None
        self._bell.set()

    def _ring_deltas(self) -> None:
        self._delta_timer = None
        self._bell.set()

    async def _run(self) -> None:
        while self._closed is None:
            await self._bell.wait()
            self._bell.clear()
            while self._queue or self._deltas:
                self._batch = self._take()
                await self._commit(self._batch)
                self._batch = []

    def _take(self) -> list[Job]:
        jobs, self._kept = self._kept, []
        size = 0
        while self._queue and (size == 0 or size + self._queue[0].size <= _BATCH_ROWS):
            job = self._queue.popleft()
            size += job.size
            self._waiting_rows -= job.size
            jobs.append(job)
        return jobs

    async def _commit(self, jobs: list[Job]) -> None:
        deltas, self._deltas = self._deltas, {}
        try:
            settled = await self._database.write(lambda connection: self._apply(connection, jobs, deltas))
        except StoreError as error:
            self._kept = [job for job in jobs if job.done is None]
            settled = [(job, error) for job in jobs]
        for job, value in settled:
            if job.done is None or job.done.done():
                continue  # nobody waits, or the caller was cancelled
            if isinstance(value, SymposiaError):
                job.done.set_exception(value)
            else:
                job.done.set_result(value)

    def _apply(self, connection: Connection, jobs: list[Job], deltas: Mapping[tuple[str, str], str]) -> Settled:
        good, settled = _admit(connection, jobs)
        candidates = _all(job.candidates for job in good)
        bulk.put(connection, journal, _all(job.journal for job in good), key=("run_id", "key", "attempt"), update="body")
        bulk.add_events(connection, _all(job.events for job in good))
        shown = [{"run_id": run, "key": key, "text": text} for (run, key), text in deltas.items() if text]
        bulk.put(connection, deltas_table, shown, key=("run_id", "key"), update="text")
        bulk.put(connection, candidates_table, candidates, key=("run_id", "candidate_id"), update="body")
        stored = [(row["run_id"], row["candidate_id"]) for row in candidates]
        gone = [*stored, *(place for place, text in deltas.items() if not text)]
        if gone:
            connection.execute(_DROP_DELTA, [{"row_run": run, "row_key": key} for run, key in gone])
        leases.make(
            connection, [(job.lease.run_id, job.change) for job in good if job.lease is not None and job.change is not None]
        )
        for job in good:
            try:
                settled.append((job, job.work(connection) if job.work is not None else None))
            except SymposiaError as error:  # this job's own; the others' rows are committed all the same
                settled.append((job, error))
        return settled

    def _ended(self, task: asyncio.Task[None]) -> None:
        """Leave nobody waiting for a task that is no more."""
        reason = "was cancelled" if task.cancelled() else f"failed: {task.exception()!r}" if task.exception() else "ended"
        self._closed = self._closed or StoreError(f"the store's writer {reason}")
        for job in (*self._batch, *self._queue):
            if job.done is not None and not job.done.done():
                job.done.set_exception(self._closed)


def _admit(connection: Connection, jobs: Sequence[Job]) -> tuple[list[Job], Settled]:
    """Insert the new runs and check the leases: the jobs that may go on, and what became of the others."""
    new = [job for job in jobs if job.run is not None]
    refused = dict(zip(new, runs.add_all(connection, [job.run for job in new if job.run is not None]), strict=True))
    tokens = leases.in_force(connection, {job.lease.run_id for job in jobs if job.lease is not None})
    good: list[Job] = []
    settled: Settled = []
    for job in jobs:
        if (error := refused.get(job)) is not None:
            settled.append((job, error))
        elif job.lease is None or leases.token(job.lease) in tokens:
            good.append(job)
            if job.lease is not None and job.change is not None and job.change.releases:  # for the jobs behind it
                tokens = tokens - {leases.token(job.lease)} | {leases.given_back(job.lease)}
        elif job.change is not None and job.change.releases and leases.given_back(job.lease) in tokens:
            settled.append((job, None))
        else:
            settled.append((job, leases.lost(job.lease)))
    return good, settled


def _all(rows: Iterable[Sequence[Values]]) -> list[Values]:
    return list(chain.from_iterable(rows))
