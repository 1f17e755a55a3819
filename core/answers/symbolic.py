"""Symbolic equality of LaTeX answers in a process that can be killed.

sympy may compute for hours, or ask for all memory there is, on twenty characters. So it runs in one child process that
answers a question at a time and is killed when its time is up; the next question starts a new one. Nothing of sympy is
ever imported here.

A thread of the worker's own talks to the child: it is the queue of the questions, and it belongs to no event loop, so that
one worker serves several loops one after the other.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .normalise import MAX_EXPRESSION

READY_SECONDS = 20.0
"""The child imports sympy, which takes a second and, on a loaded machine, several."""

_SCRIPT = Path(__file__).with_name("symbolic_child.py")


class SymbolicWorker:
    """Answers whether two expressions are equal. The child starts with the first question and lives until ``close``."""

    def __init__(self, *, limit: float = 2.0) -> None:
        """``limit``: seconds for one question, counted from when the child has taken it up."""
        self.limit = limit
        self._child: subprocess.Popen[bytes] | None = None
        self._closing = False
        self._lock = threading.Lock()  # between `close` and the thread, around the start of a child
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="symbolic")

    async def same(self, a: str, b: str) -> bool | None:
        """Whether ``a`` and ``b`` are equal; None, unknown, where one cannot be read or the time is up.

        Questions of concurrent callers queue up. Raises RuntimeError after :meth:`close`.
        """
        import asyncio  # noqa: PLC0415 - who awaits this has imported it; who only reads answers need not

        return await asyncio.get_running_loop().run_in_executor(self._thread, self._ask, a, b)

    async def close(self) -> None:
        """Kill the child and wait for its end. Questions still queued are answered with None. May be called twice."""
        with self._lock:
            self._closing = True
            child = self._child
        if child:
            child.kill()
        self._thread.shutdown(wait=True)  # milliseconds: its child is dead, and it starts no other
        self._end()

    def _ask(self, a: str, b: str) -> bool | None:
        if a == b:
            return True
        if max(len(a), len(b)) > MAX_EXPRESSION:
            return None
        child = self._running()
        verdict = child and _exchange(child, json.dumps([a, b]), self.limit)
        if not verdict:
            self._end()
            return None
        value = json.loads(verdict)
        return value if isinstance(value, bool) else None

    def _running(self) -> subprocess.Popen[bytes] | None:
        """The child, started and ready; None where it does not start or the worker is closing."""
        with self._lock:
            if self._closing:
                return None
            if self._child and self._child.poll() is None:
                return self._child
            self._end()
            self._child = child = subprocess.Popen(  # noqa: S603 - our own script
                # As a file, so that the child need not import symposia; -P keeps this folder off its path.
                [sys.executable, "-P", str(_SCRIPT), str(self.limit)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,  # Ctrl-C in the terminal is not for the child
                env={**os.environ, "PYTHONHASHSEED": "0"},  # sympy's order of terms, and so its verdicts, depend on it
            )
        return child if _read_line(child, READY_SECONDS) else None

    def _end(self) -> None:
        """Kill the child, if there is one, and leave neither a zombie nor an open pipe."""
        child, self._child = self._child, None
        if child:
            child.kill()
            with child:
                pass


def _exchange(child: subprocess.Popen[bytes], question: str, seconds: float) -> bytes:
    """The line that answers ``question``; empty where the child died or did not answer in time."""
    try:
        if child.stdin:
            child.stdin.write(question.encode() + b"\n")
    except OSError:
        return b""
    return _read_line(child, seconds)


def _read_line(child: subprocess.Popen[bytes], seconds: float) -> bytes:
    deadline = time.monotonic() + seconds
    line = b""
    with selectors.DefaultSelector() as selector:
        if child.stdout is None:
            return b""
        selector.register(child.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            left = deadline - time.monotonic()
            chunk = child.stdout.read(4096) if left > 0 and selector.select(left) else b""
            if not chunk:
                return b""
            line += chunk
    return line
