"""What the kernel lets the process of a snippet take: set by that process on itself, before the snippet is run, for good."""

from __future__ import annotations

import math
import resource
from typing import NamedTuple

_OPEN_FILES = 64
_STACK = 8 * 2**20


class Caps(NamedTuple):
    """The limits of one snippet."""

    seconds: float
    """By the clock. Here it bounds processor time, somewhat above it: the clock itself is watched from outside."""
    memory: int | None
    """Bytes of address space, what the interpreter takes itself included; None where this machine has no such limit."""
    files: int
    """Bytes of a file that it writes."""


def apply(caps: Caps) -> None:
    """Hold this process to ``caps``. Raises :class:`OSError` or :class:`ValueError` where the kernel refuses."""
    _set(resource.RLIMIT_CPU, math.ceil(caps.seconds) + 1)
    _set(resource.RLIMIT_FSIZE, caps.files)
    _set(resource.RLIMIT_NOFILE, _OPEN_FILES)
    _set(resource.RLIMIT_STACK, _STACK)
    _set(resource.RLIMIT_CORE, 0)
    if caps.memory is not None:
        _set(resource.RLIMIT_AS, caps.memory)


def _set(what: int, most: int) -> None:
    hard = resource.getrlimit(what)[1]
    allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(what, (allowed, allowed))
