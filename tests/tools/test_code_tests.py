"""A program passes a test by answering right; test_code_tests_sandboxed.py tries every other way."""

from __future__ import annotations

from typing import Any

import pytest

from symposia.testing.tool_context import ScriptedContext
from symposia.tools.code_tests import TOOL

RIGHT = "def add(a, b):\n    return a + b\n"
TESTS = ["assert add(2, 2) == 4", "assert add(-1, 1) == 0"]


async def tried(sandboxed: ScriptedContext, program: str, tests: list[str], setup: str = "") -> Any:
    return await TOOL.call({"program": program, "tests": tests, "setup": setup}, sandboxed)


async def test_the_part_of_the_tests_that_it_passes(sandboxed: ScriptedContext) -> None:
    result = await tried(sandboxed, "def add(a, b):\n    return abs(a) + abs(b)\n", TESTS)
    assert (result.output["passed"], result.output["tests"], result.output["fraction"]) == (1, 2, 0.5)
    assert result.output["failure"].startswith("test 2: AssertionError")
    assert result.output["failure"].endswith("(add(-1, 1) gave 2)")
    assert (await tried(sandboxed, RIGHT, TESTS)).output == {"passed": 2, "tests": 2, "fraction": 1.0, "failure": None}


async def test_tests_in_the_form_of_humaneval(sandboxed: ScriptedContext) -> None:
    setup = (
        "def check(candidate):\n    assert candidate([1.0, 2.0, 2.1], 0.3) is True\n    assert candidate([1.0], 0.3) is False\n"
    )
    program = "def near(xs, t):\n    return any(abs(a - b) < t for i, a in enumerate(xs) for b in xs[:i])\n"
    assert (await tried(sandboxed, program, ["check(near)"], setup)).output["passed"] == 1
    assert (await tried(sandboxed, "def near(xs, t):\n    return True\n", ["check(near)"], setup)).output["passed"] == 0


async def test_the_program_never_sees_what_is_expected(sandboxed: ScriptedContext) -> None:
    await TOOL.call({"program": RIGHT, "tests": ["assert add(2, 40) == 42 # forty-two"]}, sandboxed)
    with_program = [code for _, code in sandboxed.wanted if "def add" in code]
    assert len(with_program) == 1
    assert "42" not in with_program[0]
    assert all("def add" not in code for _, code in sandboxed.wanted if "42" in code)


@pytest.mark.parametrize(
    ("test", "error"),
    [
        ("assert add(", "test 1 is no Python: "),
        ("# nothing", "test 1 is empty"),
        ("assert add(len, 1)", "test 1 gives a function something that is no plain value: add(<built-in function len>"),
        ("n = 0\nwhile add(n, 1) < 10**6:\n    n += 1", "test 1 calls the program more than 3 times"),
    ],
)
async def test_a_test_that_cannot_be_tried_is_an_error_and_no_failure(
    sandboxed: ScriptedContext, test: str, error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("symposia.tools.code_tests.MAX_CALLS", 3)
    result = await tried(sandboxed, RIGHT, [test])
    assert (result.error or "").startswith(error)


async def test_a_call_that_several_tests_make_is_made_once(sandboxed: ScriptedContext) -> None:
    await TOOL.call({"program": RIGHT, "tests": ["x = add(1, 1)\nassert x == 2\nassert add(1, 1) == x"]}, sandboxed)
    assert len([code for _, code in sandboxed.wanted if "def add" in code]) == 1
