"""Handing a stored run to a process of its own, which outlives this one and its terminal.

The process is `symposia run exec ID` in a session of its own: no terminal's end reaches it, and nothing is read from ours.
Keys, settings and the store's address go by its environment: what stands in a command line is seen by everybody.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import platformdirs

from ..core.errors import DetachError, LeaseHeldError
from ..core.records import RunRecord
from ..memory.store import Store

_PATIENCE = 5.0
"""Seconds in which a process that cannot even begin is seen to end. A model may take longer to load: that is not waited for."""
_LOOK = 0.05
_TAIL = 2000


def log_path(run_id: str) -> Path:
    """Where a detached run's process says what a terminal would be told."""
    return platformdirs.user_data_path("symposia", appauthor=False) / "logs" / f"{run_id}.log"


async def detach(store: Store, record: RunRecord, *, place: str | None) -> int:
    """Have a stored run executed by a new process; its number. ``place`` is the store's address as configured.

    Returns when the process has the run's lease, has done its work, or is still getting a model ready after some seconds.
    Raises :class:`DetachError` with the last words of its log where it gave up, :class:`LeaseHeldError` for a run that is
    being executed.
    """
    if record.owner is not None:
        raise LeaseHeldError(f"run {record.id} is being executed by {record.owner}", hint=f"`symposia run attach {record.id}`")
    process = _start(record.id, place)
    # Waits for the process, in a program that lives longer than it: no zombie stays behind.
    threading.Thread(target=process.wait, name=f"symposia-exec-{record.id}", daemon=True).start()
    for _ in range(int(_PATIENCE / _LOOK)):
        now = await store.run(record.id)
        if now.owner is not None or now.updated_at > record.updated_at:
            break
        if process.poll() is not None:
            raise _gave_up(record.id, process.returncode)
        await asyncio.sleep(_LOOK)
    return process.pid


def _start(run_id: str, place: str | None) -> subprocess.Popen[bytes]:
    log = log_path(run_id)
    environment = os.environ | ({} if place is None else {"SYMPOSIA_STORE": place})
    try:
        log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "wb") as out:
            return subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-m", "symposia.cli", "run", "exec", run_id],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
    except OSError as error:
        raise DetachError(f"run {run_id} cannot be handed to another process: {error.strerror or error} ({log})") from error


def _gave_up(run_id: str, code: int) -> DetachError:
    log = log_path(run_id)
    said = log.read_text(encoding="utf-8", errors="replace")[-_TAIL:].strip().splitlines()
    reason = said[-1].removeprefix("symposia: ") if said else f"it ended with code {code}"
    return DetachError(f"the process for run {run_id} gave up: {reason}", hint=f"its log is {log}")
