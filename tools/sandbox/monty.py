"""``monty``: a small interpreter of its own, in worker processes. It makes no system calls for the code that it runs.

It runs a part of Python only (no ``yield``, no inheritance, few modules) and starts in a fraction of a millisecond: for small
checks. Code that needs more ends as :attr:`Ending.UNSUPPORTED`.

The blocking interface of ``pydantic_monty`` is used, from threads of ours. Its asyncio interface keeps threads that may want
the interpreter while the process ends, which then aborts (seen with 1.4.0: one exit in six), and takes twice the time.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pydantic_monty

from ...core.errors import SandboxError
from ...core.sandbox import Ending, Execution, Limits
from .monty_feed import Feed
from .requests import checked_inputs, one_line

_GRACE = 0.25
"""Seconds in which a worker must notice by itself that the time is up, before it is killed."""


class MontySandbox:
    """Implements :class:`core.sandbox.Sandbox` by a pool of monty workers. No files at all; memory is that of monty's heap."""

    name = "monty"

    def __init__(self, *, workers: int = 2) -> None:
        self._pool = pydantic_monty.Monty(min_processes=workers, max_processes=workers, feed_duration_limit_grace=_GRACE)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="monty")
        self._slots = asyncio.Semaphore(workers)
        self._starting = threading.Lock()
        self._started = False
        self._closed = False
        self._feeds: set[Feed] = set()

    async def run(self, code: str, *, inputs: Mapping[str, Any] | None = None, limits: Limits | None = None) -> Execution:
        """Run Python code. Raises :class:`UsageError` where inputs are no JSON, :class:`SandboxError` where monty is broken."""
        feed = Feed(code, checked_inputs(inputs), limits or Limits())
        async with self._slots:  # a thread is free then: none of what waits is on the clock
            if self._closed:
                raise SandboxError("the sandbox monty is closed")
            self._feeds.add(feed)
            try:
                return await asyncio.get_running_loop().run_in_executor(self._threads, self._work, feed)
            except asyncio.CancelledError:
                feed.kill(Ending.CRASHED)  # nobody reads how it ended
                raise
            finally:
                self._feeds.discard(feed)

    def _work(self, feed: Feed) -> Execution:
        with self._starting:
            if not self._started:
                self._start()
        return feed.run(self._pool)

    def _start(self) -> None:
        try:
            self._pool.__enter__()
        except (OSError, RuntimeError, pydantic_monty.MontyError) as error:
            raise SandboxError(f"monty does not start: {one_line(str(error))}", hint="install pydantic-monty again") from error
        self._started = True

    async def close(self) -> None:
        """End every worker. What still runs there ends as :attr:`Ending.CRASHED`."""
        self._closed = True
        for feed in list(self._feeds):
            feed.kill(Ending.CRASHED)
        await asyncio.get_running_loop().run_in_executor(None, self._threads.shutdown)
        if self._started:
            self._started = False
            self._pool.__exit__(None, None, None)
