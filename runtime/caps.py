"""The caps of a run while it is executed: those that it was made with, as people have changed them since.

A change is journaled under its wish's number, so that whoever resumes the run goes on under the caps in force. Nothing that was
asked depends on it: what the caps cut off is journaled where it was cut. A fork has caps of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable, Iterator

from ..core.base import Frozen
from ..core.budget import Budget
from ..core.events import Controlled
from ..core.records import ControlRecord, EntryKind, EntryStatus, JournalEntry
from ..core.result import StopReason
from .control import Control
from .journal import hash_json
from .ledger import Ledger
from .services import Clock

_PREFIX = "/retune.0."
"""Of journal keys: no strategy has the empty path."""


class Retuned(Frozen):
    """A change of the caps, as journaled."""

    control: int
    author: str
    caps: Budget
    """All caps from then on."""

    @property
    def event(self) -> Controlled:
        """Tells of it."""
        return Controlled(index=self.control, kind="retune", author=self.author, budget=self.caps)


def retunes(entries: Iterable[JournalEntry]) -> list[Retuned]:
    """The changes that a journal holds, in order."""
    return [Retuned.model_validate(entry.response) for entry in entries if is_retune(entry)]


def is_retune(entry: JournalEntry) -> bool:
    """Whether a journal entry is a change of the caps."""
    return entry.kind is EntryKind.EFFECT and entry.key.startswith(_PREFIX)


def in_force(budget: Budget, entries: Iterable[JournalEntry]) -> Budget:
    """The caps of a run that was made with ``budget``, after what its journal holds."""
    changes = retunes(entries)
    return changes[-1].caps if changes else budget


def merged(caps: Budget, changes: Budget) -> Budget:
    """``caps`` with those of ``changes`` that are given."""
    return caps.model_copy(update=changes.model_dump(exclude_none=True))


class Caps:
    """See the module's docstring. One for each execution of a run; what they hold back is its ledger's and its deadline's."""

    def __init__(self, budget: Budget, control: Control, clock: Clock) -> None:
        self.now = budget
        self._control = control
        self._clock = clock
        self._ledger: Ledger | None = None
        self._deadline: asyncio.TimerHandle | None = None

    def hold_for(self, ledger: Ledger) -> None:
        """From now on a change is this ledger's, too. It has the caps of now already."""
        self._ledger = ledger

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Halt the run when its seconds are used up, while the block lasts."""
        self._set_deadline()
        try:
            yield
        finally:
            self._forget_deadline()

    def change(self, caps: Budget) -> None:
        """Put other caps in force. What is spent stays spent, and calls in flight go on, even beyond a lower cap."""
        self.now = caps
        if self._ledger is not None:
            self._ledger.change(caps)
        self._set_deadline()

    def entry(self, wish: ControlRecord, caps: Budget) -> JournalEntry:
        """What is journaled of a wish that puts ``caps`` in force."""
        request = {"control": wish.seq}
        return JournalEntry(
            key=f"{_PREFIX}{wish.seq}",
            kind=EntryKind.EFFECT,
            status=EntryStatus.DONE,
            request_hash=hash_json(request),
            request=request,
            response=Retuned(control=wish.seq, author=wish.author, caps=caps).model_dump(mode="json"),
            elapsed=self._clock.elapsed(),
        )

    def _set_deadline(self) -> None:
        self._forget_deadline()
        if self.now.seconds is not None:
            left = max(0.0, self.now.seconds - self._clock.elapsed())
            self._deadline = asyncio.get_running_loop().call_later(left, self._control.halt, StopReason.DEADLINE)

    def _forget_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
