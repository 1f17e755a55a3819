"""A wave: concurrent calls, most often of one role, whose results are used in index order.

What decides is index order, never arrival. Call k is consumed only after calls 0 to k-1; a reservation is settled when its
call is consumed, so that what fits the budget does not depend on which reply was faster; a wave's stopping rule sees the
first k results by index. At most ``window`` calls are made beyond the consumed prefix.

Ends: every call made (``finished``), the rule satisfied (``agreed``), budget, deadline, or a person's stop (``steered``). The
rest is cancelled at the server then; what it may have spent stays charged as lost. A pause at once does so to the calls in
flight, too, and they are made again after it, as after a crash. Cuts by budget and deadline are journaled, since the clock and
lost calls decide them; a person's stop is not, so that a resumed run goes on from there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ..core.calls import CallResult, ChatRequest, ModelCall, ModelRequest
from ..core.events import WaveStarted
from ..core.protocols import Consume, Wave
from ..core.records import EntryKind, JournalEntry
from ..core.result import StopReason
from ..core.usage import Amounts
from .fit import clamp, upper_bound
from .flight import Flight, Place, announce
from .journal import hash_json
from .ledger import Ledger, Reservation
from .services import Services

JOURNALED_CUTS = {StopReason.BUDGET, StopReason.DEADLINE}
END = "end"


def is_cut(entry: JournalEntry) -> bool:
    """Whether a journal entry says that budget or deadline cut a wave, and where."""
    said = entry.response if entry.kind is EntryKind.EFFECT and entry.key.endswith(f".{END}") else None
    return isinstance(said, dict) and said.keys() == {"reason", "consumed"}


class WaveRun:
    """See the module's docstring. Used once."""

    def __init__(
        self,
        services: Services,
        ledger: Ledger,
        place: Place,
        calls: Sequence[ModelCall],
        consume: Consume,
        window: int | None,
    ) -> None:
        self._services = services
        self._ledger = ledger
        self._place = place
        self._calls = calls
        self._consume = consume
        self._window = window or max(1, len(calls))
        self._hashes = [call.request.hash() for call in calls]
        self._flights: dict[int, Flight] = {}
        self._consumed: list[CallResult] = []
        self._settled = 0
        """Length of the consumed prefix."""
        self._next = 0
        """The next index to launch."""

    async def run(self) -> Wave:
        """Make the wave. Raises :class:`ReplayDiverged`; failures of calls are results."""
        if not self._calls:
            return Wave((), (), StopReason.FINISHED)
        self._announce_start()
        end = {"size": len(self._calls), "hashes": hash_json({"hashes": self._hashes})}
        cut = self._services.journal.find(self._end_key, hash_json(end))
        if cut is not None:
            await self._consume_known(cut.response["consumed"])
            return Wave(tuple(self._consumed), (), StopReason(cut.response["reason"]))
        try:
            reason = await self._advance()
        finally:
            await self._cancel_rest()
        if reason is StopReason.AGREED:
            return Wave(tuple(self._consumed), self._late(), reason)
        if reason is not StopReason.FINISHED:
            await self._consume_known(range(self._settled, len(self._calls)))
        if reason in JOURNALED_CUTS:
            await self._journal_cut(reason, end)
        return Wave(tuple(self._consumed), (), reason)

    async def _advance(self) -> StopReason:
        """Consume results in index order until the wave ends; why it ended."""
        while self._settled < len(self._calls):
            result = None if self._settled in self._flights else self._known(self._settled)
            if result is None:
                if (reason := await self._launch()) is not None:
                    return reason
                flight = self._flights[self._settled]
                if not (flight.task.done() or await self._services.control.lands(flight.task)):
                    if (halted := self._services.control.halted) is not None:
                        return halted
                    await self._break_off()
                    continue
                result = await flight.task
                self._flights.pop(self._settled).settle()
            self._settled += 1
            if await self._take(result):
                return StopReason.AGREED
        return StopReason.FINISHED

    async def _launch(self) -> StopReason | None:
        """Launch what window, gate and ledger allow; the reason where not even the next call to consume can be made."""
        self._next = max(self._next, self._settled)
        while self._next < min(len(self._calls), self._settled + self._window):
            index = self._next
            place = self._place.at(index)
            if index not in self._flights and self._services.journal.find(place.key, self._hashes[index]) is None:
                if (halted := await self._services.control.gate()) is not None:
                    return halted
                call = self._calls[index]
                awaited = self._settled in self._flights
                held = await self._hold(call, patient=not awaited)
                if held is None:
                    return None if awaited else self._services.control.halted or StopReason.BUDGET
                request, reservation = held
                call = call.model_copy(update={"request": request})
                self._flights[index] = Flight(self._services, self._ledger, place, self._hashes[index], call, reservation)
            self._next += 1
        return None

    async def _hold(self, call: ModelCall, *, patient: bool) -> tuple[ModelRequest, Reservation] | None:
        """Hold the call's upper bound. It is cut down only where nothing in flight, here or beside, can give room back."""
        spec, timeout = self._services.spec(call.role), self._services.call_timeout
        request = call.request
        while True:
            prompt = self._services.prompt_size(spec, request)
            bound = upper_bound(spec, request, prompt, timeout)
            reservation = await self._ledger.obtain(bound)
            if reservation is not None:
                return request, reservation
            if not patient:
                return None
            if self._ledger.holding:
                await self._room_changed()
            elif not await self._ledger.gather(Amounts.of(bound)):
                break
            if await self._services.control.gate() is not None:
                return None
        cut = clamp(spec, request, prompt, self._ledger.room())
        reservation = self._ledger.reserve(upper_bound(spec, cut, prompt, timeout)) if cut else None
        return (cut, reservation) if cut and reservation else None

    async def _room_changed(self) -> None:
        """Wait until a sibling's call is settled, or the run is halted."""
        change = self._ledger.changed()
        try:
            await self._services.control.wait_for(change)
        finally:
            change.cancel()

    def _known(self, index: int) -> CallResult | None:
        """The result of call ``index`` if the journal holds it already."""
        place, call = self._place.at(index), self._calls[index]
        entry = self._services.journal.find(place.key, self._hashes[index])
        return None if entry is None else announce(self._services, place, call.role, entry)

    async def _consume_known(self, indices: Sequence[int]) -> None:
        """Consume what has landed among ``indices``: the best there is when a wave is cut."""
        for index in indices:
            result = self._known(index)
            if result is not None:
                await self._take(result)

    def _late(self) -> tuple[CallResult, ...]:
        known = (self._known(index) for index in range(self._settled, len(self._calls)))
        return tuple(result for result in known if result is not None)

    async def _take(self, result: CallResult) -> bool:
        self._consumed.append(result)
        call = self._calls[result.index]
        if result.failure is not None:
            code = result.failure.code
            self._services.failures[code] = self._services.failures.get(code, 0) + 1
            self._services.error = result.failure.message
        else:
            self._services.replies += 1
        if result.reply is not None and not result.reply.usage_estimated and isinstance(call.request, ChatRequest):
            model = self._services.spec(call.role).name
            self._services.learn_prompt(model, call.request, result.reply.prompt_tokens)
        return await self._consume(result)

    async def _break_off(self) -> None:
        """Cancel the calls in flight as at an end, and forget those that did not land: they are launched anew.

        What landed is settled, too: the call that is consumed next must not wait for room that only its successors hold.
        """
        await self._cancel_rest()
        self._flights = {index: flight for index, flight in self._flights.items() if not flight.task.cancelled()}
        self._next = self._settled

    async def _cancel_rest(self) -> None:
        await asyncio.gather(*(flight.cancel() for flight in self._flights.values()))

    async def _journal_cut(self, reason: StopReason, end: dict[str, object]) -> None:
        async def decide() -> dict[str, object]:
            return {"reason": reason.value, "consumed": [result.index for result in self._consumed]}

        await self._services.journal.effect(self._end_key, end, decide, elapsed=self._services.clock.elapsed)

    @property
    def _end_key(self) -> str:
        return f"{self._place.path}/{self._place.node}.{self._place.visit}.{END}"

    def _announce_start(self) -> None:
        place, roles = self._place, list(dict.fromkeys(call.role for call in self._calls))
        self._services.log.emit(
            WaveStarted(
                scope=place.path,
                node=place.node,
                visit=place.visit,
                role=" + ".join(roles),
                model=" + ".join(dict.fromkeys(self._services.spec(role).name for role in roles)),
                size=len(self._calls),
                window=min(self._window, len(self._calls)),
            )
        )
