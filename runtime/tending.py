"""Tending: what keeps the runs that this process executes alive, and has them do what people ask of them.

All of them together: one beat renews their leases in one transaction, one question finds what is asked of any, so that a run
which is over in milliseconds costs neither a task nor a query of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

from ..core.errors import LeaseLostError, StoreError
from ..core.records import Lease
from ..core.result import RunState, StopReason
from ..memory.store import Store
from .control import Control
from .desk import Desk

LEASE_SECONDS = 12.0
"""How long a process that stopped without a word keeps its runs: another one takes them over after that."""
_HEARTBEAT = 4.0
_POLL = 0.25


class Tender:
    """One per session. Its tasks end by themselves when no run is left to tend, and begin anew with the next."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._runs: dict[Lease, Desk] = {}
        self._states: dict[Lease, RunState] = {}
        """As stored; running where it is not in here."""
        self._tasks: dict[Callable[[], Coroutine[Any, Any, None]], asyncio.Task[None]] = {}

    @contextlib.contextmanager
    def tending(self, lease: Lease, desk: Desk) -> Iterator[None]:
        """Keep the lease alive and have the run's control rows carried out while the block lasts."""
        self._runs[lease] = desk
        for work in (self._beat, self._listen):
            if work not in self._tasks or self._tasks[work].done():
                self._tasks[work] = asyncio.create_task(work())
        try:
            yield
        finally:
            del self._runs[lease]
            self._states.pop(lease, None)

    async def close(self) -> None:
        """End the tasks."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _beat(self) -> None:
        """Renew the leases. Once another process has one, every write of ours fails; the halt only spares useless calls."""
        while self._runs:
            await asyncio.sleep(_HEARTBEAT)
            await asyncio.gather(*(self._renew(lease, desk.control) for lease, desk in self._runs.items()))

    async def _renew(self, lease: Lease, control: Control) -> None:
        try:
            await self._store.heartbeat(lease, LEASE_SECONDS)
        except LeaseLostError:
            control.halt(StopReason.ERROR)
        except StoreError:
            pass  # a store that stays unusable ends the run at its next journal entry

    async def _listen(self) -> None:
        """Pass control rows on."""
        while self._runs:
            await asyncio.sleep(_POLL)
            with contextlib.suppress(StoreError):  # as for the leases
                asked = await self._store.pending_controls_of({lease.run_id for lease in self._runs})
                for lease, desk in [*self._runs.items()]:
                    with contextlib.suppress(StoreError):  # of a run that has ended meanwhile: the others are not kept waiting
                        await desk.obey(asked.get(lease.run_id, ()))
                        await self._show(lease, desk.control)

    async def _show(self, lease: Lease, control: Control) -> None:
        """Have the stored state say what the run is doing."""
        state = RunState.PAUSED if control.paused else RunState.WAITING if control.waiting else RunState.RUNNING
        if self._states.get(lease, RunState.RUNNING) is not state:
            await self._store.set_state(lease, state)
            self._states[lease] = state
