"""Signals that end a command: the first stops softly and keeps the best answer so far, the second ends at once.

Both leave a resumable run. The second one asks nothing of the rest of the program: it ends it also where the event loop is held
up, as by a terminal that takes no output. The end of a terminal (SIGHUP) comes once or twice by itself, so that it only stops.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
from collections.abc import Iterator
from types import FrameType
from typing import Protocol

from ..core.result import StopReason
from .output import note

_SHOWN_AGAIN = "\r\x1b[K\x1b[?25h"
"""Ends a live line on a terminal and brings back its cursor."""


class Stoppable(Protocol):
    """What a signal stops: a run's control, or an experiment."""

    def halt(self, reason: StopReason) -> None:
        """Make no new call, and end soon."""
        ...


class Interrupts:
    """Handles SIGINT, SIGTERM and SIGHUP of a command that executes runs."""

    def __init__(self, *, stored: bool = True, way_on: str | None = None) -> None:
        """``way_on`` says how to go on where that is not by resuming a run."""
        self._stored = stored
        self._way_on = way_on
        self._loop = asyncio.get_running_loop()
        self._task = asyncio.current_task()
        self._control: Stoppable | None = None
        self._count = 0
        self._stopping = False

    def guard(self, control: Stoppable) -> None:
        """From now on the first signal stops this softly."""
        self._control = control
        if self._stopping:
            control.halt(StopReason.STEERED)

    def way_on(self, run_id: str = "RUN") -> str:
        """How to go on with the run, as the end of a sentence; nothing for a run that is not kept."""
        go_on = self._way_on or f"go on with `symposia run resume {run_id}`"
        return f"; {go_on}" if self._stored else ""

    def _signalled(self, number: int, _frame: FrameType | None) -> None:
        """Called between two instructions of the main thread, whatever it is doing."""
        self._count += number != signal.SIGHUP
        if self._count > 1:
            self._end()
        self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        if self._stopping:
            return
        self._stopping = True
        if self._control is not None:
            self._control.halt(StopReason.STEERED)
            note("symposia: stopping; Ctrl-C again ends at once")
        elif self._task is not None:
            self._task.cancel()

    def _end(self) -> None:
        with contextlib.suppress(OSError):
            # Not by print: its stream may be in the middle of a write, or wait for a reader that does not come.
            if select.select((), (2,), (), 0)[1]:
                os.write(2, f"{_SHOWN_AGAIN if os.isatty(2) else ''}symposia: ended{self.way_on()}\n".encode())
        # Engines of ours end by themselves when this process is gone; the journal holds every finished call.
        os._exit(130)

    @contextlib.contextmanager
    def installed(self) -> Iterator[Interrupts]:
        """Install the handlers for the time of a command. A hang-up that is ignored (``nohup``) stays ignored."""
        numbers = [signal.SIGINT, signal.SIGTERM]
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        # Not by the event loop: it hears of a signal only when it comes round to it.
        before = {number: signal.signal(number, self._signalled) for number in numbers}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
