"""The desk of a run that this process executes: where the wishes of people arrive and are carried out.

Each kind has its own time. Pause, resume, stop and retune are taken up as soon as they are seen, and hold before the next call;
a note waits for the next wave that writes (:mod:`.steering`), a word for the tool's call that it is about, and what is queued for
the answer (:mod:`.queueing`).
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

from ..core.errors import ConfigError
from ..core.events import Controlled, Warned
from ..core.records import ControlKind, ControlRecord, Lease, Verdict
from ..core.result import StopReason
from ..memory.store import Store
from .caps import Caps, Retuned, merged
from .casting import require_prices
from .services import Services


class Desk:
    """See the module's docstring. One for each execution of a run."""

    def __init__(self, store: Store, lease: Lease, services: Services, caps: Caps) -> None:
        self.control = services.control
        self._store = store
        self._lease = lease
        self._services = services
        self._caps = caps

    async def look(self) -> None:
        """Before the first call of a run that waited: take up what was asked meanwhile and holds for all of it."""
        asked = await self._store.pending_controls(self._lease.run_id)
        await self.obey([wish for wish in asked if wish.kind in {ControlKind.STEER, ControlKind.RETUNE}])

    async def obey(self, wishes: Sequence[ControlRecord]) -> None:
        """Carry out all that is pending, oldest first, as far as its time has come."""
        self._services.steering.pending = [wish for wish in wishes if wish.kind is ControlKind.STEER]
        for wish in wishes:
            if wish.kind is ControlKind.RETUNE:
                await self._retune(wish)
            elif wish.kind is ControlKind.RESPOND:
                await self._answer(wish)
            elif wish.kind not in {ControlKind.STEER, ControlKind.QUEUE}:
                await self._turn(wish)

    async def _turn(self, wish: ControlRecord) -> None:
        """Pause, resume, stop."""
        if not await self._store.consume_control(self._lease, wish.seq):
            return  # taken back in the meantime
        kind, tell = wish.kind, functools.partial(Controlled, index=wish.seq, author=wish.author)
        if kind is ControlKind.STOP:
            self._services.log.emit(tell(kind="stop"))
            self.control.halt(StopReason.STEERED)
        elif kind is ControlKind.RESUME:
            self._services.log.emit(tell(kind="resume"))
            self.control.resume()
        else:
            now = kind is ControlKind.PAUSE_NOW
            self._services.log.emit(tell(kind="pause_now" if now else "pause"))
            self.control.pause(now=now)

    async def _answer(self, wish: ControlRecord) -> None:
        """Pass on a word on a tool's call."""
        said = wish.response
        if said is not None and not self.control.asks_about(said.about):
            return  # said before the call is reached, as in a run that was broken off: it is taken up then
        if await self._store.consume_control(self._lease, wish.seq) and said is not None:
            self.control.decide(said.about, Verdict(approve=said.approve, note=said.note, author=wish.author))

    async def _retune(self, wish: ControlRecord) -> None:
        """Change the caps, unless they could not be kept."""
        services = self._services
        caps = merged(self._caps.now, wish.budget) if wish.budget is not None else self._caps.now
        try:
            require_prices(caps, services.models, services.tools)
        except ConfigError as error:
            if await self._store.consume_control(self._lease, wish.seq):
                message = f"the budget stays {self._caps.now}: {error}"
                services.log.emit(Warned(node="retune", index=wish.seq, code="retune_refused", message=message))
            return
        entry = self._caps.entry(wish, caps)
        stored = await self._store.take_up(self._lease, [wish.seq], lambda _taken: entry)
        if stored is not None:
            services.journal.learn(stored)
            self._caps.change(caps)
            services.log.emit(Retuned.model_validate(stored.response).event)
