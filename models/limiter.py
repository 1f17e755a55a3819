"""How many calls one endpoint gets at a time.

The limit starts at what the endpoint is believed to take, halves when it says no (429) or falls silent (time-out), and grows
back by one for each full round of successes, never beyond the start. Calls in flight when the limit is cut belong to the
round that was refused: what they report does not cut it again.

Waiting is fair: first come, first served. Invariants: ``in_flight`` counts exactly the tickets given and not released; a
waiter that is cancelled holds none, even where it was given one in the same moment.
"""

from __future__ import annotations

import asyncio
from collections import deque
from enum import Enum, auto
from typing import NewType

Ticket = NewType("Ticket", int)
"""The right to make one call: the number of the round it was given in."""


class Outcome(Enum):
    """What a call says about the endpoint's capacity."""

    SUCCESS = auto()
    THROTTLED = auto()
    """Refused for its rate, or no reply in time."""
    NEUTRAL = auto()
    """Cancelled, or failed for a reason that has nothing to do with load."""


class AdaptiveLimiter:
    """A fair, adaptive limit on concurrent calls. For one event loop; see the module's docstring."""

    def __init__(self, start: int) -> None:
        self._start = start
        self._limit = float(start)
        self._round = 0
        self._in_flight = 0
        self._waiting: deque[asyncio.Future[Ticket]] = deque()
        self._pause_until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def limit(self) -> int:
        """Calls that may be in flight now."""
        return int(self._limit)

    @property
    def in_flight(self) -> int:
        """Tickets given and not released."""
        return self._in_flight

    async def acquire(self) -> Ticket:
        """Wait for a turn. Whoever gets a ticket must release it."""
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[Ticket] = loop.create_future()
        self._waiting.append(turn)
        self._admit(loop)
        try:
            return await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release(turn.result(), Outcome.NEUTRAL)
            raise

    def release(self, ticket: Ticket, outcome: Outcome) -> None:
        """Give a ticket back and say how the call went."""
        self._in_flight -= 1
        if outcome is Outcome.SUCCESS:
            self._limit = min(self._start, self._limit + 1 / self._limit)
        elif outcome is Outcome.THROTTLED and ticket == self._round:
            self._round += 1
            self._limit = float(max(1, self.limit // 2))
        self._admit(asyncio.get_running_loop())

    def pause(self, seconds: float) -> None:
        """Let no further call start for ``seconds``. A shorter pause never ends a longer one."""
        self._pause_until = max(self._pause_until, asyncio.get_running_loop().time() + seconds)

    def paused_for(self) -> float:
        """Seconds until the pause ends; zero where there is none."""
        return max(0.0, self._pause_until - asyncio.get_running_loop().time())

    def _admit(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give tickets to those who wait, in order, as far as limit and pause allow."""
        while self._waiting and self._in_flight < self.limit:
            if self._waiting[0].done():  # cancelled while it waited
                self._waiting.popleft()
                continue
            if loop.time() < self._pause_until:
                self._wake_later(loop)
                return
            self._in_flight += 1
            self._waiting.popleft().set_result(Ticket(self._round))

    def _wake_later(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._timer is None:
            self._timer = loop.call_at(self._pause_until, self._wake, loop)

    def _wake(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = None
        self._admit(loop)
