"""How code ended in CPython, told from what it raised."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_REFUSED = frozenset(
    {
        *(errno.EPERM, errno.EACCES, errno.EROFS, errno.ENOSYS),
        *(errno.EFBIG, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE),
        *(errno.ENETUNREACH, errno.ENETDOWN, errno.EHOSTUNREACH, errno.EAFNOSUPPORT, errno.ECONNREFUSED),
    }
)
_UNRESOLVED = frozenset({"gaierror", "herror"})
"""Names of hosts that cannot be looked up, because there is no network."""


def ending_of(error: BaseException, home: str) -> str:
    """The ending of code that raised ``error``, as :class:`core.sandbox.Ending` spells it. ``home`` is its working folder."""
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, ImportError):
        return "unsupported"
    if isinstance(error, OSError) and _denied(error, home):
        return "denied"
    return "error"


def _denied(error: OSError, home: str) -> bool:
    reason = getattr(error, "reason", None)  # as urllib wraps what went wrong
    if isinstance(reason, OSError):
        return _denied(reason, home)
    if isinstance(error, PermissionError) or error.errno in _REFUSED or type(error).__name__ in _UNRESOLVED:
        return True
    place = error.filename
    if not isinstance(place, (str, bytes)):
        return False
    try:
        return not Path(os.fsdecode(place)).resolve().is_relative_to(home)  # what lies outside is not there, so it is not found
    except (OSError, RuntimeError):  # links in a circle
        return False
