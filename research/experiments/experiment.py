"""An experiment from what was asked for to its evidence: checked, planned, stored, run, collected."""

from __future__ import annotations

from typing import Self

from ...core.answers import SymbolicWorker
from ...core.errors import NameTakenError, UnknownNameError
from ...core.records import ExperimentRecord, RunSpec
from ...runtime.session import Session
from ..graders.grade import GRADERS
from ..graders.grading import Grading
from ..tasks.item import Item, Split
from ..tasks.load import ItemSet
from ..tasks.opening import open_test
from .arms import arms_of
from .cap import Cap
from .collect import Collector
from .drafts import Drafts
from .estimate import ArmEstimate, History, estimate
from .failures import broken_by
from .plan import Plan, grow
from .records import Evidence
from .runner import Runner
from .spec import ExperimentSpec
from .standing import Standing
from .stored import by_run, evidence_of, load_problems


class Experiment:
    """What a command asks of an experiment, checked against what the store has of it. Made by :meth:`prepare`.

    Used as a context manager, for the process that judges symbolic equality.
    """

    def __init__(
        self, session: Session, spec: ExperimentSpec, found: ItemSet, drafts: Drafts, fresh: Plan, stored: ExperimentRecord | None
    ) -> None:
        """``fresh`` is the plan of the request alone, ``stored`` what there is under its name."""
        self.name = spec.title
        self.found = found
        self.drafts = drafts
        self._session = session
        self._spec = spec
        self._fresh = fresh
        self._settle(stored)
        self._worker = SymbolicWorker()
        self._grading = Grading(GRADERS.get(found.task.grader), self._worker.same)

    def _settle(self, stored: ExperimentRecord | None) -> None:
        """Plan and cells of the request on top of what is stored. Raises :class:`ConfigError` where they do not fit."""
        old = self._fresh if stored is None else Plan.read(stored.plan, self.name)
        self.plan, self.asked = grow(old, self._fresh, self.name)
        """The whole plan, and the arms of the request."""
        self.items: tuple[Item, ...] = self.found.items[: len(self.plan.problems)]
        """Of the whole plan."""
        self.cells = by_run(self.name, self.asked, self._spec.seeds, self.items[: self._spec.task.limit])
        """What is asked for, by the id of its run."""
        everything = by_run(self.name, [one.arm for one in self.plan.arms], self.plan.seeds, self.items)
        self._others = {run_id: cell for run_id, cell in everything.items() if run_id not in self.cells}

    @classmethod
    async def prepare(cls, session: Session, spec: ExperimentSpec) -> Self:
        """Check everything that can be wrong, before anything is stored or spent; a test split that is opened is recorded.

        Raises :class:`UsageError` for what cannot work and for what does not fit the experiment of that name in the store,
        :class:`SplitClosedError`, :class:`TaskError`, and :class:`UnreachableError` where no server answers.
        """
        opening = None if spec.task.open_test is None else open_test(spec.task.open_test)
        found = load_problems(spec.task, opening)
        if spec.task.split is Split.TEST and opening is not None:
            await session.store.record_opening(
                who=opening.who,
                task=found.task.name,
                fingerprint=found.fingerprint,
                experiment=spec.title,
                reason=opening.reason,
            )
        items = found.items[: spec.task.limit]
        drafts = Drafts(session)
        planned = [await drafts.planned(arm, items) for arm in arms_of(spec, session.settings.model)]
        fresh = Plan.of(spec, found, items, planned)
        experiment = cls(session, spec, found, drafts, fresh, await _stored(session, spec.title))
        if experiment.plan.cap is not None:
            for arm in experiment.asked:
                await drafts.require_prices(arm, items[0], experiment.plan.cap)
        await experiment._grading.check(experiment.items)
        return experiment

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._worker.close()

    async def runner(self, standing: Standing | None = None) -> Runner:
        """Store the plan; gives what runs it."""
        record = await self._enrol()
        cap = None
        if self.plan.cap is not None:
            cap = await Cap.of(self._session.store, record, self.plan.cap, self._session.settings.call_timeout)
        return Runner(
            self._session,
            self.name,
            self.cells,
            self._others,
            drafts=self.drafts,
            collector=Collector(self._grading, self._worker),
            cap=cap,
            in_flight=self._spec.in_flight,
            standing=standing,
        )

    async def _enrol(self) -> ExperimentRecord:
        """The experiment in the store, its plan grown by what is new. Where another process was faster, its plan is grown."""
        store = self._session.store
        stored = await _stored(self._session, self.name)
        if stored is None:
            try:
                return await store.create_experiment(self.name, self.plan.model_dump(mode="json"))
            except NameTakenError:
                stored = await store.experiment(self.name)
        self._settle(stored)
        plan = self.plan.model_dump(mode="json")
        return stored if plan == stored.plan else await store.update_experiment(self.name, plan)

    async def estimate(self) -> list[ArmEstimate]:
        """What the runs that have not ended yet will take, by arm; arms with nothing left to run are left out."""
        store = self._session.store
        ended = {one.run_id async for one in store.finished(self.name) if broken_by(one.result) is None}
        missing: dict[str, list[RunSpec]] = {}
        for run_id, cell in self.cells.items():
            if run_id not in ended:
                spec = await self.drafts.spec(cell, experiment=self.name, ledger=None)
                missing.setdefault(cell.arm.label, []).append(spec)
        history, timeout = await History.of(store), self._session.settings.call_timeout
        return [
            estimate(label, specs, history, call_timeout=timeout, in_flight=self._spec.in_flight)
            for label, specs in missing.items()
        ]

    def evidence(self, runner: Runner) -> Evidence:
        """All there is so far, of the whole plan."""
        return evidence_of(self.name, self.plan, self.items, self.found, list(runner.collected))


async def run_experiment(session: Session, spec: ExperimentSpec, *, standing: Standing | None = None) -> Evidence:
    """Run an experiment, or go on with it, and give its evidence.

    Whatever ends this early, a cancelled task included, is gone on with by calling it again: nothing is paid twice. Where the
    cap was reached, the evidence has fewer trials than were asked for.

    Args:
        session: open; its store keeps the runs.
        spec: what :func:`~.spec.read_spec` or :func:`~.spec.make_spec` gives.
        standing: told how far it is, to be looked at meanwhile.

    Raises:
        UsageError: the request cannot be carried out, or does not fit the experiment of that name in the store.
        ModelError: a model does not answer any more.
        StoreError: the store cannot be used.
    """
    async with await Experiment.prepare(session, spec) as experiment:
        runner = await experiment.runner(standing)
        await runner.run()
        if runner.error is not None:
            raise runner.error
        return experiment.evidence(runner)


async def _stored(session: Session, name: str) -> ExperimentRecord | None:
    try:
        return await session.store.experiment(name)
    except UnknownNameError:
        return None
