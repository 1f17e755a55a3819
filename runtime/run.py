"""One execution of a run: from taking the lease to storing the result.

The same code executes a new run, resumes an interrupted one (the graph runs from its input on the journal and goes on live
where it ends) and replays a finished one (no lease, no gateway, nothing is written).
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import AsyncIterator, Mapping, Sequence

from ..core.answers import SymbolicWorker
from ..core.errors import BudgetExhaustedError, StoreError
from ..core.events import RunFinished, RunStarted, StrategyFinished
from ..core.model_spec import ModelSpec
from ..core.protocols import Gateway
from ..core.records import JournalEntry, Lease, RunRecord
from ..core.result import Result, RunState, Status, StopReason
from ..core.usage import Amounts, Usage
from ..graphs.registry import STRATEGIES
from ..memory.store import Store
from .caps import Caps, in_force, retunes
from .control import Control
from .desk import Desk
from .journal import Journal
from .ledger import Ledger
from .results import build_result, warnings_about
from .scope import RunScope
from .services import Clock, EventLog, Listener, Services
from .shared_ledger import SharedLedger
from .steering import Steering
from .telemetry import Telemetry, Watch
from .tending import Tender
from .workshop import Workshop

_NEW = {RunState.QUEUED, RunState.RUNNING}
"""States, under its first lease, of a run that is executed for the first time. One that was imported is interrupted instead."""


class Execution:
    """A run being executed by this process. Made by :class:`Session`; ``control`` pauses and stops it from outside."""

    def __init__(
        self,
        store: Store,
        record: RunRecord,
        *,
        lease: Lease | None,
        gateway: Gateway,
        tender: Tender,
        models: Mapping[str, ModelSpec],
        workshop: Workshop,
        judge: SymbolicWorker,
        call_timeout: float,
        listener: Listener | None,
        watch: Watch | None = None,
        begins_with: Sequence[JournalEntry] | None = None,
        again: bool = False,
        reserve: Amounts | None = None,
    ) -> None:
        """``begins_with`` is replayed instead of what the store holds of the run.

        With ``again``, calls of a run that ended are made anew where they failed in a way that may pass. ``reserve`` is held
        of the run's shared ledger from before its first call; where it does not fit, the run raises BudgetExhaustedError.
        """
        self._store = store
        self._record = record
        self._lease = lease
        self._gateway = gateway
        self._tender = tender
        self._models = models
        self._workshop = workshop
        self._judge = judge
        self._call_timeout = call_timeout
        self._listener = listener
        self._watch = watch
        self._begins_with = begins_with
        self._again = again
        self._reserve = reserve
        self.control = Control()

    async def execute(self) -> Result:
        """Run to the end and store the result. Raises only what makes the run impossible (store, lease, divergence)."""
        services = await self._services()
        caps = Caps(in_force(self._record.spec.budget, services.journal.past), self.control, services.clock)
        lease = self._lease
        if lease is None:
            return await self._decide(services, caps)
        models = {role: model.name for role, model in self._models.items()}
        services.log.emit(RunStarted(index=lease.fence, strategy=self._record.spec.strategy, models=models))
        try:
            desk = Desk(self._store, lease, services, caps)
            with caps.watched(), self._tender.tending(lease, desk):
                if self._waited:
                    await desk.look()
                result = await self._decide(services, caps)
            await self._finish(lease, result, services)
        except BaseException:
            # Whatever went wrong, the run stays resumable; an error of the store here would hide the first one.
            with contextlib.suppress(StoreError):
                await asyncio.shield(self._store.release(lease, RunState.INTERRUPTED, services.clock.elapsed()))
            raise
        return result

    @property
    def _waited(self) -> bool:
        """Whether the run was there before this execution of it, so that something may have been asked of it."""
        begun = self._record.state is RunState.RUNNING and self._lease is not None and self._lease.fence == 1
        return not begun

    async def _services(self) -> Services:
        record, lease = self._record, self._lease
        store = self._store
        failed = record.result is not None and (self._again or record.result.status is Status.FAILED) and lease is not None
        # A new run under its first lease has nothing from before: two questions to the store are spared.
        first = lease is not None and lease.fence == 1 and record.state in _NEW and record.spec.forked_from is None
        past = [] if first else self._begins_with
        journal = Journal(
            await store.journal(record.id) if past is None else past,
            None if lease is None else lambda entries: store.record(lease, entries),
            forget_retryable=failed,
        )
        log = EventLog(
            () if first else await store.event_ids(record.id),
            None if lease is None else lambda events: store.append(lease, events),
            self._listener,
        )
        clock = Clock(max(record.elapsed, journal.elapsed))
        take_up = None if lease is None else functools.partial(store.take_up, lease)
        return Services(
            run_id=record.id,
            seed=record.spec.seed,
            models=self._models,
            prompts=record.spec.prompts,
            gateway=self._gateway,
            journal=journal,
            log=log,
            control=self.control,
            clock=clock,
            steering=Steering(record.id, journal, log, clock, take_up),
            workshop=self._workshop,
            tools=record.spec.tools,
            sandbox=record.spec.sandbox,
            judge=self._judge,
            call_timeout=self._call_timeout,
            telemetry=Telemetry(functools.partial(store.put_delta, record.id), self._watch) if self._watch else None,
        )

    async def _decide(self, services: Services, caps: Caps) -> Result:
        spec = self._record.spec
        strategy = STRATEGIES.get(spec.strategy)
        for change in retunes(services.journal.past):
            services.log.emit(change.event)
        async with self._ledger(services, caps) as ledger:
            scope = RunScope(services, spec.strategy, ledger)
            outcome = await strategy.run(scope, spec.problem, strategy.configure(spec.config))
        # Numbered by the lease: a resumed run decides anew, and what it decided before it was stopped stays a fact.
        index = self._lease.fence if self._lease is not None else 0
        for warning in warnings_about(scope.path, index, outcome, services):
            scope.emit(warning)
        scope.emit(StrategyFinished(scope=scope.path, index=index, strategy=spec.strategy, outcome=outcome))
        return build_result(self._record.id, spec, outcome, services)

    @contextlib.asynccontextmanager
    async def _ledger(self, services: Services, caps: Caps) -> AsyncIterator[Ledger]:
        """The run's ledger, with what the journal says was spent; under a shared one where the run names it."""
        spec, lease = self._record.spec, self._lease
        shared: SharedLedger | None = None
        if spec.ledger is not None and lease is not None:
            found = await self._store.ledger(spec.ledger)
            copied = spec.forked_from.usage if spec.forked_from is not None else Usage()
            shared = SharedLedger(found.caps, functools.partial(self._store.draw, lease, spec.ledger), copied)
        ledger = Ledger(caps.now, shared)
        caps.hold_for(ledger)
        for role, usage in services.journal.charges():
            ledger.charge(usage)
            services.spend(role, usage)
        if shared is None:
            yield ledger
            return
        try:
            await shared.settle_up()
            await self._secure(shared)
            yield ledger
        except BaseException:
            with contextlib.suppress(StoreError):  # it would hide the first error
                await asyncio.shield(shared.settle_up())
            raise
        await shared.settle_up()

    async def _secure(self, shared: SharedLedger) -> None:
        if self._reserve is not None and not await shared.secure(self._reserve):
            ledger = self._record.spec.ledger
            raise BudgetExhaustedError(f"what the run may take at most does not fit what is left of the ledger {ledger}")

    async def _finish(self, lease: Lease, result: Result, services: Services) -> None:
        state = RunState.INTERRUPTED if result.stop_reason is StopReason.STEERED else RunState.FINISHED
        reason, answer = result.stop_reason, result.answer
        services.log.emit(RunFinished(index=lease.fence, status=result.status, stop_reason=reason, answer=answer))
        await self._store.finish(lease, state, result, services.clock.elapsed())
