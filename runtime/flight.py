"""A flight: one call of a wave, from its reservation to its landing.

Order of commitments: the reservation is held, the intent is committed as ``sent`` (with the reserved bound as its charge) right
before each attempt leaves, and the result is committed before it is used. Whenever the process dies, the journal therefore
says of every call that it was finished, may have been made, or was never sent.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, TypedDict

from ..core.calls import CallFailure, CallResult, LabelRequest, ModelCall, Reply, ScoreReply, ScoreRequest
from ..core.errors import BudgetExhaustedError, ModelError, SymposiaError, UsageError
from ..core.events import CallFailed, CallFinished, Warned
from ..core.model_spec import ModelSpec
from ..core.records import EntryKind, EntryStatus, JournalEntry
from ..core.usage import Usage
from .failpoints import pass_point
from .ledger import Ledger, Reservation
from .services import Services


@dataclass(frozen=True)
class Place:
    """Where in the run a call belongs."""

    path: str
    node: str
    visit: int
    index: int = 0

    def at(self, index: int) -> Place:
        """The place of another call of the same wave."""
        return Place(self.path, self.node, self.visit, index)

    @property
    def key(self) -> str:
        """The journal key."""
        return f"{self.path}/{self.node}.{self.visit}.{self.index}"


class _At(TypedDict):
    """A place as the fields of an event."""

    scope: str
    node: str
    visit: int
    index: int


class Flight:
    """See the module's docstring. ``request_hash`` is of the request as asked, ``call`` holds it as clamped."""

    def __init__(
        self, services: Services, ledger: Ledger, place: Place, request_hash: str, call: ModelCall, reservation: Reservation
    ) -> None:
        self._services = services
        self._ledger = ledger
        self._place = place
        self._hash = request_hash
        self._call = call
        self._reservation: Reservation | None = reservation
        self._attempt = services.journal.next_attempt(place.key)
        self._sent = False
        self._charge: Usage | None = None
        self.task = asyncio.create_task(self._perform())

    def settle(self) -> None:
        """Replace the reservation by what the call did cost; without a known cost it stays charged if it was sent."""
        if self._reservation is None:
            return
        if self._charge is None and self._sent:
            self._charge = self._reservation.bound.as_lost()
        charge = self._charge or Usage()
        self._ledger.settle(self._reservation, charge)
        self._services.spend(self._call.role, charge)
        self._reservation = None

    async def cancel(self) -> None:
        """Cancel the call at the server and settle. A reply that is here already is committed all the same."""
        if self._charge is None:
            self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.settle()

    async def _perform(self) -> CallResult:
        services = self._services
        spec = services.spec(self._call.role)
        try:
            reply = await self._asked(spec)
        except (ModelError, BudgetExhaustedError, UsageError) as error:
            # Not StoreError: a journal that cannot be written ends the run, it is no failure of a call.
            return await self._fail(error)
        pass_point("replied")
        self._forget_text()
        self._charge = spec.cost(reply)
        (entry,) = await services.journal.record(self._entry(EntryStatus.DONE, response=reply.model_dump(mode="json")))
        return announce(services, self._place, self._call.role, entry)

    async def _asked(self, spec: ModelSpec) -> Reply | ScoreReply:
        services, request, key = self._services, self._call.request, self._place.key
        tag, timeout = f"{services.run_id}/{key}", services.call_timeout
        if isinstance(request, ScoreRequest):
            return await services.gateway.score(spec, request, tag=tag, timeout=timeout, on_attempt=self._before_attempt)
        if isinstance(request, LabelRequest):
            return await services.gateway.labels(spec, request, tag=tag, timeout=timeout, on_attempt=self._before_attempt)
        on_text = services.telemetry.ear(key) if services.telemetry else None
        return await services.gateway.complete(
            spec, request, tag=tag, timeout=timeout, on_attempt=self._before_attempt, on_text=on_text
        )

    async def _before_attempt(self, previous: ModelError | None) -> None:
        """Commit the intent. After an attempt that may have been billed: charge that as lost and reserve anew, or refuse."""
        self._forget_text()
        if previous is not None and not previous.billed:
            return
        entries = []
        if previous is not None and self._reservation is not None:
            bound = self._reservation.bound
            entries.append(self._entry(EntryStatus.LOST))
            self.settle()
            self._charge, self._sent = None, False
            self._attempt += 1
            self._reservation = await self._ledger.obtain(bound)
        if self._reservation is not None:
            entries.append(self._entry(EntryStatus.SENT))
            self._sent = True
        await self._services.journal.record(*entries)
        if self._reservation is None:
            raise BudgetExhaustedError(f"no budget is left to repeat a call that broke off: {previous}")

    async def _fail(self, error: SymposiaError) -> CallResult:
        """Commit a failure for good. Only an attempt that may have been billed stays charged."""
        self._forget_text()
        if self._reservation is not None:
            billed = self._sent and isinstance(error, ModelError) and error.billed
            self._charge = self._reservation.bound.as_lost() if billed else Usage()
        failure = CallFailure(code=error.code, message=str(error), retryable=error.retryable)
        failed = self._entry(EntryStatus.FAILED, response=failure.model_dump(mode="json"))
        (entry,) = await self._services.journal.record(failed)
        return announce(self._services, self._place, self._call.role, entry)

    def _forget_text(self) -> None:
        if self._services.telemetry is not None:
            self._services.telemetry.forget(self._place.key)

    def _entry(self, status: EntryStatus, response: Any = None) -> JournalEntry:
        bound = self._reservation.bound if self._reservation else Usage()
        return JournalEntry(
            key=self._place.key,
            attempt=self._attempt,
            kind=EntryKind.CALL,
            status=status,
            request_hash=self._hash,
            request=self._call.request.model_dump(mode="json"),
            response=response,
            role=self._call.role,
            model=self._services.spec(self._call.role).name,
            charge=bound if self._charge is None else self._charge,
            elapsed=self._services.clock.elapsed(),
        )


def announce(services: Services, place: Place, role: str, entry: JournalEntry) -> CallResult:
    """Turn a finished entry, new or from before, into a result and its events; known events are dropped by the log."""
    at = _At(scope=place.path, node=place.node, visit=place.visit, index=place.index)
    if entry.status is EntryStatus.FAILED:
        failure = CallFailure.model_validate(entry.response)
        services.log.emit(CallFailed(**at, role=role, model=entry.model, failure=failure))
        return CallResult(index=place.index, key=entry.key, failure=failure)
    scored = "steps" in entry.request
    reply = (ScoreReply if scored else Reply).model_validate(entry.response)
    charge = entry.charge
    services.log.emit(
        CallFinished(
            **at,
            role=role,
            model=reply.model,
            choices=len(reply.choices) if isinstance(reply, Reply) else 0,
            prompt_tokens=charge.prompt_tokens,
            cached_tokens=charge.cached_tokens,
            completion_tokens=charge.completion_tokens,
            dollars=None if charge.unpriced_calls else charge.dollars,
            seconds=reply.seconds,
        )
    )
    if isinstance(reply, ScoreReply):
        return CallResult(index=place.index, key=entry.key, scored=reply)
    asked = entry.request.get("n", 0)  # a label request is answered in full or fails
    if len(reply.choices) < asked:
        message = f"{reply.model} returned {len(reply.choices)} of {asked} samples; the vote goes on with these"
        services.log.emit(Warned(**at, code="fewer_samples", message=message))
    return CallResult(index=place.index, key=entry.key, reply=reply)
