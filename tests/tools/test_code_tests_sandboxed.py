"""The same programs in the sandboxes that there are: what passes and what fails is not for the sandbox to decide."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from symposia.core.sandbox import Limits
from symposia.testing.tool_context import ScriptedContext
from symposia.tools.code_tests import TOOL
from symposia.tools.sandbox.opening import open_sandbox

from .programs import ATTACKS, VALUES, blocks


@pytest.fixture(params=["bubblewrap", "monty"])
async def sandboxed(request: pytest.FixtureRequest) -> AsyncIterator[ScriptedContext]:
    sandbox = open_sandbox(request.param)
    yield ScriptedContext(execute=lambda code: sandbox.run(code, limits=Limits(seconds=1)))
    await sandbox.close()


async def test_right_programs_pass_and_no_trick_does(sandboxed: ScriptedContext) -> None:
    failed = {}
    for what, block in blocks(VALUES).items():
        program, _, test = block.partition("---\n")
        result = await TOOL.call({"program": program, "tests": [test]}, sandboxed)
        if result.error or result.output["failure"]:
            failed[what] = result
    assert not failed
    fooled = {}
    for what, program in blocks(ATTACKS).items():
        result = await TOOL.call({"program": program, "tests": ["assert add(2, 2) == 4"]}, sandboxed)
        if result.error or result.output["passed"]:
            fooled[what] = result
    assert not fooled
