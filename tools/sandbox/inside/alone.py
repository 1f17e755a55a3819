"""One snippet in a process of its own, with no wall around it: what the sandbox ``unsafe`` starts."""

from __future__ import annotations

import json
import os
from pathlib import Path

from . import rlimits, snippet
from .frames import read_frame

_SIZES = Path("/proc/self/statm")


def main(home: str, report: str) -> None:
    """Read a request from standard input, run it, and write what came of it into the file ``report``."""
    request = json.loads(read_frame(0) or b"")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    snippet.open_output()
    rlimits.apply(rlimits.Caps(request["seconds"], _memory(request["memory"]), request["files"]))
    said = snippet.run(request["code"], request["inputs"], home)
    Path(report).write_bytes(said[: request["report"] + 1])


def _memory(allowed: int) -> int | None:
    """What the interpreter takes already comes on top. None where the system does not say: macOS holds nobody to it either."""
    if not _SIZES.exists():
        return None
    return int(_SIZES.read_text(encoding="ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE") + allowed
