"""How code ended in monty, told from what monty raised: pure rules over its type, its message and where it was raised.

monty has a part of Python only. Whoever runs code there wants to know whether it is wrong or whether another sandbox could run
it: what CPython has and monty has not is :attr:`Ending.UNSUPPORTED`, although monty raises an ordinary error.
"""

from __future__ import annotations

import builtins
import re
from typing import NamedTuple

from ...core.sandbox import Ending

_LIMIT = "feed time limit exceeded"
_NOT_YET = re.compile(r"not yet support|cannot create '.*' instances")
_NO_NAME = re.compile(r"name '(\w+)' is not defined")
_NO_ATTRIBUTE = re.compile(r"'(\w+)' object has no attribute '(\w+)'")
_NO_MODULE_ATTRIBUTE = re.compile(r"module '[\w.]+' has no attribute")
_NO_SYSTEM = re.compile(r"'[\w.]+' is not supported in this environment")


class Raised(NamedTuple):
    """What ended the code."""

    kind: str
    """The name of its class."""
    message: str
    traced: bool
    """Whether it has a place in the code. What monty itself raises at a limit has none."""
    reached: bool
    """Whether the code asked the operating system for something."""


def ending_of(raised: Raised) -> Ending:
    """How an execution ended that raised this."""
    kind, message = raised.kind, raised.message
    if kind == "TimeoutError" and message.startswith(_LIMIT) and not raised.traced:
        return Ending.TIME
    if kind == "MemoryError":
        return Ending.MEMORY
    if raised.reached and (kind == "PermissionError" or _NO_SYSTEM.match(message)):
        return Ending.DENIED
    if kind in {"ModuleNotFoundError", "ImportError"} or _lacks(kind, message):
        return Ending.UNSUPPORTED
    return Ending.ERROR


def _lacks(kind: str, message: str) -> bool:
    """Whether CPython has what monty says is not there."""
    if kind in {"NotImplementedError", "TypeError"}:
        return bool(_NOT_YET.search(message))
    if kind == "NameError" and (found := _NO_NAME.fullmatch(message)):
        return hasattr(builtins, found[1])
    if kind == "AttributeError":
        if found := _NO_ATTRIBUTE.fullmatch(message):
            return hasattr(getattr(builtins, found[1], None), found[2])
        return bool(_NO_MODULE_ATTRIBUTE.match(message))
    return False
