"""Following one run through the store alone, whoever executes it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core.errors import RunNotFoundError, StoreError
from ..core.result import RunState
from .scrub import Scrub
from .store import snapshot
from .store.run import RunView, fold

if TYPE_CHECKING:
    from ..core.records import ControlRecord, RunRecord
    from ..memory.store import Store

PAGE = 500
"""Events that are read and folded at a time: what comes between them is answered within some hundredths of a second."""
_EVERY = 0.25
_EVERY_ENDED = 1.0
"""Seconds between two looks at a run that nobody executes: somebody may resume it."""
_PATIENCE = 8.0
"""Seconds, at most, before a store that cannot be read is tried again."""
ENDED = frozenset({RunState.FINISHED, RunState.INTERRUPTED})


class Feed:
    """A run that is looked at. Its fields are what the last look showed; ``changed`` is called when any of them is new."""

    def __init__(self, store: Store, run_id: str, changed: Callable[[], None]) -> None:
        self.run_id = run_id
        self.now = RunView()
        """The run as it is."""
        self.scrub: Scrub | None = None
        """The run as it was, while somebody looks at that; events are taken up meanwhile."""
        self.record: RunRecord | None = None
        self.texts: dict[str, str] = {}
        """What is being written, by the id of the candidate to be."""
        self.wishes: list[ControlRecord] = []
        """What people asked of the run and was not taken up yet."""
        self.behind = False
        """Whether there are older events that were not folded yet."""
        self.fault: str | None = None
        """What is wrong with the store, where it cannot be read; what is shown is what it held before."""
        self._store = store
        self._changed = changed
        self._kept = 0

    @property
    def view(self) -> RunView:
        """What is shown of the run."""
        return self.now if self.scrub is None else self.scrub.view

    async def show(self, seq: int) -> None:
        """Show the run as it was after event ``seq``; as it is where that is its last one. Raises :class:`StoreError`."""
        if seq >= self.now.seq:
            self.scrub = None
        else:
            scrub = self.scrub or Scrub(self._store, self.run_id)
            await scrub.go(seq)
            self.scrub = scrub
        self._changed()

    @property
    def ended(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.record is not None and self.record.state in ENDED

    async def run(self) -> None:
        """Look until cancelled. A store that cannot be read is tried again; a run that is not there ends it."""
        wait = _EVERY
        while True:
            try:
                await self._look()
                self.fault, wait = None, _EVERY_ENDED if self.ended else _EVERY
            except RunNotFoundError as error:  # it was removed, or never was
                self.fault = str(error)
                self._changed()
                return
            except StoreError as error:
                self.fault, wait = str(error), min(_PATIENCE, max(1.0, 2 * wait))
            self._changed()
            await asyncio.sleep(wait)

    async def _look(self) -> None:
        record = await self._store.run(self.run_id)  # first: what is read after it can only be newer
        if self.record is None:
            self.run_id, self.record = record.id, record
            await self._load()
        self.record = record
        await self._read_events()
        texts = {} if self.ended else await self._store.deltas(record.id)
        if texts != self.texts:
            self.texts = texts
            self.now.hear(time.time())
        self.wishes = await self._store.pending_controls(record.id)

    async def _load(self) -> None:
        """Begin with the newest snapshot."""
        kept = await self._store.fold(self.run_id, snapshot.NAME, snapshot.VERSION)
        view = None if kept is None else snapshot.load(kept.body)
        if view is not None:
            self.now, self._kept = view, view.seq
        self._changed()

    async def _read_events(self) -> None:
        while page := await self._store.events(self.run_id, after=self.now.seq, limit=PAGE):
            fold(self.now, page)
            self.behind = len(page) == PAGE
            if self.behind:
                self._changed()
            # Rarer as the run grows, so that what a snapshot costs is little of what it spares.
            if self.now.seq >= max(2 * self._kept, self._kept + snapshot.EVERY):
                await self._keep()
        self.behind = False
        if self.ended and self.now.seq >= self._kept + snapshot.EVERY:
            await self._keep()

    async def _keep(self) -> None:
        self._kept = self.now.seq
        with contextlib.suppress(StoreError):  # a store that cannot be written can still be looked at
            await self._store.put_fold(self.run_id, snapshot.NAME, snapshot.VERSION, self.now.seq, snapshot.dump(self.now))
