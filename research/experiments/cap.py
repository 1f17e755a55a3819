"""The cap of a whole experiment: a ledger of the store that all its runs share, in whatever process."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

from ...core.budget import Budget
from ...core.errors import NameTakenError
from ...core.records import ExperimentRecord, RunSpec
from ...core.usage import Amounts
from ...memory.store import Store
from .bounds import most


class Cap:
    """Says whether what a run may take at most fits what is left."""

    def __init__(self, store: Store, ledger: str, call_timeout: float) -> None:
        self._store = store
        self.ledger = ledger
        self._call_timeout = call_timeout

    @classmethod
    async def of(cls, store: Store, experiment: ExperimentRecord, cap: str, call_timeout: float) -> Cap:
        """The cap of an experiment, made with its first run and changed to what it is now.

        The name of its ledger is made from the experiment's beginning: one of that name that was removed has left its own.

        Raises :class:`ConfigError` for a cap on what was not counted before.
        """
        ledger = f"{experiment.name}-{int(experiment.created_at * 1000):x}"
        with contextlib.suppress(NameTakenError):
            await store.create_ledger(ledger, Budget.parse(cap))
        await store.change_ledger(ledger, Budget.parse(cap))
        return cls(store, ledger, call_timeout)

    def bound(self, spec: RunSpec) -> Amounts:
        """What a run may take at most."""
        return most(spec, self._call_timeout)

    async def shortage(self, bound: Amounts, promised: Iterable[Amounts]) -> str | None:
        """What does not fit beside what is promised to others, for people; None where everything does."""
        found = await self._store.ledger(self.ledger)
        used = found.spent.plus(found.held).plus(found.lost)
        for others in promised:
            used = used.plus(others)
        short = []
        for kind, wanted in bound._asdict().items():
            cap = getattr(found.caps, kind)
            if cap is not None and wanted > cap - getattr(used, kind) + 1e-9:
                short.append(f"up to {wanted:,.6g} {kind}, where {max(0.0, cap - getattr(used, kind)):,.6g} are left")
        return ", ".join(short) or None

    async def others_hold(self) -> bool:
        """Whether a run that is being executed holds what it may give back."""
        return any((await self._store.ledger(self.ledger)).held)

    async def lost(self) -> bool:
        """Whether a process is gone that held something: its runs give it back once they are gone on with."""
        return any((await self._store.ledger(self.ledger)).lost)
