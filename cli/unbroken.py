"""Standard error that cannot break a command: what is said there is for people, and no reason to fail when nobody reads it."""

from __future__ import annotations

import contextlib
import io
import sys
from typing import Any, TextIO


class Unbroken:
    """A text stream before another one: what cannot be written is dropped. Everything else is the other's."""

    def __init__(self, stream: TextIO | io.TextIOBase) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write ``text`` if that is possible."""
        with contextlib.suppress(OSError):  # the terminal is gone, the reader of the pipe went away, the disk is full
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        """Flush if that is possible."""
        with contextlib.suppress(OSError):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def keep_stderr_unbroken() -> None:
    """From now on nothing fails because standard error is closed, full or gone."""
    # Where it was closed before the start it is None, which `print` takes for standard output. A TextIOBase takes nothing.
    sys.stderr = Unbroken(io.TextIOBase() if sys.stderr is None else sys.stderr)
