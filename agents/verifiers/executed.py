"""What running a program gave, for the model that wrote it and for the score that rests on it. Pure functions."""

from __future__ import annotations

from typing import Any

from ...core.candidate import Evidence
from ...core.problem import AnswerKind
from ...core.sandbox import Execution
from ..programs import shortened, what_is_wrong

TOOL = "sandbox"
"""The name of the tool in evidence that is a program."""


def outcome(program: str, execution: Execution) -> dict[str, str]:
    """``output``, ``value`` and ``error``, those that there are, as short texts; an empty output where there is nothing."""
    said: dict[str, Any] = {}
    if execution.stdout.strip():
        said["output"] = shortened(execution.stdout.rstrip())
    if execution.ok and execution.value is not None:
        said["value"] = shortened(str(execution.value))
    if not execution.ok:
        said["error"] = shortened(what_is_wrong(program, execution, AnswerKind.EXPRESSION))
    return said or {"output": ""}


def evidence(program: str, execution: Execution, **about: Any) -> Evidence:
    """A program and what came of it; ``about`` says further what it was written for."""
    given = outcome(program, execution)
    error = given.pop("error", None)
    return Evidence(tool=TOOL, input={**about, "program": program}, output=given or None, error=error)
