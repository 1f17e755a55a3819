"""Threads for blocking calls, which work until the very end of the program.

A process's default session is closed when the interpreter exits. The pools of :mod:`concurrent.futures` take nothing any more
by then, so that the last events of a run could not be written through one.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


class Threads:
    """``count`` threads that take work in the order in which it came."""

    def __init__(self, count: int, name: str) -> None:
        self._work: SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = SimpleQueue()
        self._ended: list[Future[None]] = [Future() for _ in range(count)]
        for ended in self._ended:
            threading.Thread(target=self._serve, args=(ended,), name=name, daemon=True).start()

    async def run(self, work: Callable[[], T]) -> T:
        """The value of ``work``. Cancelled before it began, it is not done; after that it is done all the same."""
        done: Future[T] = Future()
        self._work.put((done, work))
        return await asyncio.wrap_future(done)

    async def close(self) -> None:
        """End the threads once everything that was given to them is done. Give them nothing after this."""
        for _ in self._ended:
            self._work.put(None)
        await asyncio.gather(*map(asyncio.wrap_future, self._ended))

    def _serve(self, ended: Future[None]) -> None:
        while (job := self._work.get()) is not None:
            _do(*job)
            del job  # an idle thread must not keep alive what it did last
        ended.set_result(None)


def _do(done: Future[Any], work: Callable[[], Any]) -> None:
    if not done.set_running_or_notify_cancel():
        return
    try:
        value = work()
    except BaseException as error:  # noqa: BLE001 - whatever it is, it belongs to the one who waits
        done.set_exception(error)
    else:
        done.set_result(value)
