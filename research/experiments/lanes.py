"""How many runs are under way at a time: enough to keep the models' endpoints busy, too few to make calls wait long."""

from __future__ import annotations

import asyncio
import contextlib

from ...core.records import RunSpec
from ...models.gateway import concurrency_of, endpoint_of
from .bounds import call_bounds


class Lanes:
    """A run weighs as much as the calls that it keeps in flight; one is let in while there is any room.

    Waiting counts against a call's deadline: a thousand of them queued at a slow endpoint would time out.
    """

    def __init__(self, in_flight: int | None) -> None:
        """``in_flight`` is a number of runs, whatever they weigh; None leaves it to the endpoints."""
        self._in_flight = in_flight
        self._weights: dict[str, int] = {}
        self._limits: dict[str, int] = {}
        self._load = 0
        self._changed = asyncio.Event()

    @property
    def busy(self) -> bool:
        """Whether any run is under way."""
        return self._load > 0

    @property
    def open(self) -> bool:
        """Whether another run may begin."""
        return self._load < (self._in_flight or sum(self._limits.values()) or 1)

    def enter(self, arm: str, spec: RunSpec) -> int:
        """Let a run in; gives what to :meth:`leave` with."""
        weight = 1 if self._in_flight is not None else self._weigh(arm, spec)
        self._load += weight
        return weight

    def leave(self, weight: int) -> None:
        """A run ended."""
        self._load -= weight
        self.wake()

    def wake(self) -> None:
        """Have whoever waits look again."""
        self._changed.set()

    async def change(self, seconds: float | None = None) -> None:
        """Wait until a run ends or somebody wakes us, for so many seconds at most."""
        self._changed.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), seconds)

    def _weigh(self, arm: str, spec: RunSpec) -> int:
        if arm not in self._weights:
            self._weights[arm] = max(1, call_bounds(spec).least)
            self._limits |= {endpoint_of(model): concurrency_of(model) for model in spec.models.values()}
        return self._weights[arm]
