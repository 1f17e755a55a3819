"""This process's part of a ledger that the runs of several processes share: the root above a run's own ledger.

Its caps are what the store granted, the tranche, so that calls are still reserved without asking anybody. Where a tranche has
no room, more is drawn. What is idle is given back whenever the store is asked; a process that dies gives back nothing.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from ..core.budget import Budget
from ..core.records import Tranche
from ..core.usage import Amounts, Usage
from .ledger import Ledger, fits

_POLL = 0.25


class Draw(Protocol):
    """Settles with the store and draws from it; see :meth:`memory.store.Store.draw`."""

    async def __call__(self, *, spent: Amounts, keep: Amounts, wanted: Amounts, partly: bool) -> Tranche: ...


class SharedLedger(Ledger):
    """See the module's docstring. Call :meth:`settle_up` when past charges are booked, and at the end."""

    def __init__(self, caps: Budget, draw: Draw, copied: Usage) -> None:
        """``copied`` is the part of the charges that another run paid: a fork's, for the part of the journal it began with."""
        super().__init__(caps)
        self._caps = [None if cap is None else 0.0 for cap in self._caps]
        self._draw = draw
        self._copied = Amounts.of(copied)
        self._floor = Amounts()
        """Spent and held together are kept at this at least."""
        self._turn = asyncio.Lock()

    async def draw(self, wanted: Amounts) -> bool:
        """Have the store grant room for ``wanted``; False where it has none."""
        async with self._turn:
            if not fits(wanted, self.room()):  # else a sibling's draw brought enough
                await self._ask(wanted)
            return fits(wanted, self.room())

    async def gather(self, wanted: Amounts) -> bool:
        """Take what there is of ``wanted`` where nobody else may give something back; else wait a moment and say True."""
        async with self._turn:
            if fits(wanted, self.room()):
                return False
            tranche = await self._ask(wanted)
            if not tranche.others:
                await self._ask(wanted, partly=True)
                return False
        await asyncio.sleep(_POLL)
        return True

    async def secure(self, bound: Amounts) -> bool:
        """Hold ``bound`` until :meth:`settle_up`, so that no other run can take it meanwhile; False where it does not fit."""
        async with self._turn:
            await self._ask(bound)
            if not fits(bound, self.room()):
                return False
            self._floor = Amounts.of(self._spent).plus(bound)
            await self._ask(Amounts())  # gives back the share that comes with every grant
            return True

    async def settle_up(self) -> None:
        """Book what was spent and give back what no call in flight holds."""
        async with self._turn:
            self._floor = Amounts()
            await self._ask(Amounts())

    async def _ask(self, wanted: Amounts, *, partly: bool = False) -> Tranche:
        spent = Amounts.of(self._spent)
        used = Amounts(*map(max, self._used, self._floor))
        self._allow(used)  # what is idle may be given to others from here on
        keep = Amounts(*[max(0.0, amount) for amount in used.plus(spent, -1)])
        tranche = await self._draw(spent=spent.plus(self._copied, -1), keep=keep, wanted=wanted, partly=partly)
        self._allow(spent.plus(tranche.held))
        return tranche

    def _allow(self, amounts: Amounts) -> None:
        """Spent and held together may come to ``amounts``; what has no cap in the store has none here."""
        self._caps = [None if cap is None else amount for cap, amount in zip(self._caps, amounts, strict=True)]
