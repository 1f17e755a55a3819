"""Ends a child with its parent, however the parent ends. Used by the programs that symposia runs as children."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


def follow_parent(end: Callable[[], None]) -> None:
    """Call ``end`` once the parent process has ended, told by the end of our standard input and, on Linux, by the kernel.

    The first comes from a thread of its own, the second from a signal handler (of SIGHUP) in the main thread.
    """
    parent = os.getppid()

    def watch() -> None:
        # Not sys.stdin: a lock held by this blocked read would be in the way at the interpreter's exit.
        while os.read(0, 4096):
            pass
        end()

    threading.Thread(target=watch, daemon=True).start()

    def hung_up(*_: object) -> None:
        # The kernel also sends this when only the thread that started us has ended.
        if os.getppid() != parent:
            end()

    signal.signal(signal.SIGHUP, hung_up)
    # Covers what the pipe does not: a forked sibling that keeps the parent's end of it open.
    die_with_parent(signal.SIGHUP)


def die_with_parent(number: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send us ``number`` when the thread that started us ends. Linux only; elsewhere nothing happens."""
    _prctl(_PR_SET_PDEATHSIG, number)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends. Linux only; elsewhere nothing happens."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)
