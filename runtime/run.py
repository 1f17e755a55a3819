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
from ..core.errors import LeaseLostError, StoreError
from ..core.events import CallFailed, Event, RunFinished, RunStarted, StrategyFinished
from ..core.model_spec import ModelSpec
from ..core.protocols import Gateway
from ..core.records import ControlKind, JournalEntry, Lease, RunRecord
from ..core.result import Result, RunState, Status, StopReason
from ..core.usage import Usage
from ..graphs.registry import STRATEGIES
from ..memory.store import Store
from .control import Control
from .journal import Journal
from .ledger import Ledger
from .results import build_result, warnings_about
from .scope import RunScope
from .services import Clock, EventLog, Listener, Services
from .shared_ledger import SharedLedger
from .telemetry import Telemetry, Watch

LEASE_SECONDS = 12.0
"""How long a process that stopped without a word keeps its runs: another one takes them over after that."""
_HEARTBEAT = 4.0
_POLL = 0.25


class Execution:
    """A run being executed by this process. Made by :class:`Session`; ``control`` pauses and stops it from outside."""

    def __init__(
        self,
        store: Store,
        record: RunRecord,
        *,
        lease: Lease | None,
        gateway: Gateway,
        models: Mapping[str, ModelSpec],
        judge: SymbolicWorker,
        call_timeout: float,
        listener: Listener | None,
        watch: Watch | None = None,
        begins_with: Sequence[JournalEntry] | None = None,
    ) -> None:
        """``begins_with`` is replayed instead of what the store holds of the run."""
        self._store = store
        self._record = record
        self._lease = lease
        self._gateway = gateway
        self._models = models
        self._judge = judge
        self._call_timeout = call_timeout
        self._listener = listener
        self._watch = watch
        self._begins_with = begins_with
        self._error: str | None = None
        self.control = Control()

    async def execute(self) -> Result:
        """Run to the end and store the result. Raises only what makes the run impossible (store, lease, divergence)."""
        services = await self._services()
        lease = self._lease
        if lease is None:
            return await self._decide(services)
        models = {role: model.name for role, model in self._models.items()}
        services.log.emit(RunStarted(index=lease.fence, strategy=self._record.spec.strategy, models=models))
        try:
            async with self._tended(lease, services):
                result = await self._decide(services)
            await self._finish(lease, result, services)
        except BaseException:
            # Whatever went wrong, the run stays resumable; an error of the store here would hide the first one.
            with contextlib.suppress(StoreError):
                await asyncio.shield(self._store.release(lease, RunState.INTERRUPTED, services.clock.elapsed()))
            raise
        return result

    async def _services(self) -> Services:
        record, lease = self._record, self._lease
        store = self._store
        failed = record.result is not None and record.result.status is Status.FAILED and lease is not None
        # A new run under its first lease has nothing from before: two questions to the store are spared.
        first = lease is not None and lease.fence == 1 and record.state is RunState.QUEUED and record.spec.forked_from is None
        past = [] if first else self._begins_with
        journal = Journal(
            await store.journal(record.id) if past is None else past,
            None if lease is None else lambda entries: store.record(lease, entries),
            forget_retryable=failed,
        )
        log = EventLog(
            () if first else await store.event_ids(record.id),
            None if lease is None else lambda events: store.append(lease, events),
            self._hear,
        )
        return Services(
            run_id=record.id,
            seed=record.spec.seed,
            models=self._models,
            prompts=record.spec.prompts,
            gateway=self._gateway,
            journal=journal,
            log=log,
            control=self.control,
            clock=Clock(max(record.elapsed, journal.elapsed)),
            judge=self._judge,
            call_timeout=self._call_timeout,
            telemetry=Telemetry(functools.partial(store.put_delta, record.id), self._watch) if self._watch else None,
        )

    def _hear(self, event: Event) -> None:
        if isinstance(event, CallFailed):
            self._error = event.failure.message
        if self._listener is not None:
            self._listener(event)

    async def _decide(self, services: Services) -> Result:
        spec = self._record.spec
        strategy = STRATEGIES.get(spec.strategy)
        async with self._ledger(services) as ledger:
            scope = RunScope(services, spec.strategy, ledger)
            outcome = await strategy.run(scope, spec.problem, strategy.configure(spec.config))
        # Numbered by the lease: a resumed run decides anew, and what it decided before it was stopped stays a fact.
        index = self._lease.fence if self._lease is not None else 0
        for warning in warnings_about(scope.path, index, outcome, services):
            scope.emit(warning)
        scope.emit(StrategyFinished(scope=scope.path, index=index, strategy=spec.strategy, outcome=outcome))
        return build_result(self._record.id, spec, outcome, services, self._error)

    @contextlib.asynccontextmanager
    async def _ledger(self, services: Services) -> AsyncIterator[Ledger]:
        """The run's ledger, with what the journal says was spent; under a shared one where the run names it."""
        spec, lease = self._record.spec, self._lease
        shared: SharedLedger | None = None
        if spec.ledger is not None and lease is not None:
            found = await self._store.ledger(spec.ledger)
            copied = spec.forked_from.usage if spec.forked_from is not None else Usage()
            shared = SharedLedger(found.caps, functools.partial(self._store.draw, lease, spec.ledger), copied)
        ledger = Ledger(spec.budget, shared)
        for role, usage in services.journal.charges():
            ledger.charge(usage)
            services.spend(role, usage)
        if shared is None:
            yield ledger
            return
        try:
            await shared.settle_up()
            yield ledger
        except BaseException:
            with contextlib.suppress(StoreError):  # it would hide the first error
                await asyncio.shield(shared.settle_up())
            raise
        await shared.settle_up()

    async def _finish(self, lease: Lease, result: Result, services: Services) -> None:
        state = RunState.INTERRUPTED if result.stop_reason is StopReason.STEERED else RunState.FINISHED
        reason, answer = result.stop_reason, result.answer
        services.log.emit(RunFinished(index=lease.fence, status=result.status, stop_reason=reason, answer=answer))
        await self._store.finish(lease, state, result, services.clock.elapsed())

    @contextlib.asynccontextmanager
    async def _tended(self, lease: Lease, services: Services) -> AsyncIterator[None]:
        """Keep the lease alive, read control rows and watch the deadline while the graph runs."""
        cap = self._record.spec.budget.seconds
        tenders = [asyncio.create_task(self._beat(lease)), asyncio.create_task(self._listen(lease))]
        if cap is not None:
            tenders.append(asyncio.create_task(self._expire(cap - services.clock.elapsed())))
        try:
            yield
        finally:
            for tender in tenders:
                tender.cancel()
            await asyncio.gather(*tenders, return_exceptions=True)

    async def _beat(self, lease: Lease) -> None:
        """Renew the lease. Once another process has it, every write of ours fails; the halt only spares useless calls."""
        while True:
            await asyncio.sleep(_HEARTBEAT)
            try:
                await self._store.heartbeat(lease, LEASE_SECONDS)
            except LeaseLostError:
                self.control.halt(StopReason.ERROR)
                return
            except StoreError:
                continue  # a store that stays unusable ends the run at its next journal entry

    async def _expire(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))
        self.control.halt(StopReason.DEADLINE)

    async def _listen(self, lease: Lease) -> None:
        """Carry out control rows."""
        while True:
            await asyncio.sleep(_POLL)
            with contextlib.suppress(StoreError):  # as for the lease
                for wish in await self._store.pending_controls(lease.run_id):
                    # False where it was taken back in the meantime.
                    if await self._store.consume_control(lease, wish.seq):
                        await self._obey(lease, wish.kind)

    async def _obey(self, lease: Lease, wish: ControlKind) -> None:
        if wish is ControlKind.STOP:
            self.control.halt(StopReason.STEERED)
        elif wish is ControlKind.PAUSE:
            self.control.pause()
            await self._store.set_state(lease, RunState.PAUSED)
        else:
            self.control.resume()
            await self._store.set_state(lease, RunState.RUNNING)
