"""A call of an embedding model by a run: within its budget, journaled, charged like any other.

As for a flight (:mod:`.flight`): the bound is held and committed as ``sent`` before the call leaves, and the vectors are
committed before they are used. A call that may have been charged is not repeated: it stays charged as lost.
"""

from __future__ import annotations

from typing import Any

from ..core.calls import CallFailure, EmbedReply, EmbedRequest
from ..core.errors import ModelError
from ..core.model_spec import ModelSpec
from ..core.records import EntryKind, EntryStatus, JournalEntry
from ..core.usage import Usage
from ..tools.context import ToolError
from .fit import upper_bound
from .flight import Place
from .journal import hash_json
from .ledger import Ledger
from .services import Services

ROLE = "embedder"
"""Under which it is accounted."""


class EmbedCall:
    """See the module's docstring. Used once."""

    def __init__(self, services: Services, ledger: Ledger, place: Place, spec: ModelSpec, request: EmbedRequest) -> None:
        self._services = services
        self._ledger = ledger
        self._key = place.key
        self._spec = spec
        self._asked = request
        self._request = {"model": spec.name, "texts": list(request.texts)}
        self._attempt = 0

    async def make(self) -> EmbedReply:
        """The vectors. Raises :class:`ToolError` where there is no budget for them, or the model gives none."""
        journal = self._services.journal
        entry = journal.find(self._key, hash_json(self._request))
        if entry is None:
            self._attempt = journal.next_attempt(self._key)
            (entry,) = await journal.record(await self._made())
        if entry.status is EntryStatus.FAILED:
            raise ToolError(CallFailure.model_validate(entry.response).message)
        return EmbedReply.model_validate(entry.response)

    async def _made(self) -> JournalEntry:
        services, spec = self._services, self._spec
        bound = upper_bound(spec, self._asked, self._asked.prompt_bound(), services.call_timeout)
        if bound.unpriced_calls and self._ledger.room().dollars is not None:
            raise ToolError(f"a search asks {spec.name}, whose price is unknown, and the budget is in dollars")
        reservation = await self._ledger.obtain(bound)
        if reservation is None:
            raise ToolError(f"the run has no budget left for a search, which asks {spec.name}")
        charge = Usage()
        try:
            await services.journal.record(self._entry(EntryStatus.SENT, charge=bound))
            charge = bound.as_lost()
            tag = f"{services.run_id}/{self._key}"
            reply = await services.gateway.embed(
                spec, self._asked, tag=tag, timeout=services.call_timeout, on_attempt=_only_if_free
            )
            charge = spec.cost(reply)
        except ModelError as error:
            charge = bound.as_lost() if error.billed else Usage()
            failure = CallFailure(code=error.code, message=str(error), retryable=error.retryable)
            return self._entry(EntryStatus.FAILED, charge=charge, response=failure.model_dump(mode="json"))
        finally:
            self._ledger.settle(reservation, charge)
            services.spend(ROLE, charge)
        return self._entry(EntryStatus.DONE, charge=charge, response=reply.model_dump(mode="json"))

    def _entry(self, status: EntryStatus, *, charge: Usage, response: Any = None) -> JournalEntry:
        return JournalEntry(
            key=self._key,
            attempt=self._attempt,
            kind=EntryKind.EFFECT,
            status=status,
            request_hash=hash_json(self._request),
            request=self._request,
            response=response,
            role=ROLE,
            model=self._spec.name,
            charge=charge,
            elapsed=self._services.clock.elapsed(),
        )


async def _only_if_free(error: ModelError | None) -> None:
    """Forbid another attempt after one that the provider may have charged."""
    if error is not None and error.billed:
        raise error
