"""What runs code that a model wrote: code in, an execution out, under limits that always hold.

Code is never trusted. It sees its inputs and nothing else: no file, address, variable or process of this machine. Whatever it
does, running it raises nothing: how it ended is part of the execution, and a sandbox that cannot be had is an error before any
code is run, never a step down to a weaker one.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

from pydantic import Field

from .base import Frozen


class Limits(Frozen):
    """What an execution may take. Passing one ends it."""

    seconds: float = Field(default=5.0, gt=0, le=600, allow_inf_nan=False)
    """By the clock."""
    memory: int = Field(default=256 * 2**20, ge=2**20)
    """Bytes."""
    output: int = Field(default=64 * 2**10, ge=0)
    """Bytes of stdout and stderr together; what was written before is kept."""
    files: int = Field(default=16 * 2**20, ge=0)
    """Bytes of files that it may write, which are gone with it. Sandboxes without files allow none."""


class Ending(StrEnum):
    """How an execution ended."""

    OK = "ok"
    ERROR = "error"
    """The code raised, or cannot be parsed."""
    UNSUPPORTED = "unsupported"
    """It wants what this sandbox does not have: a module, a part of the language."""
    DENIED = "denied"
    """It reached for what no code may have: files, the network, other processes."""
    TIME = "time"
    MEMORY = "memory"
    OUTPUT = "output"
    CRASHED = "crashed"
    """Its process died: a signal, a broken interpreter."""


class Execution(Frozen):
    """What came of running code."""

    ending: Ending
    value: Any = None
    """Of its last expression, as JSON; the ``repr`` of what JSON cannot hold. None where it has none."""
    stdout: str = ""
    stderr: str = ""
    error: str | None = None
    """One line about what went wrong, such as ``ZeroDivisionError: division by zero (line 3)``; None where nothing did."""
    seconds: float = 0.0
    """By the clock."""
    cpu_seconds: float | None = None
    """None where it was not measured."""
    peak_memory: int | None = None
    """Bytes. None where it was not measured."""

    @property
    def ok(self) -> bool:
        """Whether it ran to its end."""
        return self.ending is Ending.OK


class Sandbox(Protocol):
    """Runs code. Many executions may be under way at a time; none sees anything of another."""

    @property
    def name(self) -> str:
        """As configured: ``monty``, ``bubblewrap``, ``wasi``, ``unsafe``."""
        ...

    async def run(self, code: str, *, inputs: Mapping[str, Any] | None = None, limits: Limits | None = None) -> Execution:
        """Run Python code with ``inputs`` (JSON) as global variables.

        Cancelling ends the code too. Raises :class:`SandboxError` where the sandbox itself cannot be had or broke down; never
        for anything the code does.
        """
        ...

    async def close(self) -> None:
        """End every process of it."""
        ...
