"""Ctrl-C: the first stops softly and keeps the best answer so far, the second ends at once. Both leave a resumable run."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Iterator

from ..core.result import StopReason
from ..runtime.control import Control
from .output import note


class Interrupts:
    """Handles SIGINT and SIGTERM of a command that executes a run."""

    def __init__(self, *, stored: bool = True) -> None:
        self._stored = stored
        self._task = asyncio.current_task()
        self._control: Control | None = None
        self._count = 0

    def guard(self, control: Control) -> None:
        """From now on the first signal stops this run softly."""
        self._control = control
        if self._count:
            control.halt(StopReason.STEERED)

    def way_on(self, run_id: str = "RUN") -> str:
        """How to go on with the run, as the end of a sentence; nothing for a run that is not kept."""
        return f"; go on with `symposia run resume {run_id}`" if self._stored else ""

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
