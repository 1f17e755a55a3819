"""The list of runs, kept up with the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..core.errors import StoreError

if TYPE_CHECKING:
    from ..core.records import RunGlance, RunRecord
    from ..memory.store import Store

LIMIT = 500
"""Runs that are listed: the newest."""
_EVERY = 1.0
_PATIENCE = 8.0


class Roster:
    """The newest runs; ``changed`` is called when the list is another than before."""

    def __init__(self, store: Store, changed: Callable[[], None]) -> None:
        self.records: list[RunRecord] = []
        """Newest first."""
        self.loaded = False
        self.fault: str | None = None
        """What is wrong with the store, where it cannot be read; the list is as it was before."""
        self._store = store
        self._changed = changed
        self._glances: list[RunGlance] = []
        self._known: dict[str, RunRecord] = {}

    async def run(self) -> None:
        """Look every second until cancelled."""
        wait = _EVERY
        while True:
            try:
                news = await self.look()
                fault, wait = None, _EVERY
            except StoreError as error:
                news, fault, wait = False, str(error), min(_PATIENCE, 2 * wait)
            if news or fault != self.fault:
                self.fault = fault
                self._changed()
            await asyncio.sleep(wait)

    async def look(self) -> bool:
        """Read what is new; whether anything is."""
        glances = await self._store.glances(LIMIT)
        if glances == self._glances and self.loaded:
            return False
        before = {glance.id: glance for glance in self._glances}
        new = [each.id for each in glances if each.id not in self._known or _moved(each, before.get(each.id))]
        for record in await self._store.records(new):
            self._known[record.id] = record
        self.records = [self._known[each.id] for each in glances if each.id in self._known]
        self._known = {record.id: record for record in self.records}
        self._glances, self.loaded = glances, True
        return True


def _moved(now: RunGlance, before: RunGlance | None) -> bool:
    """Whether more than the number of events is another."""
    return before is None or now._replace(events=0) != before._replace(events=0)
