"""A scripted sandbox: it runs no code, and says of each program what a test wants it to say."""

from __future__ import annotations

import ast
import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any

from ..core.sandbox import Ending, Execution, Limits

_ASSIGNED = re.compile(r"^answer\s*=\s*(.+)$", re.MULTILINE)


def bound_answer(code: str) -> Execution:
    """The execution of a program that binds ``answer`` to a literal; without one, of a program that gives nothing."""
    assigned = _ASSIGNED.findall(code)
    try:
        value = ast.literal_eval(assigned[-1]) if assigned else None
    except (SyntaxError, ValueError):
        return Execution(ending=Ending.ERROR, error=f"NameError: FAKE cannot work out {assigned[-1]}")
    return Execution(ending=Ending.OK, value=value, seconds=0.001)


class ScriptedSandbox:
    """A :class:`~symposia.core.sandbox.Sandbox` that answers from a function of the code; give it to ``Session(sandbox=…)``.

    Args:
        run: what comes of a program; by default what it binds ``answer`` to.
        latency: seconds before each execution ends.
    """

    name = "scripted"

    def __init__(self, run: Callable[[str], Execution] = bound_answer, *, latency: float = 0.0) -> None:
        self.programs: list[str] = []
        """Every program, in order."""
        self.closed = False
        self._run = run
        self._latency = latency

    async def run(self, code: str, *, inputs: Mapping[str, Any] | None = None, limits: Limits | None = None) -> Execution:
        """See :class:`~symposia.core.sandbox.Sandbox`. Limits are not looked at."""
        del inputs, limits
        self.programs.append(code)
        await asyncio.sleep(self._latency)
        return self._run(code)

    async def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True
