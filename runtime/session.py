"""A session: configuration, store, gateway, catalogue and engines, opened once and used for many runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..core.answers import SymbolicWorker
from ..core.budget import Budget
from ..core.errors import ConfigError, ReplayDiverged, StoreError, UnknownNameError
from ..core.model_spec import ModelSpec
from ..core.problem import AnswerKind, Message, Problem
from ..core.protocols import Gateway
from ..core.records import JournalEntry, Lease, RunRecord, RunSpec
from ..core.result import Result, RunState, Status
from ..core.retrieval import Embedder
from ..core.sandbox import Sandbox
from ..core.usage import Amounts
from ..memory.store import Store, this_process
from ..models.catalogue import Catalogue
from ..models.gateway import ModelGateway, RetryPolicy
from ..tools.tool import ToolError
from .caps import in_force
from .fork import origin, part_of, part_until_event, part_until_key
from .journal import JournalEnded
from .library import Library, Models
from .planning import Planner
from .run import Execution
from .services import Listener
from .settings import LoadedSettings, load_settings
from .staff import Notify, Staff
from .team import Team
from .telemetry import Watch
from .tending import LEASE_SECONDS, Tender
from .toolshed import Toolshed
from .workshop import Workshop


class Session:
    """Use as ``async with Session() as session``. Everything it opens or starts is closed with it.

    Args:
        settings: what :func:`load_settings` gives; read from the usual places by default.
        store: path or URL of the store; ``:memory:`` keeps nothing.
        gateway: the door to models; tests pass one with a scripted transport.
        models: catalogue entries beside the shipped ones and the user's.
        sandbox: used instead of the configured one; tests pass a scripted one.
        embedders: known by their names beside ``wordllama`` and the models that embed.
        notify: told in one line which model was chosen or started, and why.
    """

    def __init__(
        self,
        *,
        settings: LoadedSettings | None = None,
        store: str | Path | None = None,
        gateway: Gateway | None = None,
        models: Mapping[str, ModelSpec] | None = None,
        sandbox: Sandbox | None = None,
        embedders: Sequence[Embedder] = (),
        notify: Notify = lambda _line: None,
    ) -> None:
        self.settings = (settings or load_settings()).settings
        self._store_place = store or self.settings.store
        self._gateway = gateway or ModelGateway(
            retry=RetryPolicy(max_attempts=self.settings.max_attempts), call_timeout=self.settings.call_timeout
        )
        self._models = dict(models or {})
        self._notify = notify
        self._store: Store | None = None
        self.library = Library(self.settings, lambda: self.store, Models(lambda: self.staff, self._gateway), embedders)
        """The documents: corpora with their embedders."""
        self._workshop = Workshop(self.settings, lambda: self.store, sandbox, self.library)
        self._tending: Tender | None = None
        self._staff: Staff | None = None
        self._judge = SymbolicWorker()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._store = await Store.open(self._store_place)
        self._tending = Tender(self._store)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.close()

    async def close(self) -> None:
        """Stop engines, close connections and the store."""
        if self._tending is not None:
            await self._tending.close()
        if self._staff is not None:
            await self._staff.close()
        await self._gateway.close()
        await self._workshop.close()
        await self._judge.close()
        if self._store is not None:
            await self._store.close()

    @property
    def store(self) -> Store:
        """The open store."""
        if self._store is None:
            raise StoreError("the session is not open", hint="use it as `async with Session() as session`")
        return self._store

    @property
    def staff(self) -> Staff:
        """Models by name; the catalogue is read when first needed."""
        if self._staff is None:
            self._staff = Staff(Catalogue.load(), self.settings, self._notify, self._models)
        return self._staff

    @property
    def tools(self) -> Toolshed:
        """The tools outside of any run: listing, calling, adding and removing them."""
        return Toolshed(self._workshop, self.settings, self.store, self._complete)

    async def _complete(self, prompt: str, max_tokens: int) -> str:
        """Ask the model of the role ``tool`` for a tool that is called by hand: a run like any other."""
        roles = self.settings.team
        team = {"policy": roles["tool"]} if "tool" in roles else None
        options = {"max_tokens": max_tokens}
        result = await self.solve(prompt, strategy="greedy", team=team, options=options, answer_kind=AnswerKind.TEXT)
        if result.candidate is None:
            raise ToolError(f"no model answered: {result.error or result.stop_reason}")
        return result.candidate.text

    @property
    def _planner(self) -> Planner:
        return Planner(self.settings, self.staff, self._workshop, self.store)

    def saved_team(self, name: str | None) -> Team:
        """A team of the configuration; the empty team for None. Raises :class:`UnknownNameError`."""
        if name is None:
            return Team()
        if name not in self.settings.teams:
            raise UnknownNameError("team", name, self.settings.teams)
        return Team(roles=self.settings.teams[name])

    async def solve(
        self,
        question: str | Problem | list[Message],
        *,
        strategy: str | None = None,
        team: Team | Mapping[str, str] | str | None = None,
        budget: Budget | str | int | None = None,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,
        answer_kind: AnswerKind | str | None = None,
        language: str | None = None,
        run_id: str | None = None,
        ledger: str | None = None,
        experiment: str | None = None,
        calibration: str | None = None,
        listener: Listener | None = None,
        watch: Watch | None = None,
    ) -> Result:
        """Answer a question; see :func:`symposia.solve`."""
        if self._loop not in {None, asyncio.get_running_loop()}:
            raise ConfigError("this session was opened in another event loop", hint="open one here, or use `symposia.solve`")
        record = None if run_id is None else await self.store.known_run(run_id)
        if record is not None and record.result is not None and not self.resumable(record):
            return record.result
        if record is not None:
            execution = await self.execution(record, listener=listener, watch=watch)
        else:
            spec = await self.prepare(
                Problem.of(question, answer_kind=answer_kind, language=language),
                strategy=strategy,
                team=team,
                budget=budget,
                seed=seed,
                options=options,
                ledger=ledger,
                experiment=experiment,
                calibration=calibration,
            )
            execution = await self.begin(spec, run_id=run_id, listener=listener, watch=watch)
        return await execution.execute()

    async def create(
        self,
        problem: Problem,
        *,
        strategy: str | None = None,
        team: Team | Mapping[str, str] | str | None = None,
        budget: Budget | str | int | None = None,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,
        run_id: str | None = None,
        ledger: str | None = None,
        experiment: str | None = None,
        calibration: str | None = None,
    ) -> RunRecord:
        """Store a new run. Everything that can be wrong with the request is raised here, before anything is spent.

        ``ledger`` names one made with :meth:`Store.create_ledger`: its caps hold for all runs that name it together.
        ``experiment`` names one made with :meth:`Store.create_experiment`: lists of runs leave its runs out.
        ``calibration`` names the one that must hold for the run; without it the newest that holds is applied, if there is any.

        Raises :class:`UsageError`, :class:`UnreachableError` for an address where no server answers, :class:`WeightsError`
        for a local model that is not downloaded.
        """
        spec = await self.prepare(
            problem,
            strategy=strategy,
            team=team,
            budget=budget,
            seed=seed,
            options=options,
            ledger=ledger,
            experiment=experiment,
            calibration=calibration,
        )
        return await self.store.create_run(spec, id=run_id)

    async def prepare(
        self,
        problem: Problem,
        *,
        strategy: str | None = None,
        team: Team | Mapping[str, str] | str | None = None,
        budget: Budget | str | int | None = None,
        seed: int | None = None,
        options: Mapping[str, Any] | None = None,
        ledger: str | None = None,
        experiment: str | None = None,
        calibration: str | None = None,
    ) -> RunSpec:
        """What a run of this request would be made of; nothing is stored. Arguments and errors as for :meth:`create`."""
        return await self._planner.new(
            problem,
            strategy=strategy,
            team=team,
            budget=budget,
            seed=seed,
            options=options,
            ledger=ledger,
            experiment=experiment,
            calibration=calibration,
        )

    async def fork(
        self,
        run_id: str,
        *,
        at: str | int | None = None,
        team: Team | Mapping[str, str] | str | None = None,
        budget: Budget | str | int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> RunRecord:
        """Store a new run that begins with another's journal and goes on with its own, under other options if given.

        ``at`` is where the copied part ends: a journal key or a candidate's id (that call is copied still), the number of an
        event, or None for all there is. What the copied part cost counts against the new run's budget, the parent's by
        default. A role whose model is not named keeps it.

        Raises :class:`ReplayDiverged` where the options change a request of the copied part, and as :meth:`create`.
        """
        parent = await self.store.run(run_id)
        past = await self.store.journal(parent.id)
        if isinstance(at, int):
            entries = part_until_event(past, await self.store.events(parent.id), at)
        else:
            entries = part_of(past) if at is None else part_until_key(past, at)
        caps = in_force(parent.spec.budget, past) if budget is None else budget
        spec = await self._planner.fork(parent.spec, team=team, budget=caps, options=options)
        spec = spec.model_copy(update={"forked_from": origin(parent.id, entries)})
        fork = parent.model_copy(update={"spec": spec, "result": None, "elapsed": 0.0})
        await self._require_same_requests(fork, entries)
        return await self.store.fork_run(fork.spec, entries)

    async def execution(
        self,
        run: str | RunRecord,
        *,
        listener: Listener | None = None,
        watch: Watch | None = None,
        again: bool = False,
        reserve: Amounts | None = None,
    ) -> Execution:
        """Take the lease of a stored run and make its models ready. Await ``execute()`` on what comes back.

        ``listener`` hears of every event. With ``watch``, replies are streamed: it hears of their text as it comes, and so
        does whoever looks into the store. ``again`` and ``reserve`` are those of :class:`Execution`.

        Raises :class:`RunNotFoundError`, :class:`LeaseHeldError`, :class:`EngineError`, :class:`SandboxError`.
        """
        record = await self.store.run(run) if isinstance(run, str) else run
        # Models first: a large one takes longer to load than a lease lasts. Where another process executes the run,
        # taking the lease says so at once.
        if record.owner is None:
            await self._ready(record.spec)
        lease = await self.store.acquire(record.id, owner=this_process(), ttl=LEASE_SECONDS)
        try:
            models = await self._ready(record.spec)
        except BaseException:
            await self.store.release(lease, record.state, record.elapsed)
            raise
        return self._execution(record, lease=lease, models=models, listener=listener, watch=watch, again=again, reserve=reserve)

    async def begin(
        self,
        spec: RunSpec,
        *,
        run_id: str | None = None,
        listener: Listener | None = None,
        watch: Watch | None = None,
        reserve: Amounts | None = None,
    ) -> Execution:
        """Make the models ready and store a new run that this process executes: :meth:`create` and :meth:`execution` in one.

        Nothing is stored where a model cannot be had. Raises :class:`NameTakenError` for an id that a run has already, and
        as those do.
        """
        models = await self._ready(spec)
        record, lease = await self.store.begin_run(spec, id=run_id, owner=this_process(), ttl=LEASE_SECONDS)
        return self._execution(record, lease=lease, models=models, listener=listener, watch=watch, reserve=reserve)

    @staticmethod
    def resumable(record: RunRecord) -> bool:
        """Whether executing the run again can change anything: it did not end, or every call of it failed."""
        return record.state is not RunState.FINISHED or record.result is None or record.result.status is Status.FAILED

    async def resume(self, run_id: str, *, listener: Listener | None = None) -> Result:
        """Go on with an interrupted run, or try a failed one again. A run that ended otherwise gives its stored result."""
        record = await self.store.run(run_id)
        if record.result is not None and not self.resumable(record):
            return record.result
        execution = await self.execution(record, listener=listener)
        return await execution.execute()

    async def replay(self, run_id: str, *, listener: Listener | None = None) -> Result:
        """Reproduce a finished run from its journal, with no model. Raises :class:`ReplayDiverged`."""
        record = await self.store.run(run_id)
        if record.state is not RunState.FINISHED:
            raise ConfigError(f"run {record.id} is {record.state}, not finished", hint=f"run `symposia run resume {record.id}`")
        execution = self._execution(record, lease=None, models=record.spec.models, listener=listener)
        return await execution.execute()

    async def _require_same_requests(self, fork: RunRecord, entries: Sequence[JournalEntry]) -> None:
        """Raise :class:`ReplayDiverged` where ``fork`` asks for something else than the journal entries it begins with hold."""
        rehearsal = self._execution(fork, lease=None, models=fork.spec.models, listener=None, begins_with=entries)
        try:
            await rehearsal.execute()
        except JournalEnded:
            pass  # from here on it is on its own
        except ReplayDiverged as error:
            raise ReplayDiverged(
                f"the fork would not ask what the part that it copies was asked: {error.message}",
                hint="change only options that leave those requests as they are, fork at an earlier point, or start a new run",
            ) from error

    async def _ready(self, spec: RunSpec) -> dict[str, ModelSpec]:
        """Start what a run needs, so that nothing is spent where it cannot be had; its models as they answer now."""
        if spec.sandbox is not None:
            await self._workshop.sandbox(spec.sandbox)
        return {role: await self.staff.ready(model) for role, model in spec.models.items()}

    def _execution(
        self,
        record: RunRecord,
        *,
        lease: Lease | None,
        models: Mapping[str, ModelSpec],
        listener: Listener | None,
        watch: Watch | None = None,
        begins_with: Sequence[JournalEntry] | None = None,
        again: bool = False,
        reserve: Amounts | None = None,
    ) -> Execution:
        return Execution(
            self.store,
            record,
            lease=lease,
            gateway=self._gateway,
            tender=self._tending or Tender(self.store),
            models=models,
            workshop=self._workshop,
            judge=self._judge,
            call_timeout=self.settings.call_timeout,
            listener=listener,
            watch=watch,
            begins_with=begins_with,
            again=again,
            reserve=reserve,
        )
