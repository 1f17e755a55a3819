"""The front door: ``solve`` and ``solve_sync`` on the process's default session.

The default session lives in a thread of its own with its own event loop, so that one store and one set of engines serve every
caller of the process, whichever loop (or none) the caller runs in. There is one async core; ``solve_sync`` only waits for it.
"""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Coroutine, Mapping
from concurrent.futures import Future
from typing import Any, TypedDict, TypeVar, Unpack

from ..core.budget import Budget
from ..core.problem import AnswerKind, Message, Problem
from ..core.result import Result
from .services import Listener
from .session import Session
from .team import Team
from .telemetry import Watch

T = TypeVar("T")


class SolveOptions(TypedDict, total=False):
    """Keyword arguments of :func:`solve`."""

    strategy: str
    """Name of a registered strategy; the configured one by default."""
    team: Team | Mapping[str, str] | str
    """A model for the policy, or models by role."""
    budget: Budget | str | int
    """Caps; ``30`` means calls, ``"calls=30,tokens=20k,seconds=90"`` all there are."""
    seed: int
    options: Mapping[str, Any]
    """Options of the strategy."""
    answer_kind: AnswerKind | str
    language: str
    ledger: str
    """A ledger of the store, made with ``Store.create_ledger``: its caps hold for all runs that name it together."""
    calibration: str
    """``NAME`` or ``NAME@VERSION`` of the calibration that must hold for the run; without it the newest that holds is applied."""
    run_id: str
    """Ask for the run of this id: it is made where there is none, gone on with where it broke off, and not made again once it
    has ended. A run then keeps to the request that it was made for."""
    listener: Listener
    """Called with each event, in the default session's thread."""
    watch: Watch
    """Called with the id of a candidate to be and a new piece of its text; replies are streamed then. Thread as above."""


class _Home:
    """The thread, loop and session behind the front door."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._session: Session | None = None
        self._opening = asyncio.Lock()
        self._thread = threading.Thread(target=self._loop.run_forever, name="symposia", daemon=True)
        self._thread.start()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Await ``work`` at home. A cancelled caller waits until it has ended there: the run's lease is free then."""
        caller = asyncio.get_running_loop()
        over: asyncio.Future[T] = caller.create_future()
        tasks: list[asyncio.Task[T]] = []

        def begin() -> None:
            tasks.append(self._loop.create_task(work))
            tasks[0].add_done_callback(lambda task: caller.call_soon_threadsafe(_hand_over, task, over))

        self._loop.call_soon_threadsafe(begin)
        try:
            return await asyncio.shield(over)
        except asyncio.CancelledError:
            self._loop.call_soon_threadsafe(lambda: tasks[0].cancel())  # noqa: PLW0108 - it may not have begun yet
            await asyncio.wait([over])
            raise

    async def session(self) -> Session:
        async with self._opening:
            if self._session is None:
                self._session = await Session().__aenter__()
            return self._session

    def close(self) -> None:
        if self._session is not None:
            self.submit(self._session.close()).result(timeout=10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(timeout=10)
        self._loop.close()


def _hand_over(task: asyncio.Task[T], over: asyncio.Future[T]) -> None:
    """Make ``over`` end as ``task`` did."""
    if task.cancelled():
        over.cancel()
    elif (error := task.exception()) is not None:
        over.set_exception(error)
        over.exception()  # a caller that was cancelled asks no more
    else:
        over.set_result(task.result())


_home: _Home | None = None
_lock = threading.Lock()


def _at_home() -> _Home:
    global _home  # noqa: PLW0603 - the process's default session, opened on first use
    with _lock:
        if _home is None:
            _home = _Home()
            atexit.register(close_default)
        return _home


def close_default() -> None:
    """Close the process's default session: its engines stop, its store is flushed. Runs by itself at exit."""
    global _home
    with _lock:
        home, _home = _home, None
    if home is not None:
        home.close()


async def _solve(home: _Home, question: str | Problem | list[Message], options: SolveOptions) -> Result:
    session = await home.session()
    return await session.solve(question, **options)


async def solve(question: str | Problem | list[Message], **options: Unpack[SolveOptions]) -> Result:
    """Answer a question with a strategy, on the process's default session.

    Returns a :class:`Result` also where the run failed, was cut by its budget, or found no answer: look at ``status``. Cancelling
    the task cancels the run and leaves it resumable.

    Raises:
        UsageError: the request cannot be carried out: unknown name, bad option, empty question, missing ability or key.
        StoreError: the store cannot be used.
        EngineError: a local engine does not start.
    """
    home = _at_home()
    return await home.call(_solve(home, question, options))


def solve_sync(question: str | Problem | list[Message], **options: Unpack[SolveOptions]) -> Result:
    """:func:`solve` for code without an event loop; inside a running loop it works too, and blocks that loop meanwhile."""
    home = _at_home()
    return home.submit(_solve(home, question, options)).result()
