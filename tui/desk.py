"""What the application does in the world: it reads the store, writes wishes, and starts runs in processes of their own."""

from __future__ import annotations

import asyncio
import getpass
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.candidate import Candidate
from ..core.errors import ConfigError, StoreError
from ..core.events import CandidateAdded, CandidateScored, Event
from ..core.problem import Problem
from ..core.records import ControlKind, ControlRecord, RunRecord
from ..core.result import RunState
from .store.run import Sample

if TYPE_CHECKING:
    from ..core.budget import Budget
    from ..memory.store import Store
    from ..runtime.session import Session

Launch = Callable[["Session", RunRecord], Awaitable[None]]
"""Has a stored run executed by somebody else than this process."""


class Desk:
    """An open session. ``open`` may be called again where it failed; everything else needs it to have succeeded.

    Args:
        opened: makes the session; it imports what only a store needs, so that the screen is drawn before.
        launch: see :data:`Launch`; by default the run gets a process of its own.
    """

    def __init__(self, opened: Callable[[], Session], launch: Launch | None = None) -> None:
        self._opened = opened
        self._launch = launch or _detach
        self._session: Session | None = None
        self.author = getpass.getuser()

    @property
    def session(self) -> Session:
        """Raises :class:`StoreError` where it is not open yet."""
        if self._session is None:
            raise StoreError("the store is not open yet", hint="wait a moment")
        return self._session

    @property
    def store(self) -> Store:
        """The store of the session."""
        return self.session.store

    async def open(self) -> None:
        """Open the session. Raises :class:`StoreError`, :class:`ConfigError`."""
        if self._session is None:
            session = await asyncio.to_thread(self._opened)
            try:
                await session.__aenter__()
            except BaseException:
                await session.close()
                raise
            self._session = session

    async def close(self) -> None:
        """Close it. Runs go on: they have processes of their own."""
        if self._session is not None:
            session, self._session = self._session, None
            await session.close()

    async def ask(
        self,
        question: str,
        *,
        strategy: str | None = None,
        team: Mapping[str, str] | None = None,
        budget: str | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> RunRecord:
        """Store a run and have it executed. Raises what :meth:`Session.create` and :func:`detach` raise."""
        problem = Problem.of(question)
        record = await self.session.create(problem, strategy=strategy, team=team, budget=budget, options=options)
        await self._launch(self.session, record)
        return record

    async def resume(self, run_id: str) -> str:
        """Open a paused run, or go on with one that nobody executes; what was done, in words. Raises :class:`ConfigError`."""
        record = await self.store.run(run_id)
        if record.owner is not None:
            await self.wish(record, ControlKind.RESUME)
            return "asked to go on"
        if not self.session.resumable(record):
            raise ConfigError(f"run {record.id} has ended", hint="fork it to go on from one of its steps")
        await self._launch(self.session, record)
        return "goes on in a process of its own"

    async def fork(self, run_id: str, *, at: str | int | None, budget: str | None, options: Mapping[str, Any]) -> RunRecord:
        """A new run that begins with another's journal, executed. Raises what :meth:`Session.fork` raises."""
        record = await self.session.fork(run_id, at=at, budget=budget, options=options)
        await self._launch(self.session, record)
        return record

    async def wish(self, record: RunRecord, kind: ControlKind, *, text: str = "", budget: Budget | None = None) -> ControlRecord:
        """Ask something of a run that is being executed. Raises :class:`ConfigError` for one that is not."""
        if record.state not in {RunState.RUNNING, RunState.PAUSED, RunState.WAITING}:
            raise ConfigError(f"run {record.id} is {record.state}: nobody would hear it")
        return await self.store.add_control(record.id, kind, self.author, text=text, budget=budget)

    async def take_back(self, run_id: str, seq: int) -> bool:
        """Take a wish back; False where it was taken up meanwhile."""
        return await self.store.withdraw_control(run_id, seq)

    async def respond(self, run_id: str, key: str, *, approve: bool, note: str = "") -> None:
        """Say whether a tool's call may be made. Raises :class:`ConfigError` where it does not wait any more."""
        from ..runtime.approvals import respond  # noqa: PLC0415 - see above

        await respond(self.store, run_id, approve=approve, author=self.author, note=note, about=key)

    async def event(self, run_id: str, seq: int) -> Event | None:
        """One event of a run; None where it is gone. Raises :class:`StoreError`."""
        return next((each.event for each in await self.store.events(run_id, after=seq - 1, limit=1) if each.seq == seq), None)

    async def candidate(self, run_id: str, sample: Sample) -> Candidate | None:
        """A sample with its text and scores; None where its event is gone."""
        found: Candidate | None = None
        for seq in (sample.seq, *(verdict.seq for verdict in sample.verdicts)):
            for stored in await self.store.events(run_id, after=seq - 1, limit=1):
                if isinstance(stored.event, CandidateAdded):
                    found = stored.event.candidate
                elif isinstance(stored.event, CandidateScored) and found is not None:
                    found = found.with_score(stored.event.score)
        return found


async def _detach(session: Session, record: RunRecord) -> None:
    from ..runtime.detach import detach  # noqa: PLC0415 - see above

    await detach(session.store, record, place=session.settings.store)


def open_session(store: str | None, cwd: Path) -> Session:
    """The session of the application: nothing is printed, for the screen is ours."""
    from ..runtime.session import Session  # noqa: PLC0415 - see Desk
    from ..runtime.settings import load_settings  # noqa: PLC0415

    flags = {} if store is None else {"store": store}
    return Session(settings=load_settings(flags=flags, cwd=cwd))
