"""Output that is kept: a stream that lets no secret through."""

from __future__ import annotations

import sys
from typing import Any, TextIO

from ..memory.redact import Redactor


class Redacted:
    """A text stream before another one; everything but writing is the other's."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        self._stream = stream
        self._redactor = redactor

    def write(self, text: str) -> int:
        """Write ``text`` without its secrets, at once: who reads a log wants its last line."""
        self._stream.write(self._redactor.text(text))
        self._stream.flush()
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def redact_output() -> None:
    """Let no secret out of this process by stdout and stderr."""
    redactor = Redactor()
    sys.stdout, sys.stderr = Redacted(sys.stdout, redactor), Redacted(sys.stderr, redactor)
