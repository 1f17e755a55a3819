"""Running an experiment: every cell is one run of the store, many at a time, and what has ended is never run again.

What must stay true:

* The store is the one memory. Whatever ends this process, the same command goes on from there, to the call.
* Several processes may run one experiment: a cell that another one executes is left to it, and read when it has ended.
* A run begins only if what it may take at most fits the experiment's cap, so that the cap cuts no run short.
* Of a run that ended only its trial and samples are kept in memory.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, deque
from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum

from ...core.errors import BudgetExhaustedError, ConfigError, LeaseHeldError, LeaseLostError, ModelError, NameTakenError
from ...core.events import Event, RunStarted
from ...core.records import RunRecord, RunSpec
from ...core.result import Result, RunState, StopReason
from ...core.usage import Amounts
from ...runtime.control import Control
from ...runtime.session import Session
from .arms import Cell
from .cap import Cap
from .collect import Collected, Collector
from .drafts import Drafts
from .failures import broken_by, concerns_all, gone
from .lanes import Lanes
from .standing import Standing

IN_A_ROW = 5
"""So many runs of one model that fail one after the other: it is gone, and the experiment stops."""
GRACE = 10.0
"""Seconds that a soft stop leaves calls in flight."""
_POLL = 0.5


class Ending(StrEnum):
    """Why no further run is begun."""

    COMPLETE = "complete"
    """Every run that was asked for has ended, or failed."""
    STOPPED = "stopped"
    CAP = "cap"
    """The next one may take more than the cap leaves."""
    GONE = "gone"
    """A model does not answer any more."""


class Runner:
    """See the module's docstring. Used once.

    Args:
        session: open, with the store that holds the experiment.
        name: the experiment, which is there already.
        cells: what is asked for by the id of its run, in the order in which it is begun.
        others: further cells of the experiment, whose runs are evidence where they have ended.
        drafts: what the runs are made of.
        collector: what grades them.
        cap: of the whole experiment.
        in_flight: runs under way at a time; None keeps the models' endpoints busy.
        standing: told how far it is.
    """

    def __init__(
        self,
        session: Session,
        name: str,
        cells: Mapping[str, Cell],
        others: Mapping[str, Cell],
        *,
        drafts: Drafts,
        collector: Collector,
        cap: Cap | None = None,
        in_flight: int | None = None,
        standing: Standing | None = None,
    ) -> None:
        self._session = session
        self._name = name
        self._cells = cells
        self._others = others
        self._drafts = drafts
        self._collector = collector
        self._cap = cap
        self._lanes = Lanes(in_flight)
        self.standing = standing or Standing()
        self._found: dict[str, Collected] = {}
        self._later: deque[str] = deque()
        """Cells that another process executes, or that did not fit the cap when they were to begin."""
        self._put_off: set[str] = set()
        self._looked = 0
        """How many of these are to be looked at before the next pause."""
        self._promised: dict[str, Amounts] = {}
        """What runs that just begin will hold of the cap."""
        self._controls: set[Control] = set()
        self._in_a_row: Counter[str] = Counter()
        self._began = time.time()
        self.ending: Ending | None = None
        """None while it goes on."""
        self.why = ""
        """A sentence about the ending."""
        self.error: ModelError | None = None
        """What a model that is gone answered at last."""

    async def run(self) -> Ending:
        """Run what is missing. Raises :class:`StoreError`, :class:`EngineError`, :class:`ReplayDiverged`."""
        await self._recall()
        try:
            async with asyncio.TaskGroup() as flights:
                await self._dispatch(flights)
        except BaseExceptionGroup as group:
            raise _first(group) from None
        self.ending = self.ending or Ending.COMPLETE
        return self.ending

    def halt(self, reason: StopReason = StopReason.STEERED) -> None:
        """Begin nothing more. Calls in flight get :data:`GRACE` seconds to come back; what is cut off can be resumed."""
        if self.ending is Ending.STOPPED:
            return
        self._end(Ending.STOPPED)
        for control in self._controls:
            control.pause()
        asyncio.get_running_loop().call_later(GRACE, self._halt_all, reason)

    @property
    def collected(self) -> Collection[Collected]:
        """What is kept of the runs that ended, of those that were asked for and the others."""
        return self._found.values()

    async def _recall(self) -> None:
        """Collect what ended before; runs that failed are run again, if they are asked for."""
        for one in self._cells.values():
            self.standing.expect(one.arm.label)
        async for ended in self._session.store.finished(self._name):
            asked = ended.run_id in self._cells
            cell = self._cells.get(ended.run_id) or self._others.get(ended.run_id)
            if cell is not None and not (asked and broken_by(ended.result) is not None):
                await self._keep(cell, ended.result)
        self.standing.found = self.standing.settled

    async def _dispatch(self, flights: asyncio.TaskGroup) -> None:
        """Begin one cell after the other as there is room; leave once nothing more is to begin."""
        queue = iter([run_id for run_id in self._cells if run_id not in self._found])
        while (run_id := await self._next(queue)) is not None:
            cell = self._cells[run_id]
            spec = await self._drafts.spec(cell, experiment=self._name, ledger=self._cap.ledger if self._cap else None)
            bound = self._cap.bound(spec) if self._cap is not None else None
            if bound is not None and not await self._fits(run_id, bound):
                break
            if bound is not None:
                self._promised[run_id] = bound
            weight = self._lanes.enter(cell.arm.label, spec)
            self.standing.running += 1
            flights.create_task(self._fly(run_id, spec, bound, weight))

    async def _next(self, queue: Iterator[str]) -> str | None:
        """The next cell to look at, once there is room for it. Those put off come last, again until they are settled."""
        while self.ending is None:
            if not self._lanes.open:
                await self._lanes.change()
            elif (run_id := next(queue, None)) is not None:
                return run_id
            elif self._later:
                if self._looked == 0:
                    await asyncio.sleep(_POLL)
                    self._looked = len(self._later)
                self._looked -= 1
                return self._later.popleft()
            elif self._lanes.busy:
                await self._lanes.change()
            else:
                return None
        return None

    async def _fits(self, run_id: str, bound: Amounts) -> bool:
        """Wait while others may give back what is missing; False where the cap leaves too little or all is to end.

        What a process held that was killed stays charged until its runs are gone on with: so these are tried all the same.
        """
        while self._cap is not None and self.ending is None:
            shortage = await self._cap.shortage(bound, self._promised.values())
            if shortage is None:
                return True
            if self._lanes.busy:
                await self._lanes.change(_POLL)
            elif await self._cap.others_hold():
                await asyncio.sleep(_POLL)
            elif run_id not in self._put_off and await self._cap.lost():
                return True
            else:
                self._end(Ending.CAP, f"a run of {self._cells[run_id].arm.label} may take {shortage}")
        return False

    async def _fly(self, run_id: str, spec: RunSpec, bound: Amounts | None, weight: int) -> None:
        """Execute a cell, or read what another process made of it; put it off where that one is still at work."""
        try:
            result = await self._result(run_id, spec, bound)
        except (LeaseHeldError, LeaseLostError, BudgetExhaustedError):
            self._put_off.add(run_id)
            self._later.append(run_id)
        else:
            if result.stop_reason is not StopReason.STEERED:
                await self._ended(self._cells[run_id], result)
        finally:
            self._promised.pop(run_id, None)
            self.standing.running -= 1
            self._lanes.leave(weight)

    async def _result(self, run_id: str, spec: RunSpec, bound: Amounts | None) -> Result:
        """The result of a cell's run. Raises :class:`LeaseHeldError`, :class:`LeaseLostError`, :class:`BudgetExhaustedError`."""

        def hear(event: Event) -> None:
            self.standing.hear(event)
            if not isinstance(event, RunStarted):
                self._promised.pop(run_id, None)  # held of the ledger before the first call

        execution = None
        if run_id not in self._put_off:
            with contextlib.suppress(NameTakenError):
                execution = await self._session.begin(spec, run_id=run_id, listener=hear, reserve=bound)
        if execution is None:
            record = await self._known(run_id, spec)
            result = record.result if record.state is RunState.FINISHED else None
            if result is not None and (broken_by(result) is None or record.updated_at >= self._began):
                return result  # another process may have tried in vain meanwhile: so both end with the same
            if record.owner is not None:  # taking the lease could succeed all the same, right after it was given back
                raise LeaseHeldError(f"run {run_id} is being executed by {record.owner}")
            execution = await self._session.execution(record, listener=hear, again=result is not None, reserve=bound)
        self._controls.add(execution.control)
        if self.ending is Ending.STOPPED:
            execution.control.halt(StopReason.STEERED)
        try:
            return await execution.execute()
        finally:
            self._controls.discard(execution.control)

    async def _known(self, run_id: str, spec: RunSpec) -> RunRecord:
        """The cell's run, of an earlier try, another process, or from before the experiment."""
        record = await self._session.store.run(run_id)
        _require_same(record, spec)
        if record.spec.experiment is None:
            await self._session.store.adopt_run(self._name, run_id)
        return record

    async def _ended(self, cell: Cell, result: Result) -> None:
        code = broken_by(result)
        await self._keep(cell, result)
        model = result.models["policy"]
        if code is None or not concerns_all(code):
            self._in_a_row[model] = 0
            return
        self._in_a_row[model] += 1
        if self._in_a_row[model] == IN_A_ROW and self.ending is None:
            self.error = gone(model, code, IN_A_ROW, result.error)
            self._end(Ending.GONE, self.error.message)

    async def _keep(self, cell: Cell, result: Result) -> None:
        one = self._found[result.run_id] = await self._collector.collect(cell, result)
        if result.run_id in self._cells:
            self.standing.ended(one.trial, broken_by(result))

    def _end(self, ending: Ending, why: str = "") -> None:
        self.ending, self.why = ending, why
        self._lanes.wake()

    def _halt_all(self, reason: StopReason) -> None:
        for control in self._controls:
            control.halt(reason)


def _require_same(record: RunRecord, spec: RunSpec) -> None:
    """Raise :class:`ConfigError` where the store has something else under the id of a cell's run."""
    for what in ("strategy", "config", "seed", "prompts"):
        if getattr(record.spec, what) != getattr(spec, what):
            raise ConfigError(f"run {record.id} is there already, with another {what}", hint="give the experiment another name")
    models = [{role: model.name for role, model in each.models.items()} for each in (record.spec, spec)]
    if models[0] != models[1]:
        raise ConfigError(f"run {record.id} is there already, with other models", hint="give the experiment another name")


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
