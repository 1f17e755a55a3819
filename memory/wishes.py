"""What people ask of runs: the part of the store that keeps it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import cast

from sqlalchemy import Connection

from ..core.budget import Budget
from ..core.events import Controlled
from ..core.records import ControlKind, ControlRecord, JournalEntry, Lease, Response, RunRecord, RunSpec
from . import bulk, controls, lineage
from .opened import OpenStore
from .rows import BUDGET, ENTRY, RESPONSE, RUN_SPEC
from .schema import journal
from .writer import Job


class Wishes(OpenStore):
    """The part of :class:`.store.Store` that keeps what people ask of runs."""

    async def add_control(
        self,
        run_id: str,
        kind: ControlKind,
        author: str,
        response: Response | None = None,
        *,
        text: str = "",
        budget: Budget | None = None,
    ) -> ControlRecord:
        """Ask something of a run, and return it as stored: secrets are gone from what it says.

        ``respond`` has a ``response`` about a tool's call, ``steer`` and ``queue`` a ``text``, ``retune`` a ``budget``: caps for
        what is to be changed. Raises :class:`RunNotFoundError`, and :class:`ConfigError` for a run that has ended and for a kind
        without what it needs.
        """
        controls.require_whole(kind, text, budget)
        said = controls.Said(
            None if response is None else self._rows.json(RESPONSE, response),
            self._rows.text(text) or None,
            None if budget is None else self._rows.json(BUDGET, budget),
        )
        name = self._rows.text(author)
        return await self._writer.run(lambda connection: controls.add(connection, run_id, kind, name, said))

    async def pending_controls(self, run_id: str) -> list[ControlRecord]:
        """What was asked and neither consumed nor withdrawn, oldest first."""
        return await self._database.read(lambda connection: controls.pending(connection, run_id))

    async def pending_controls_of(self, run_ids: Collection[str]) -> dict[str, list[ControlRecord]]:
        """The same of several runs, by run; those of which nothing is asked are left out."""
        return await self._database.read(lambda connection: controls.pending_of(connection, run_ids))

    async def consume_control(self, lease: Lease, seq: int) -> bool:
        """Take up a wish. False where it was withdrawn meanwhile and must not be followed. Raises LeaseLostError."""
        return bool(await self._writer.write(Job(lease, work=lambda it: controls.settle(it, lease.run_id, seq, "consumed"))))

    async def take_up(
        self, lease: Lease, seqs: Sequence[int], entry: Callable[[Collection[int]], JournalEntry]
    ) -> JournalEntry | None:
        """Consume wishes and commit the journal entry that follows from them: both, or neither.

        ``entry`` makes it of the numbers of those that were not withdrawn meanwhile; None where all were. It may be called more
        than once. Returns the entry as a replay will read it. Raises LeaseLostError.
        """

        def work(connection: Connection) -> JournalEntry | None:
            taken = [seq for seq in seqs if controls.settle(connection, lease.run_id, seq, "consumed")]
            if not taken:
                return None
            stored = self._rows.stored(ENTRY, entry(taken))
            row = self._rows.entry(lease.run_id, stored)
            bulk.put(connection, journal, [row], key=("run_id", "key", "attempt"), update="body")
            return stored.value

        return cast("JournalEntry | None", await self._writer.write(Job(lease, work=work)))

    async def follow_run(self, run_id: str, wish: ControlRecord, spec: RunSpec) -> RunRecord | None:
        """Consume what was queued behind a run that has ended, and store the run made of it, queued: both, or neither.

        What else is queued there is from then on queued behind the new run. None where the wish was taken back or taken up
        meanwhile, or the run is being executed again. Raises :class:`RunNotFoundError`.
        """
        told = Controlled(index=wish.seq, kind="queue", author=wish.author, text=wish.text)
        text, event = self._rows.json(RUN_SPEC, spec), self._rows.event(run_id, told, time.time())
        return await self._writer.run(lambda connection: lineage.follow(connection, run_id, wish.seq, text, event))

    async def withdraw_control(self, run_id: str, seq: int) -> bool:
        """Take a wish back. False where it was consumed already."""
        return await self._writer.run(lambda connection: controls.settle(connection, run_id, seq, "withdrawn"))
