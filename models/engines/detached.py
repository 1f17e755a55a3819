"""Serving a model by a process of its own, which outlives this one: ``symposia models serve`` without a terminal."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from ...core.errors import EngineError
from .running import EngineRecord, RunningEngines

_LOOK = 0.1


async def serve_detached(served_name: str, words: Sequence[str], told: Callable[[str], None]) -> EngineRecord:
    """Have a process in a session of its own run ``symposia models serve WORDS``, and wait until its engine answers.

    ``served_name`` is what the model will be called; ``told`` hears each line that the process says. Cancelled, it ends the
    process. Raises :class:`EngineError` with the last words of a process that gave up.
    """
    running = RunningEngines()
    log = running.log_path(served_name)
    with log.open("wb") as out:
        keeper = subprocess.Popen(  # noqa: S603, ASYNC220 - our own command line, which outlives the event loop
            [sys.executable, "-m", "symposia.cli", "models", "serve", *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=out,
            start_new_session=True,
        )
    # Waits for the process, in a program that lives longer than it: no zombie stays behind.
    threading.Thread(target=keeper.wait, name=f"symposia-serve-{keeper.pid}", daemon=True).start()
    try:
        with log.open(encoding="utf-8", errors="replace") as said:
            while keeper.poll() is None:
                record = running.find(served_name)
                if record is not None and record.owner.pid == keeper.pid and record.endpoint is not None:
                    return record
                for line in said:
                    told(line.rstrip())
                await asyncio.sleep(_LOOK)
    except BaseException:
        keeper.terminate()
        await asyncio.to_thread(keeper.wait)
        raise
    raise EngineError(_last_words(log))


def _last_words(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].removeprefix("symposia: ") if lines else f"the process that should serve it ended without a word in {log}"
