"""A server run as a managed child: its own process group, on loopback, and never an orphan.

The child's standard input is a pipe that only this process holds open. However this process dies, the child then reads the
end of the file and exits; a program that does not watch its input has to be wrapped in one that does. Two threads drain the
child's output into a bounded log, so that a chatty server neither blocks nor fills the disk.

Nothing here belongs to an event loop: a child outlives the loop it was started from, which the sync bridge relies on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

import aiohttp
import psutil

from ...core.errors import EngineError

LOG_BYTES = 1 << 20
"""The log file starts over when it has grown to this."""
STOP_GRACE = 3.0
"""Seconds between the request to end and the kill."""
_POLL = 0.05
_REPORT = 0.25
_DRAIN = 1.0  # for the threads to take up what a dead child left in its pipes


class Waiting(NamedTuple):
    """How far a child has come that is not ready yet."""

    seconds: float
    memory: int
    """Resident bytes: grows towards the size of the weights while they load."""
    phase: str = "starting"


OnWait = Callable[[Waiting], None]
Explain = Callable[[Sequence[str]], str]
"""Picks from a failed child's last lines the one that tells the user why."""


def last_line(lines: Sequence[str]) -> str:
    """The last line with text in it, or the empty string."""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")


class _Log:
    """The last lines in memory, and a file that starts over at :data:`LOG_BYTES`. Written by two threads."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines: deque[str] = deque(maxlen=500)  # a traceback of a few processes in full
        self._lock = threading.Lock()
        self._written = 0

    def write(self, line: bytes) -> None:
        with self._lock:
            self._lines.append(line.decode(errors="replace").rstrip())
            if self._written + len(line) > LOG_BYTES:
                self._written = 0
            # A full disk must not stop the draining: the child would block on its pipe.
            with contextlib.suppress(OSError), self.path.open("ab" if self._written else "wb") as file:
                file.write(line)
            self._written += len(line)

    def lines(self) -> list[str]:
        with self._lock:
            return list(self._lines)


class ManagedProcess:
    """One child process group, made by :meth:`start` and ended by :meth:`stop` or :meth:`kill`."""

    def __init__(self, popen: subprocess.Popen[bytes], name: str, log: _Log, explain: Explain) -> None:
        self._popen = popen
        self._log = log
        self._explain = explain
        self._first_line: str | None = None
        self._asked_to_end = False
        self.name = name
        self._threads = [
            threading.Thread(target=self._drain, args=(pipe, announces), name=f"{name}-log", daemon=True)
            for pipe, announces in ((popen.stdout, True), (popen.stderr, False))
        ]
        for thread in self._threads:
            thread.start()

    @classmethod
    def start(
        cls, command: Sequence[str], *, name: str, env: Mapping[str, str] | None = None, explain: Explain = last_line
    ) -> ManagedProcess:
        """Start ``command`` with ``env`` added to this process's environment.

        Raises :class:`EngineError` where the system refuses: no such program, no memory, no space for the log.
        """
        try:
            handle, log = tempfile.mkstemp(prefix=f"symposia-{name}-", suffix=".log")
            os.close(handle)
            popen = subprocess.Popen(  # noqa: S603 - our own command line
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, **(env or {})},
                start_new_session=True,  # stopped as a whole, and out of reach of the terminal's Ctrl-C
            )
        except OSError as error:
            raise EngineError(f"{name} could not be started: {error}") from error
        return cls(popen, name, _Log(Path(log)), explain)

    @property
    def pid(self) -> int:
        """Of the child; also the id of its process group."""
        return self._popen.pid

    @property
    def running(self) -> bool:
        """Whether the child still lives."""
        return self._popen.poll() is None

    @property
    def started_at(self) -> float | None:
        """Unix time of the child's start, which with the pid names it for good; None once it has ended."""
        try:
            return float(psutil.Process(self.pid).create_time())
        except psutil.NoSuchProcess:
            return None

    def memory(self) -> int:
        """Resident bytes of the child and its descendants; 0 once it has ended."""
        total = 0
        for process in self._descendants():
            with contextlib.suppress(psutil.Error):
                total += int(process.memory_info().rss)
        return total

    def log_lines(self) -> list[str]:
        """The last lines that the child wrote."""
        return self._log.lines()

    @property
    def log_path(self) -> Path:
        """Where the log lies until the child has ended because it was asked to."""
        return self._log.path

    async def first_line(self, *, timeout: float, on_wait: OnWait | None = None) -> str:
        """The first line of the child's standard output: how a child that chooses its own port announces it.

        Raises :class:`EngineError` where the child ends before it, or says nothing for ``timeout`` seconds.
        """

        async def announced() -> bool:
            return self._first_line is not None

        await self._wait(announced, timeout, on_wait)
        return self._first_line or ""

    async def wait_healthy(self, url: str, *, timeout: float, on_wait: OnWait | None = None) -> None:
        """Wait until a GET of ``url`` answers 200. Raises like :meth:`first_line`."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2.0)) as session:

            async def healthy() -> bool:
                try:
                    async with session.get(url) as reply:
                        return reply.status == 200
                except (aiohttp.ClientError, TimeoutError):
                    return False

            await self._wait(healthy, timeout, on_wait)

    async def stop(self, grace: float = STOP_GRACE) -> None:
        """Ask the group to end, kill it after ``grace`` seconds; a cancelled stop kills at once. Idempotent."""
        try:
            if self.running:
                self._asked_to_end = True
                self._signal(signal.SIGTERM)
            deadline = time.monotonic() + grace
            while self.running and time.monotonic() < deadline:  # noqa: ASYNC110 - a process sets no event
                await asyncio.sleep(_POLL)
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill the child with its group and descendants, and wait for it.

        The log stays where the child had ended before it was asked to.
        """
        self._asked_to_end = self._asked_to_end or self.running
        family = self._descendants()  # those in groups of their own would not hear of it
        self._signal(signal.SIGKILL)
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        self._popen.wait()
        for thread in self._threads:
            thread.join(_DRAIN)
        for pipe in (self._popen.stdin, self._popen.stdout, self._popen.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        if self._asked_to_end:
            self._log.path.unlink(missing_ok=True)

    def failure(self, what: str) -> EngineError:
        """The error for ``what`` went wrong, with the child's own words and the place of its log."""
        reason = self._explain(self.log_lines())
        return EngineError(f"{self.name} {what}: {reason}" if reason else f"{self.name} {what}", hint=f"log: {self._log.path}")

    async def _wait(self, ready: Callable[[], Awaitable[bool]], timeout: float, on_wait: OnWait | None) -> None:
        began = time.monotonic()
        reported = began - _REPORT
        while not await ready():
            now = time.monotonic()
            if not self.running:
                for thread in self._threads:
                    await asyncio.to_thread(thread.join, _DRAIN)
                raise self.failure(_ending(self._popen.returncode))
            if now - began > timeout:
                raise self.failure(f"was not ready after {timeout:.0f} seconds")
            if on_wait is not None and now - reported >= _REPORT:
                reported = now
                on_wait(Waiting(now - began, self.memory()))
            await asyncio.sleep(_POLL)

    def _drain(self, pipe: IO[bytes], announces: bool) -> None:
        # The limit keeps a line without an end from filling the memory.
        while line := pipe.readline(1 << 16):
            if announces and self._first_line is None:
                self._first_line = line.decode(errors="replace").strip()
            self._log.write(line)

    def _descendants(self) -> list[psutil.Process]:
        """The child and everything that descends from it; empty once it has ended."""
        if not self.running:  # its pid may be a stranger's by now
            return []
        try:
            child = psutil.Process(self.pid)
            return [child, *child.children(recursive=True)]
        except psutil.Error:
            return []

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):  # macOS refuses for a group of zombies
            os.killpg(self.pid, number)


def _ending(returncode: int) -> str:
    if returncode == -signal.SIGKILL:
        return "was killed by the system while it started, most likely for lack of memory"
    if returncode < 0:
        return f"was ended by signal {-returncode} while it started"
    return "did not start"
