"""What every sandbox does alike: values, output, errors, inputs, limits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from symposia.core.errors import SandboxError, UnknownNameError, UsageError
from symposia.core.sandbox import Ending, Limits, Sandbox
from symposia.tools.sandbox.opening import SANDBOXES, open_sandbox

in_one_loop = pytest.mark.asyncio(loop_scope="module")


@in_one_loop
@pytest.mark.parametrize(
    ("code", "value"),
    [
        ("1 + 1", 2),
        ("x = 3", None),
        ("", None),
        ("x = 3\nx * 2", 6),
        ("(1, 'a', None, True, {'k': [2.5]})", [1, "a", None, True, {"k": [2.5]}]),
        ("'é' + chr(0x1F600) + '\\u4e2d'", "é😀中"),
        ("{1: 2}", "{1: 2}"),
        ("float('nan')", "nan"),
        ("[1.0, float('inf')]", "[1.0, inf]"),
        ("{3}", "{3}"),
        ("2**200", 2**200),
        ("def f():\n    return 5\nf()", 5),
    ],
)
async def test_the_value_is_that_of_the_last_expression_as_json_or_else_as_text(sandbox: Sandbox, code: str, value: Any) -> None:
    execution = await sandbox.run(code)
    assert execution.ok, execution
    assert execution.value == value
    assert execution.error is None
    assert execution.seconds > 0


@in_one_loop
async def test_inputs_are_globals_and_outputs_are_kept_apart(sandbox: Sandbox) -> None:
    code = "import sys\nprint('ü', data['k'])\nprint('w', file=sys.stderr)\nflag"
    execution = await sandbox.run(code, inputs={"data": {"k": [1, 2]}, "flag": None})
    assert (execution.stdout, execution.stderr, execution.value) == ("ü [1, 2]\n", "w\n", None)


@in_one_loop
async def test_inputs_that_are_no_json_or_no_names_are_the_callers_mistake(sandbox: Sandbox) -> None:
    for inputs in ({"x": object()}, {"x": float("nan")}, {"x": {1, 2}}, {"not a name": 1}, {"for": 1}, {"x": 10**5000}):
        with pytest.raises(UsageError, match="input"):
            await sandbox.run("1", inputs=inputs)


@in_one_loop
@pytest.mark.parametrize(
    ("code", "ending", "error"),
    [
        ("x = 1\n1 / 0", Ending.ERROR, "ZeroDivisionError: division by zero (line 2)"),
        ("def f():\n    return [][1]\nf()", Ending.ERROR, "IndexError: list index out of range (line 2)"),
        ("raise ValueError('a\\nb')", Ending.ERROR, "ValueError: a b (line 1)"),
        ("raise KeyboardInterrupt", Ending.ERROR, "KeyboardInterrupt (line 1)"),
        ("import zork", Ending.UNSUPPORTED, "ModuleNotFoundError: No module named 'zork' (line 1)"),
    ],
)
async def test_an_error_is_one_line_with_the_line_of_the_code(sandbox: Sandbox, code: str, ending: Ending, error: str) -> None:
    execution = await sandbox.run(code)
    assert (execution.ending, execution.error, execution.value) == (ending, error, None)


@in_one_loop
async def test_what_cannot_be_parsed_is_an_error_with_its_line(sandbox: Sandbox) -> None:
    execution = await sandbox.run("x = 1\ny = = 2\n")
    assert execution.ending is Ending.ERROR
    assert execution.error
    assert execution.error.startswith("SyntaxError")
    assert "(line 2)" in execution.error


@in_one_loop
async def test_what_was_written_before_a_limit_is_kept(sandbox: Sandbox) -> None:
    late = await sandbox.run("print('early')\nwhile True:\n    pass", limits=Limits(seconds=1))
    assert late.ending is Ending.TIME
    assert late.error == "it took more than 1 seconds"
    assert late.seconds >= 1
    if sandbox.name != "monty":  # which hands over what is printed when a buffer is full or the code ends
        assert late.stdout == "early\n"
    loud = await sandbox.run("while True:\n    print('é' * 10)", limits=Limits(output=100))
    assert loud.ending is Ending.OUTPUT
    assert loud.error == "it wrote more than 100 bytes"
    assert 90 <= len(loud.stdout.encode()) <= 110
    assert loud.stdout.startswith("é" * 10)
    quiet = await sandbox.run("1", limits=Limits(output=0))
    assert quiet.ok


@in_one_loop
async def test_a_limit_of_memory_ends_it_and_the_next_has_its_own(sandbox: Sandbox) -> None:
    small, large = Limits(memory=32 * 2**20), Limits(memory=512 * 2**20)
    code = "x = [0] * 10_000_000\nlen(x)"
    assert (await sandbox.run(code, limits=small)).ending is Ending.MEMORY
    assert (await sandbox.run(code, limits=large)).value == 10_000_000


@in_one_loop
async def test_executions_see_nothing_of_one_another(sandbox: Sandbox) -> None:
    """Fifty at a time on two workers: each leaves what the others would see, and finds nothing."""
    code = """
try:
    seen = mark
except NameError:
    seen = None
mark = mine
print(mine)
[seen, mark]
"""
    done = await asyncio.gather(*(sandbox.run(code, inputs={"mine": number}) for number in range(50)))
    assert [execution.value for execution in done] == [[None, number] for number in range(50)]
    assert [execution.stdout for execution in done] == [f"{number}\n" for number in range(50)]


@in_one_loop
async def test_cancelling_ends_the_code_and_the_next_runs(sandbox: Sandbox) -> None:
    for code in ("while True:\n    pass", "import time\ntime.sleep(100)"):
        running = asyncio.create_task(sandbox.run(code, limits=Limits(seconds=100)))
        await asyncio.sleep(0.3)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(3):
                await running
        assert (await sandbox.run("1")).value == 1


@in_one_loop
async def test_closing_ends_what_runs_and_nothing_runs_after(fresh: Sandbox) -> None:
    await fresh.run("1")
    running = asyncio.create_task(fresh.run("while True:\n    pass", limits=Limits(seconds=100)))
    await asyncio.sleep(0.3)
    await fresh.close()
    async with asyncio.timeout(3):
        assert (await running).ending is Ending.CRASHED
    with pytest.raises(SandboxError, match=f"{fresh.name} is closed"):
        await fresh.run("1")
    await fresh.close()


def test_a_sandbox_is_opened_by_its_name_only() -> None:
    assert SANDBOXES == ("monty", "bubblewrap", "unsafe")
    with pytest.raises(UnknownNameError, match="did you mean 'bubblewrap'"):
        open_sandbox("bublewrap")
    with pytest.warns(RuntimeWarning, match="can read and do what you can"):
        assert open_sandbox("unsafe").name == "unsafe"
