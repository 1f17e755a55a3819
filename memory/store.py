"""The store: what a run is, what it has done and what people ask of it, kept safe from crashes."""

from __future__ import annotations

import time
from collections.abc import AsyncIterable, AsyncIterator, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

from ..core.budget import Budget
from ..core.candidate import Candidate
from ..core.events import CandidateAdded, Event
from ..core.records import (
    ExperimentRecord,
    JournalEntry,
    Lease,
    LedgerRecord,
    OpeningRecord,
    RunRecord,
    RunSpec,
    StoredEvent,
    Tranche,
)
from ..core.result import Result, RunState
from ..core.retrieval import Embedder
from ..core.usage import Amounts
from . import creation, experiments, leases, ledgers, lineage, log, openings, prune, runs, transfer
from .calibrations import Calibrations
from .candidates import scored_candidates
from .database import Database
from .experiments import Finished
from .leases import this_process
from .migrate import migrate
from .prune import OldRun
from .redact import Redactor
from .retrieval.corpora import Corpora
from .retrieval.shared import Shared
from .rows import ENTRY, RESULT, RUN_SPEC, plain
from .views import Views
from .wishes import Wishes
from .writer import Job
from .written_tools import WrittenTools

__all__ = ["Store", "this_process"]


class Store(Wishes, Views):
    """An open store. Belongs to the event loop in which it was opened; open it with :meth:`open` and close it.

    Everything but the constructor raises :class:`StoreError` where the database cannot be used. What was committed
    stays, and what can be read can still be read.
    """

    def __init__(self, database: Database, redactor: Redactor) -> None:
        super().__init__(database, redactor)
        self._shared = Shared(database)

    @classmethod
    async def open(cls, where: str | Path | None = None) -> Self:
        """Open the store at a path, ``sqlite:///`` or ``postgresql://`` address, and make or upgrade it where needed.

        None is ``symposia.db`` in the user's data folder; ``:memory:`` is a store that ends with :meth:`close`. Raises
        :class:`StoreReadOnlyError`, :class:`StoreCorruptError`, :class:`StoreVersionError`, :class:`StoreFullError` or
        :class:`StoreUnreachableError` for what stands in the way, :class:`ConfigError` for an address of another kind or a
        driver that is not installed.
        """
        database = await Database.open(where)
        try:
            await migrate(database)
        except BaseException:
            await database.close()
            raise
        return cls(database, Redactor())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Write what is queued and close every connection. Closing twice is fine.

        Raises :class:`StoreError` where queued events could not be written.
        """
        try:
            await self._writer.close()
        finally:
            await self._database.close()

    @property
    def path(self) -> Path | None:
        """The store's file; None for a store in memory or on a server."""
        return self._database.path

    @property
    def place(self) -> str:
        """Where the store is, for people: its file, ``in memory`` or the server's address without its password."""
        return self._database.place

    # Runs

    async def create_run(self, spec: RunSpec, *, id: str | None = None) -> RunRecord:  # noqa: A002
        """Store a new run, queued, and return it as stored: secrets in its question are gone from there on.

        Without ``id`` it gets a short one that sorts by time. Raises :class:`StoreError` for an id that cannot be one,
        :class:`NameTakenError` where a run has it already, :class:`UnknownNameError` for an experiment that is not there.
        """
        return await creation.create(self._writer, self._rows, spec, id)

    async def begin_run(
        self,
        spec: RunSpec,
        *,
        owner: str,
        ttl: float = 15,
        id: str | None = None,  # noqa: A002
    ) -> tuple[RunRecord, Lease]:
        """As :meth:`create_run` and :meth:`acquire` in one: store a new run that is executed from the start."""
        record = await creation.begin(self._writer, self._rows, spec, id, owner, ttl)
        return record, Lease(run_id=record.id, owner=owner, fence=1)

    async def known_run(self, run_id: str) -> RunRecord | None:
        """The run with exactly this id, or None."""
        return await self._database.read(lambda connection: runs.exactly(connection, run_id))

    async def run(self, id_or_prefix: str) -> RunRecord:
        """The run with this id, or the only one whose id begins so. Raises :class:`RunNotFoundError`."""
        return await self._database.read(lambda connection: runs.find(connection, id_or_prefix))

    async def runs(self, *, limit: int = 50, state: RunState | None = None, experiment: str | None = None) -> list[RunRecord]:
        """The newest runs first: those of ``experiment``, or those that belong to none.

        A run that nobody executes any more is shown, and found, as interrupted.
        """
        return await self._database.read(lambda connection: runs.newest(connection, limit, state, experiment))

    async def fork_run(self, spec: RunSpec, entries: Sequence[JournalEntry]) -> RunRecord:
        """Store a new run, queued, whose journal begins with ``entries``; both or neither."""
        text = self._rows.json(RUN_SPEC, spec)
        rows = [self._rows.entry("", self._rows.stored(ENTRY, entry)) for entry in entries]
        return await self._writer.run(lambda connection: lineage.fork(connection, text, rows))

    async def remove_runs(self, run_ids: Collection[str]) -> None:
        """Delete runs and all that belongs to them in one transaction; ids must be whole.

        Raises :class:`RunNotFoundError`, and :class:`LeaseHeldError` where one is being executed; nothing is removed then.
        """
        await self._writer.run(lambda connection: prune.remove(connection, set(run_ids)))

    async def old_runs(
        self, states: Collection[RunState], *, before: float | None = None, keep: int = 0, experiment: str | None = None
    ) -> list[OldRun]:
        """Runs in one of ``states`` last touched before a Unix time, newest first; never the newest ``keep`` of these states.

        They are those of ``experiment``, or those that belong to none.
        """
        return await self._database.read(partial(prune.old, states=states, before=before, keep=keep, experiment=experiment))

    async def compact(self) -> int:
        """Give unused space back to the disk; how many bytes. Other writers wait meanwhile: seconds for a store of gigabytes."""
        return await self._database.read(prune.compact)

    # The lease

    async def acquire(self, run_id: str, *, owner: str, ttl: float = 15) -> Lease:
        """Take the right to execute a run for ``ttl`` seconds and mark it running.

        Raises :class:`LeaseHeldError` while anybody holds it, the same owner included, and :class:`RunNotFoundError`. A
        finished run can be taken too: whether it may be executed again is for the caller to say.
        """
        return await self._writer.run(lambda connection: leases.acquire(connection, run_id, owner, ttl))

    async def heartbeat(self, lease: Lease, ttl: float = 15) -> None:
        """Have the lease end ``ttl`` seconds from now. Raises :class:`LeaseLostError`."""
        await self._writer.write(Job(lease, change=leases.beat(ttl)))

    async def release(self, lease: Lease, state: RunState, elapsed: float) -> None:
        """Give the lease back, leaving the run in ``state``. Does nothing after :meth:`finish` or a first release.

        Queued events are written before. Raises :class:`LeaseLostError` where another process took over.
        """
        await self._writer.write(Job(lease, change=leases.release(state, elapsed)))

    async def set_state(self, lease: Lease, state: RunState) -> None:
        """Change the state of a run that goes on being held. Raises :class:`LeaseLostError`."""
        await self._writer.write(Job(lease, change=leases.state(state)))

    async def finish(self, lease: Lease, state: RunState, result: Result, elapsed: float) -> None:
        """Store the result and give the lease back, together. Queued events are written before.

        Raises :class:`LeaseLostError`; the result is not stored then.
        """
        await self._writer.write(Job(lease, change=leases.finish(state, elapsed, self._rows.json(RESULT, result))))

    # Journal

    async def record(self, lease: Lease, entries: Sequence[JournalEntry]) -> list[JournalEntry]:
        """Commit journal entries, overwriting those with the same key and attempt. They are safe when this returns.

        Returns the entries as a replay will read them: the same, unless a secret or invalid Unicode was taken out. Go on
        with these. Raises :class:`LeaseLostError` and :class:`StoreError`; none of the entries is stored then.
        """
        stored = [self._rows.stored(ENTRY, entry) for entry in entries]
        rows = [self._rows.entry(lease.run_id, entry) for entry in stored]
        await self._writer.write(Job(lease=lease, journal=rows))
        return [entry.value for entry in stored]

    async def journal(self, run_id: str) -> list[JournalEntry]:
        """A run's entries in the order in which they were first recorded."""
        return await self._database.read(partial(log.journal, run_id=run_id))

    # Events, candidates, deltas

    def append(self, lease: Lease, events: Sequence[Event]) -> None:
        """Have events written within 25 ms; those whose id the run has already are dropped.

        Must be called in the store's event loop. A failure is met by whoever records or flushes next; under a lost lease
        events are dropped, which the next :meth:`record` with that lease reports.
        """
        now = time.time()
        added = [event.candidate for event in events if isinstance(event, CandidateAdded)]
        self._writer.put(
            Job(
                lease=lease,
                events=[self._rows.event(lease.run_id, event, now) for event in events],
                candidates=[self._rows.candidate(lease.run_id, candidate) for candidate in added],
            )
        )

    async def flush(self, lease: Lease | None = None) -> None:
        """Return when everything queued is committed. Raises :class:`StoreError`; with ``lease``, LeaseLostError too."""
        await self._writer.write(Job(lease=lease))

    async def events(self, run_id: str, *, after: int = 0, limit: int | None = None) -> list[StoredEvent]:
        """A run's committed events with ``seq > after``, in order. ``seq`` begins at 1 and has no gaps."""
        return await self._database.read(partial(log.events, run_id=run_id, after=after, limit=limit))

    async def event_ids(self, run_id: str) -> set[str]:
        """Ids of a run's committed events."""
        return await self._database.read(partial(log.event_ids, run_id=run_id))

    async def candidates(self, run_id: str) -> list[Candidate]:
        """A run's candidates in the order in which they were added, with the scores that verifiers gave them."""
        return await self._database.read(lambda connection: scored_candidates(connection, run_id))

    def put_delta(self, run_id: str, key: str, text: str) -> None:
        """Show the text so far of the candidate that will have the id ``key``; gone when that is stored, or the text empty."""
        self._writer.put_delta(run_id, plain(key), self._rows.text(text))

    async def deltas(self, run_id: str) -> dict[str, str]:
        """Texts that are being written now, by key. Telemetry: up to a quarter of a second old."""
        return await self._database.read(partial(log.deltas, run_id=run_id))

    # Ledgers that several runs share

    async def create_ledger(self, name: str, caps: Budget) -> LedgerRecord:
        """Make a ledger that runs can share. Raises :class:`ConfigError`, and :class:`StoreError` for a name that is taken."""
        return await self._writer.run(lambda connection: ledgers.create(connection, name, caps))

    async def change_ledger(self, name: str, caps: Budget) -> LedgerRecord:
        """Raise or lower caps of a ledger; those not given stay. Raises :class:`UnknownNameError`, :class:`ConfigError`."""
        return await self._writer.run(lambda connection: ledgers.change(connection, name, caps))

    async def ledger(self, name: str) -> LedgerRecord:
        """A shared ledger as it stands. Raises :class:`UnknownNameError`."""
        return await self._database.read(lambda connection: ledgers.find(connection, name))

    async def ledgers(self) -> list[LedgerRecord]:
        """All shared ledgers, oldest first."""
        return await self._database.read(lambda found: [ledgers.find(found, name) for name in ledgers.names(found)])

    async def draw(
        self, lease: Lease, name: str, *, spent: Amounts, keep: Amounts, wanted: Amounts, partly: bool = False
    ) -> Tranche:
        """Settle a run's account with a shared ledger and draw from it; see :func:`.ledgers.draw`.

        Raises :class:`LeaseLostError`: the account is then the new holder's to settle.
        """
        work = partial(ledgers.draw, name=name, run_id=lease.run_id, spent=spent, keep=keep, wanted=wanted, partly=partly)
        return cast("Tranche", await self._writer.write(Job(lease, work=work)))

    # Experiments

    async def create_experiment(self, name: str, plan: Mapping[str, Any]) -> ExperimentRecord:
        """Make an experiment that runs can belong to; ``plan`` is JSON. Raises :class:`ConfigError`, :class:`NameTakenError`."""
        text = self._rows.json(experiments.PLAN, dict(plan))
        return await self._writer.run(lambda connection: experiments.create(connection, name, text))

    async def experiment(self, name: str) -> ExperimentRecord:
        """An experiment as it stands. Raises :class:`UnknownNameError`."""
        return await self._database.read(lambda connection: experiments.find(connection, name))

    async def experiments(self) -> list[ExperimentRecord]:
        """All experiments, oldest first."""
        return await self._database.read(experiments.every)

    async def update_experiment(self, name: str, plan: Mapping[str, Any]) -> ExperimentRecord:
        """Replace an experiment's plan. Raises :class:`UnknownNameError`."""
        text = self._rows.json(experiments.PLAN, dict(plan))
        return await self._writer.run(lambda connection: experiments.change(connection, name, text))

    async def adopt_run(self, experiment: str, run_id: str) -> None:
        """Have a run that was made outside of any experiment belong to this one. Raises :class:`UnknownNameError`."""
        await self._writer.run(lambda connection: experiments.adopt(connection, experiment, run_id))

    async def remove_experiment(self, name: str) -> None:
        """Delete an experiment with its runs and all that belongs to them. Other writers need not wait until it is done.

        Raises :class:`UnknownNameError`, and :class:`LeaseHeldError` where one of its runs is being executed: at the start,
        when nothing is removed, or as soon as somebody begins with one; what is left is removed by calling this again.
        """
        while await self._writer.run(lambda connection: experiments.remove_some(connection, name)):
            pass

    async def finished(self, experiment: str) -> AsyncIterator[Finished]:
        """Every run of an experiment that ended, oldest first, with its result; few of them are in memory at a time."""
        after = experiments.START
        while page := await self._database.read(partial(experiments.finished, name=experiment, after=after)):
            for one in page.runs:
                yield one
            after = page.end

    async def record_opening(
        self, *, who: str, task: str, fingerprint: str, experiment: str | None = None, reason: str = ""
    ) -> OpeningRecord:
        """Note for good that somebody looks at the test split of a task."""
        values = {"who": who, "task": task, "fingerprint": fingerprint, "reason": reason}
        texts = {name: self._rows.text(text) for name, text in values.items()}
        return await self._writer.run(lambda connection: openings.add(connection, texts | {"experiment": experiment}))

    async def openings(self, task: str | None = None) -> list[OpeningRecord]:
        """Who opened which test split, oldest first; those of one task where it is named."""
        return await self._database.read(lambda connection: openings.every(connection, task))

    def corpora(self, embedder: Embedder | None = None) -> Corpora:
        """Documents that can be searched. Vectors stay in memory while the store is open: the first search reads them."""
        return Corpora(self._database, self._writer, self._rows, self._shared, embedder)

    def written_tools(self) -> WrittenTools:
        """The tools that were written at run time."""
        return WrittenTools(self._database, self._writer, self._rows)

    def calibrations(self) -> Calibrations:
        """What tells from a run's confidence how likely its answer is right."""
        return Calibrations(self._database, self._writer, self._rows)

    # Copies

    def export_run(self, run_id: str) -> AsyncIterator[str]:
        """The run as JSON lines, as they stood when the first line was asked for. See :mod:`.transfer`."""
        return transfer.export_run(self._database, run_id)

    async def import_run(self, lines: Iterable[str] | AsyncIterable[str]) -> RunRecord:
        """Store a run from JSON lines, under a new id where its own is taken.

        Raises :class:`StoreError` naming the line for a file that is malformed or cut; nothing is stored then.
        """
        return await transfer.import_run(self._writer, self._rows, lines)
