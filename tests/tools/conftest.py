"""A sandbox for tools that run code."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from symposia.core.sandbox import Limits
from symposia.testing.tool_context import ScriptedContext
from symposia.tools.sandbox.opening import open_sandbox


@pytest.fixture
async def sandboxed() -> AsyncIterator[ScriptedContext]:
    """A context whose programs run in the sandbox that starts at once."""
    sandbox = open_sandbox("monty")
    yield ScriptedContext(execute=lambda code: sandbox.run(code, limits=Limits(seconds=1)))
    await sandbox.close()
