"""Fail points: named places at which a test can kill the process, to prove that a run survives a crash there.

``SYMPOSIA_FAILPOINT=NAME:K`` sends SIGKILL to the process the K-th time it passes NAME. Costs one comparison when unset.
"""

from __future__ import annotations

import os
import signal

_NAME, _, _COUNT = os.environ.get("SYMPOSIA_FAILPOINT", "").partition(":")
_left = int(_COUNT or 1)


def pass_point(name: str) -> None:
    """Pass the fail point ``name``."""
    global _left  # noqa: PLW0603 - counts passes of this process
    if name != _NAME:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
