"""``python``: a program's value, output and error, under the limits of whoever runs it."""

from __future__ import annotations

import pytest

from symposia.core.errors import ConfigError, UnknownNameError
from symposia.core.sandbox import Ending, Execution
from symposia.testing.tool_context import ScriptedContext
from symposia.tools.python import TOOL


def ending(execution: Execution) -> ScriptedContext:
    return ScriptedContext(execute=lambda _: execution)


async def test_value_output_and_error_are_given_back() -> None:
    assert (
        await TOOL.call({"code": "print('hi')\n6 * 7"}, ending(Execution(ending=Ending.OK, value=42, stdout="hi\n")))
    ).output == {
        "value": 42,
        "stdout": "hi\n",
        "stderr": "",
        "error": None,
    }


@pytest.mark.parametrize("how", [Ending.ERROR, Ending.TIME, Ending.MEMORY, Ending.DENIED, Ending.UNSUPPORTED, Ending.CRASHED])
async def test_a_program_that_fails_is_an_output_that_says_so(how: Ending) -> None:
    result = await TOOL.call({"code": "1/0"}, ending(Execution(ending=how, error="it failed", stdout="before")))
    assert result.error is None
    assert result.output["error"] == "it failed"
    assert result.output["stdout"] == "before"


async def test_limits_are_settings_and_no_argument_reaches_them() -> None:
    tool = TOOL.configured({"seconds": 2.0}).configured({"memory": 2**24})
    assert (tool.settings.seconds, tool.settings.memory) == (2.0, 2**24)  # type: ignore[attr-defined]
    assert tool.timeout < TOOL.timeout
    assert "unknown argument 'seconds'" in str((await tool.call({"code": "1", "seconds": 60}, ScriptedContext())).error)
    with pytest.raises(UnknownNameError, match="did you mean 'seconds'"):
        TOOL.configured({"second": 2})
    with pytest.raises(ConfigError, match="setting seconds=-1 of tool python"):
        TOOL.configured({"seconds": -1})


async def test_without_a_session_there_is_no_sandbox() -> None:
    assert "only in a session" in str((await TOOL.call({"code": "1"})).error)
