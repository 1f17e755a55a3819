"""A download in progress: ``NAME.part``, which holds the first bytes of the file, and ``NAME.part.json`` beside it.

Every source gives the same file, so a prefix from one can be continued by another; the sha256 over the whole decides in the
end. The state beside the part only says what each source needs to go on. An interruption at any point leaves both usable.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ..core.model_spec import Weights

_RATE_SECONDS = 5.0
_REPORT_SECONDS = 0.1

Phase = Literal["waiting", "downloading", "verifying"]


class Progress(NamedTuple):
    """How far a pull has come."""

    phase: Phase
    """``waiting`` for another process that pulls the same file, ``downloading``, or ``verifying`` the sha256."""
    done: int
    """Bytes, of ``total``; what was there from an earlier attempt is counted."""
    total: int
    rate: float
    """Bytes a second, over the last five seconds."""
    source: str
    """Where the bytes come from now."""


OnProgress = Callable[[Progress], None]


class Meter:
    """Turns byte counts into :class:`Progress`, ten times a second at most."""

    def __init__(self, total: int, listener: OnProgress | None) -> None:
        self._total = total
        self._listener = listener
        self._seen: deque[tuple[float, int]] = deque()
        self._stage: tuple[Phase, str] = ("downloading", "")
        self._reported = 0.0

    def stage(self, phase: Phase, source: str = "") -> None:
        """Begin a phase; its first count is reported at once."""
        self._stage = (phase, source)
        self._seen.clear()
        self._reported = 0.0

    def at(self, done: int) -> None:
        """``done`` bytes of the file are there now."""
        if self._listener is None:
            return
        now = time.monotonic()
        if now - self._reported < _REPORT_SECONDS and done < self._total:
            return
        self._reported = now
        self._seen.append((now, done))
        while now - self._seen[0][0] > _RATE_SECONDS and len(self._seen) > 2:
            self._seen.popleft()
        began, first = self._seen[0]
        rate = max(0.0, (done - first) / (now - began)) if now > began else 0.0
        phase, source = self._stage
        self._listener(Progress(phase, min(done, self._total), self._total, rate, source))


class Partial:
    """The unfinished file of ``weights`` in ``folder``."""

    def __init__(self, folder: Path, weights: Weights) -> None:
        self.weights = weights
        self.target = folder / weights.file
        self.path = folder / f"{weights.file}.part"
        self._state_path = folder / f"{weights.file}.part.json"
        self._state = self._read()

    def have(self) -> int:
        """Bytes there, none of them beyond the file's size."""
        try:
            return min(self.path.stat().st_size, self.weights.size)
        except FileNotFoundError:
            return 0

    def get(self, key: str) -> Any:
        """What :meth:`put` noted, in this or an earlier attempt; None where nothing was."""
        return self._state.get(key)

    def put(self, key: str, value: Any) -> None:
        """Note something for a later attempt, on disk before this returns."""
        self._state[key] = value
        self._write()

    def write_at(self, offset: int, data: bytes) -> None:
        """Write ``data`` at ``offset``, which must lie within what is there or right behind it."""
        with self.path.open("r+b" if self.path.exists() else "w+b") as file:
            file.seek(offset)
            file.write(data)

    def truncate(self, size: int) -> None:
        """Drop everything from byte ``size`` on."""
        if self.path.exists():
            os.truncate(self.path, size)

    def finish(self) -> Path:
        """Put the file into its place, in one step."""
        self.path.replace(self.target)
        self._state_path.unlink(missing_ok=True)
        return self.target

    def discard(self) -> None:
        """Delete part and state."""
        self.path.unlink(missing_ok=True)
        self._state_path.unlink(missing_ok=True)
        self._state = self._fresh()

    def _fresh(self) -> dict[str, Any]:
        return {"sha256": self.weights.sha256}

    def _read(self) -> dict[str, Any]:
        try:
            state = json.loads(self._state_path.read_text())
        except (FileNotFoundError, ValueError):
            state = None
        if isinstance(state, dict) and state.get("sha256") == self.weights.sha256:
            return state
        # A part without its state, or of another version of the file, is worth nothing.
        self.path.unlink(missing_ok=True)
        return self._fresh()

    def _write(self) -> None:
        self._state_path.parent.mkdir(parents=True, exist_ok=True)
        scratch = self._state_path.with_suffix(".json.new")
        scratch.write_text(json.dumps(self._state))
        scratch.replace(self._state_path)
