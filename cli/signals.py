"""Ctrl-C: the first stops softly and keeps the best answer so far, the second ends at once. Both leave a resumable run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import Protocol

from ..core.result import StopReason
from .output import note


class Stoppable(Protocol):
    """What a signal stops: a run's control, or an experiment."""

    def halt(self, reason: StopReason) -> None:
        """Make no new call, and end soon."""
        ...


class Interrupts:
    """Handles SIGINT and SIGTERM of a command that executes runs."""

    def __init__(self, *, stored: bool = True, way_on: str | None = None) -> None:
        """``way_on`` says how to go on where that is not by resuming a run."""
        self._stored = stored
        self._way_on = way_on
        self._task = asyncio.current_task()
        self._control: Stoppable | None = None
        self._count = 0

    def guard(self, control: Stoppable) -> None:
        """From now on the first signal stops this softly."""
        self._control = control
        if self._count:
            control.halt(StopReason.STEERED)

    def way_on(self, run_id: str = "RUN") -> str:
        """How to go on with the run, as the end of a sentence; nothing for a run that is not kept."""
        go_on = self._way_on or f"go on with `symposia run resume {run_id}`"
        return f"; {go_on}" if self._stored else ""

    def _signalled(self) -> None:
        self._count += 1
        if self._count > 1:
            note(f"symposia: ended{self.way_on()}")
            sys.stdout.flush()
            # Engines of ours end by themselves when this process is gone; the journal holds every finished call.
            os._exit(130)
        if self._control is not None:
            note("symposia: stopping; Ctrl-C again ends at once")
            self._control.halt(StopReason.STEERED)
        elif self._task is not None:
            self._task.cancel()

    @contextlib.contextmanager
    def installed(self) -> Iterator[Interrupts]:
        """Install the handlers for the time of a command."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self._signalled)
        try:
            yield self
        finally:
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.remove_signal_handler(number)
