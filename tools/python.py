"""``python``: runs a program in the sandbox."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ..core.base import Frozen
from ..core.sandbox import Limits
from ..core.tooling import Permission, ToolContext
from .tool import Tool

_MAX_CODE = 100_000
_SECONDS_TO_START = 30.0
"""Beside the program's own seconds: the first call may have to start the sandbox."""


class Program(Frozen):
    """Arguments of ``python``."""

    code: str = Field(
        max_length=_MAX_CODE,
        description="The program. What it prints and the value of its last expression are given back; nothing is kept.",
    )


def make(limits: Limits) -> Tool[Program]:
    """The tool under these limits."""

    async def run(arguments: Program, context: ToolContext) -> dict[str, Any]:
        execution = await context.execute(arguments.code, limits=limits)
        return execution.model_dump(mode="json", include={"value", "stdout", "stderr", "error"})

    return Tool(
        name="python",
        description="Runs a Python program, without files and network, and gives what it printed, its value and its error.",
        arguments=Program,
        work=run,
        permissions=frozenset({Permission.SANDBOX}),
        timeout=limits.seconds + _SECONDS_TO_START,
        settings=limits,
        rebuild=make,
    )


TOOL = make(Limits())
