"""The ledger: what a run has spent, what it holds for calls in flight, and what is left.

Invariant: for every cap of the budget, spent + held <= cap at all times, unless a person has lowered the cap meanwhile. A
call's upper bound is held before it is sent and settled for its true cost afterwards; a call that broke off keeps its bound as
lost. A child ledger has caps of its own and draws on its parent's remainder as well. There is no lock: what changes amounts is
synchronous, and a run lives in one event loop. Only a ledger that several processes share (:mod:`.shared_ledger`) has to be
waited for: ``obtain`` and ``gather``.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from ..core.budget import Budget
from ..core.usage import Amounts, Usage

_SLACK = 1e-9
"""Dollars are floats: sums of exact prices may overshoot by rounding."""


class Reservation(NamedTuple):
    """An upper bound held for one call."""

    number: int
    bound: Usage


class Room(NamedTuple):
    """What is left and not held, in the order of :class:`Amounts`; None is no cap."""

    calls: float | None
    tokens: float | None
    prompt_tokens: float | None
    completion_tokens: float | None
    dollars: float | None


class Ledger:
    """See the module's docstring."""

    def __init__(self, caps: Budget, parent: Ledger | None = None) -> None:
        self._caps: list[float | None] = [getattr(caps, name) for name in Room._fields]
        self._parent = parent
        self._spent = Usage()
        self._used = [0.0] * len(self._caps)
        """Spent and held together, in the order of :class:`Room`; kept as a sum, for 1,000 calls may be held at once."""
        self._held: dict[int, Usage] = {}
        self._above: dict[int, Reservation] = {}
        self._next = 0
        self._waiters: set[asyncio.Future[None]] = set()

    @property
    def spent(self) -> Usage:
        """All that was settled or lost, children included."""
        return self._spent

    @property
    def holding(self) -> bool:
        """Whether any call in flight may still give something back, here or at an ancestor."""
        return bool(self._held) or (self._parent is not None and self._parent.holding)

    def child(self, caps: Budget) -> Ledger:
        """A ledger whose spending counts here too."""
        return Ledger(caps, parent=self)

    def room(self) -> Room:
        """What a new call could hold now, all ancestors considered."""
        own = self._own_room()
        if self._parent is None:
            return own
        pairs = zip(own, self._parent.room(), strict=True)
        return Room(*[b if a is None else a if b is None else min(a, b) for a, b in pairs])

    def _own_room(self) -> Room:
        return Room(*[None if cap is None else cap - used for cap, used in zip(self._caps, self._used, strict=True)])

    def reserve(self, bound: Usage) -> Reservation | None:
        """Hold ``bound`` here and at every ancestor, or nothing at all and None."""
        return self._hold(bound) if fits(Amounts.of(bound), self.room()) else None

    async def obtain(self, bound: Usage) -> Reservation | None:
        """As :meth:`reserve`, after drawing on a ledger shared with other processes where only that one lacks room."""
        while (held := self.reserve(bound)) is None:
            if not await self.draw(Amounts.of(bound)):
                return None
        return held

    async def draw(self, wanted: Amounts) -> bool:
        """Have a shared ledger above hold room for ``wanted``; False where there is none, or another cap stands in the way."""
        return self._parent is not None and fits(wanted, self._own_room()) and await self._parent.draw(wanted)

    async def gather(self, wanted: Amounts) -> bool:
        """Before a call is cut down to what is left: wait a moment while other processes hold what they may give back.

        False where there is no such thing to wait for. What a shared ledger has of ``wanted`` is held here then.
        """
        if self._parent is None:
            return False
        own = zip(wanted, self._own_room(), strict=True)
        return await self._parent.gather(Amounts(*[want if left is None else min(want, left) for want, left in own]))

    def _hold(self, bound: Usage) -> Reservation:
        number = self._next
        self._next += 1
        self._held[number] = bound
        self._use(bound, 1)
        if self._parent is not None:
            self._above[number] = self._parent._hold(bound)  # noqa: SLF001 - our own class
        return Reservation(number, bound)

    def settle(self, reservation: Reservation, actual: Usage) -> None:
        """Replace a held bound by what is charged: the true cost, the bound as lost, or nothing for a call never worked on."""
        self._use(self._held.pop(reservation.number), -1)
        self._charge_own(actual)
        if self._parent is not None:
            self._parent.settle(self._above.pop(reservation.number), actual)

    def charge(self, usage: Usage) -> None:
        """Book what the journal says was spent, here and at every ancestor."""
        self._charge_own(usage)
        if self._parent is not None:
            self._parent.charge(usage)

    def change(self, caps: Budget) -> None:
        """Have other caps. What is spent and held stays so, even beyond a lower one: nothing fits then."""
        self._caps = [getattr(caps, name) for name in Room._fields]
        self._wake()

    def _charge_own(self, usage: Usage) -> None:
        self._spent += usage
        self._use(usage, 1)
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _use(self, usage: Usage, sign: int) -> None:
        for place, amount in enumerate(Amounts.of(usage)):
            self._used[place] += sign * amount

    def changed(self) -> asyncio.Future[None]:
        """Done once something held anywhere in this line of ledgers is settled, or a cap changed, counted from this call on."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        line = [self, *self._ancestors()]
        for ledger in line:
            ledger._waiters.add(waiter)  # noqa: SLF001 - our own class

        def forget(_: asyncio.Future[None]) -> None:
            for ledger in line:
                ledger._waiters.discard(waiter)  # noqa: SLF001

        waiter.add_done_callback(forget)
        return waiter

    def _ancestors(self) -> list[Ledger]:
        return [] if self._parent is None else [self._parent, *self._parent._ancestors()]  # noqa: SLF001


def fits(wanted: Amounts, room: Room) -> bool:
    """Whether no cap stands in the way of ``wanted``."""
    return all(left is None or want <= left + _SLACK for want, left in zip(wanted, room, strict=True))
