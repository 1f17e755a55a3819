"""Following a run from outside the process that executes it, through the store alone.

A look costs a few short reads: the run's row, the events since the last look, and the texts being written. What a look tells
is a moment older than the store, never ahead of it: a run that has ended has all its events in the same look or before.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import NamedTuple

from ..core.records import RunRecord, StoredEvent
from ..core.result import RunState
from ..memory.store import Store

_EVERY = 0.25
"""Seconds between two looks; live texts change no faster."""
_PAGE = 500
ENDED = frozenset({RunState.FINISHED, RunState.INTERRUPTED})
"""States in which nothing more happens by itself."""


class Look(NamedTuple):
    """What one look at a run shows."""

    record: RunRecord
    events: list[StoredEvent]
    """Those since the look before."""
    texts: dict[str, str]
    """What is being written now, by the id of the candidate to be."""

    @property
    def ended(self) -> bool:
        """Whether this is the last look."""
        return self.record.state in ENDED


async def follow(store: Store, run_id: str, *, after: int = 0) -> AsyncIterator[Look]:
    """Look at a run again and again until it ends; events begin after number ``after``. Raises :class:`RunNotFoundError`."""
    while True:
        record = await store.run(run_id)  # first: what is read after it can only be newer
        events: list[StoredEvent] = []
        while page := await store.events(record.id, after=after, limit=_PAGE):
            events += page
            after = page[-1].seq
        look = Look(record, events, {} if record.state in ENDED else await store.deltas(record.id))
        yield look
        if look.ended:
            return
        await asyncio.sleep(_EVERY)
