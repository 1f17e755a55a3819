"""What a zygote sends back about a snippet, read: a record of its own, and what the snippet's process says of itself.

The second is bytes of a process that ran foreign code and may say anything. It is read as JSON and nothing else, and can say no
more than how its own snippet ended.
"""

from __future__ import annotations

import json
import signal
from typing import Any, Literal, NoReturn

from pydantic import Field, ValidationError

from ...core.base import Frozen
from ...core.sandbox import Ending, Execution, Limits
from .inside.values import MOST_BYTES
from .requests import one_line

MOST_REPORT = MOST_BYTES + 4096
"""Bytes of what a snippet's process says: its value, and a line about how it ended."""


class Record(Frozen):
    """What a zygote says of an execution."""

    seconds: float = Field(ge=0, allow_inf_nan=False)
    cpu_seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    peak_memory: int | None = Field(default=None, ge=0)
    exit_code: int
    """Minus the number of the signal that ended the process, where one did."""
    over: Literal["output", "report", "files"] | None
    """Of what there was too much, so that it was ended."""
    clean: bool
    """Whether nothing is left of it, so that another snippet may run there."""
    sizes: tuple[int, int, int]
    """Bytes of stdout, stderr and report, which follow."""


class _Report(Frozen):
    """What the process of a snippet says of itself."""

    ending: Literal["ok", "error", "unsupported", "denied", "memory"]
    error: str | None


class Part(Frozen):
    """How it ended, with a sentence where not well and the value where well."""

    ending: Ending
    error: str | None = None
    value: Any = None


def execution_of(record: Record, stdout: bytes, stderr: bytes, report: bytes, limits: Limits) -> Execution:
    """The execution that all this tells of."""
    part = _part(record, report, limits)
    return Execution(
        ending=part.ending,
        value=part.value,
        stdout=stdout.decode(errors="replace"),
        stderr=stderr.decode(errors="replace"),
        error=part.error and one_line(part.error),
        seconds=record.seconds,
        cpu_seconds=record.cpu_seconds,
        peak_memory=record.peak_memory,
    )


def too_long(limits: Limits) -> str:
    """The sentence for code whose time was up."""
    return f"it took more than {limits.seconds:g} seconds"


def _part(record: Record, report: bytes, limits: Limits) -> Part:
    if record.over == "output":
        return Part(ending=Ending.OUTPUT, error=f"it wrote more than {limits.output} bytes")
    if record.over == "report":
        return Part(ending=Ending.ERROR, error="its value is too large to be given back")
    if record.over == "files":
        return Part(ending=Ending.DENIED, error=f"it wrote more than {limits.files} bytes into files, or too many of them")
    if record.exit_code == -signal.SIGXCPU:
        return Part(ending=Ending.TIME, error=too_long(limits))
    if record.exit_code:
        return Part(ending=Ending.CRASHED, error=_death(record.exit_code))
    return _read(report)


def _death(exit_code: int) -> str:
    if exit_code > 0:
        return f"its process ended by itself, with exit code {exit_code}"
    name = signal.Signals(-exit_code).name if -exit_code in {*signal.Signals} else f"signal {-exit_code}"
    return f"its process was ended by {name}"


def _read(report: bytes) -> Part:
    head, _, value = report.partition(b"\n")
    try:
        said = _Report.model_validate_json(head)
        return Part(ending=Ending(said.ending), error=said.error, value=json.loads(value, parse_constant=_refuse))
    except (ValidationError, ValueError, RecursionError):
        return Part(ending=Ending.CRASHED, error="its process ended without saying what came of it")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
