"""The QUESTION argument: a text, ``-`` for standard input, ``@FILE`` for a file."""

from __future__ import annotations

import sys
from pathlib import Path

from ..core.errors import ProblemError
from ..core.problem import MAX_QUESTION_CHARS


def read_question(argument: str) -> str:
    """The text asked. Raises :class:`ProblemError` where it cannot be read."""
    if argument == "-":
        # A little more than is allowed is enough to refuse it: the rest of a huge pipe is not read.
        return sys.stdin.buffer.read(4 * MAX_QUESTION_CHARS + 4).decode("utf-8", errors="replace")
    if not argument.startswith("@"):
        return argument
    path = Path(argument[1:])
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ProblemError(f"the question file {path} cannot be read: {error.strerror or error}") from None
