"""A wave of deeds: tool calls and programs, done concurrently, each journaled before its result is used.

As in a wave of model calls (:mod:`.wave`): results stand by index, pause holds new ones back, and a halt breaks off what is
under way and ends the wave with what is there. Cuts by budget and deadline are journaled, a person's stop is not. A deed that
costs money is committed as ``sent`` with its price before it is begun, so that a crash leaves it charged as lost; any deed that
was under way when its process died is done again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from ..core.events import Event
from ..core.records import EntryKind, EntryStatus, JournalEntry
from ..core.result import StopReason
from ..core.usage import Usage
from .failpoints import pass_point
from .flight import Place
from .journal import hash_json
from .ledger import Ledger
from .services import Services
from .wave import END, JOURNALED_CUTS

ROLE = "tool"
"""Under which the money that tools cost is accounted, and the role of the models that tools ask."""


class Deed(Protocol):
    """One thing to do. Its responses are JSON."""

    @property
    def request(self) -> dict[str, Any]:
        """What identifies it: checked in a replay."""
        ...

    @property
    def price(self) -> Usage:
        """What it costs, known before."""
        ...

    def begun(self, place: Place) -> Event:
        """Says that it is to be done."""
        ...

    def ended(self, place: Place, response: Any) -> Event:
        """Says what came of it."""
        ...

    async def refused(self, place: Place) -> Any:
        """The response where it must not be done; None where it may."""
        ...

    async def perform(self, place: Place) -> Any:
        """Do it; the response."""
        ...


class Done(NamedTuple):
    """What came of a wave of deeds."""

    responses: list[Any]
    """By index; None for one that was not done."""
    stop_reason: StopReason


class DeedWave:
    """See the module's docstring. Used once."""

    def __init__(self, services: Services, ledger: Ledger, place: Place, deeds: Sequence[Deed]) -> None:
        self._services = services
        self._ledger = ledger
        self._place = place
        self._deeds = deeds
        self._hashes = [hash_json(deed.request) for deed in deeds]
        self._reason = StopReason.FINISHED

    async def run(self) -> Done:
        """Do them all. Raises :class:`ReplayDiverged`, and what ends a run: an error of the store, a sandbox that breaks down."""
        journal, end = self._services.journal, {"size": len(self._deeds), "hashes": hash_json({"hashes": self._hashes})}
        cut = journal.find(self._end_key, hash_json(end))
        if cut is not None:
            known = {index: self._known(index) for index in cut.response["consumed"]}
            return Done([known.get(index) for index in range(len(self._deeds))], StopReason(cut.response["reason"]))
        tasks = [asyncio.create_task(self._one(index)) for index in range(len(self._deeds))]
        try:
            responses = await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        if self._reason in JOURNALED_CUTS:
            consumed = [index for index, response in enumerate(responses) if response is not None]
            decided = {"reason": self._reason.value, "consumed": consumed}
            await journal.effect(self._end_key, end, _giving(decided), elapsed=self._services.clock.elapsed)
        return Done(responses, self._reason)

    async def _one(self, index: int) -> Any:
        """The response of a deed; None where the run was halted before there was one."""
        known = self._known(index)
        if known is not None:
            return known
        services, deed, place = self._services, self._deeds[index], self._place.at(index)
        halted = await services.control.gate()
        if halted is None:
            attempt = services.journal.next_attempt(place.key)  # in a replay this is the end
            services.log.emit(deed.begun(place))
            work = asyncio.create_task(self._do(index, place, attempt))
            try:
                if await services.control.wait_for(work):
                    return await work
            finally:
                work.cancel()
                await asyncio.gather(work, return_exceptions=True)
            halted = services.control.halted or StopReason.STEERED
        self._reason = halted
        return None

    async def _do(self, index: int, place: Place, attempt: int) -> Any:
        deed, journal = self._deeds[index], self._services.journal
        response = await deed.refused(place)
        if response is not None:
            entry = self._entry(index, place, attempt, EntryStatus.DONE, response=response)
        elif deed.price == Usage():
            entry = self._entry(index, place, attempt, EntryStatus.DONE, response=await deed.perform(place))
        else:
            paid = await self._paid(index, place, attempt)
            if paid is None:
                self._reason = StopReason.BUDGET
                return None
            entry = paid
        pass_point("tool-returned")
        (stored,) = await asyncio.shield(journal.record(entry))
        return self._told(place, deed, stored)

    async def _paid(self, index: int, place: Place, attempt: int) -> JournalEntry | None:
        """The entry of a deed that costs money; None where it does not fit the budget."""
        deed = self._deeds[index]
        reservation = await self._ledger.obtain(deed.price)
        if reservation is None:
            return None
        charge = Usage()
        try:
            sent = self._entry(index, place, attempt, EntryStatus.SENT, charge=deed.price)
            await self._services.journal.record(sent)
            charge = deed.price.as_lost()
            response = await deed.perform(place)
            charge = deed.price
        finally:
            self._ledger.settle(reservation, charge)
            self._services.spend(ROLE, charge)
        return self._entry(index, place, attempt, EntryStatus.DONE, response=response, charge=charge)

    def _entry(
        self, index: int, place: Place, attempt: int, status: EntryStatus, *, response: Any = None, charge: Usage | None = None
    ) -> JournalEntry:
        return JournalEntry(
            key=place.key,
            attempt=attempt,
            kind=EntryKind.EFFECT,
            status=status,
            request_hash=self._hashes[index],
            request=self._deeds[index].request,
            response=response,
            role=ROLE if charge is not None else "",
            charge=charge or Usage(),
            elapsed=self._services.clock.elapsed(),
        )

    def _known(self, index: int) -> Any:
        """The response of a deed if the journal holds it already."""
        deed, place = self._deeds[index], self._place.at(index)
        entry = self._services.journal.find(place.key, self._hashes[index])
        if entry is None:
            return None
        self._services.log.emit(deed.begun(place))
        return self._told(place, deed, entry)

    def _told(self, place: Place, deed: Deed, entry: JournalEntry) -> Any:
        self._services.log.emit(deed.ended(place, entry.response))
        return entry.response

    @property
    def _end_key(self) -> str:
        return f"{self._place.path}/{self._place.node}.{self._place.visit}.{END}"


def _giving(value: Any) -> Any:
    async def give() -> Any:
        return value

    return give
