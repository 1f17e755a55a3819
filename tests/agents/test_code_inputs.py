"""Inputs for programs: found in questions, read from replies; and what is run for them, and what came of it."""

from __future__ import annotations

import pytest

from symposia.agents.code_inputs import Call, Function, Typed, common_function, examples, most_read_input, read_inputs
from symposia.agents.code_runs import behaviour, code_for
from symposia.core.sandbox import Ending, Execution

ADD = "def add(a, b):\n    return a + b"


@pytest.mark.parametrize(
    ("line", "call"),
    [
        ("assert add(2, 3) == 5", Call("add", "(2, 3, )", "")),
        ("  - `assert set(add([1], (2,))) == {1}`", Call("add", "([1], (2,), )", "")),
        (">>> add(-1, b={'k': None})", Call("add", "(-1, )", ", b={'k': None}")),
        ("assert add() is None", Call("add", "()", "")),
    ],
)
def test_calls_in_shown_tests(line: str, call: Call) -> None:
    assert examples(f"Write add.\n{line}\n{line}\n") == [call]


@pytest.mark.parametrize(
    "line",
    [
        "assert add(x, 2)",
        "assert len([1]) == 1",
        "assert add(*[1])",
        "we assert add(1) == 2",
        "assert a.add(1)",
        "assert add((",
        ">>> 1",
    ],
)
def test_what_is_no_call_with_plain_values(line: str) -> None:
    assert examples(line) == []


def test_typed_examples_stand_below_their_heading() -> None:
    question = (
        "Input\nA number.\nOutput\nIts double.\n\n**Examples**\nInput\n3 1\n2\n\nOutput\n6\n\nInput:\n```\n4\n```\nOutput:\n8\n"
    )
    assert examples(question) == [Typed("3 1\n2\n"), Typed("4\n")]
    assert examples("Sample Input 1:\n3\nSample Output 1:\n6\n") == [Typed("3\n")]
    assert examples("Input\nA number.\nOutput\nIts double.\n") == []


def test_examples_take_linear_time() -> None:
    assert examples("Example\n" + "input\n" * 30_000) == []
    assert examples(">>> " * 30_000 + "(" * 30_000) == []


def test_inputs_are_read_once_each_and_by_the_name_that_programs_have() -> None:
    function = Function("add", "add(a, b)")
    reply = '```json\n["g(1, 2)", "add(1, 2)", "add(open(\'x\'))", "add(3, 4)", 5, "add(5, 6)", "[add(7, 8)]"]\n```'
    assert read_inputs(reply, function, 2) == [Call("add", "(1, 2, )", ""), Call("add", "(3, 4, )", "")]
    assert len(read_inputs(reply, function, 9)) == 3
    assert read_inputs('["1\\n2\\n", "1\\n2\\n", ""]', None, 9) == [Typed("1\n2\n"), Typed("")]


@pytest.mark.parametrize("reply", ["none", "{}", '{"a": ["add(1)"]}', "[1, 2]", ""])
def test_replies_without_inputs(reply: str) -> None:
    assert read_inputs(reply, Function("add", "add(a)"), 9) == []


def test_the_function_is_that_of_most_programs_or_of_the_question() -> None:
    programs = ["def helper(x): ...\ndef plus(a, *, b=1): ...", "def plus(p, q): ...", "def add(a, b): ...", "no Python"]
    assert common_function(programs, "Add.") == Function("plus", "plus(a, b)")
    assert common_function(programs, "Write `add`.") == Function("add", "add(a, b)")
    assert common_function(["x = 1", "class A:\n    def f(self): ..."], "?") is None


def test_programs_that_read_their_input_are_known() -> None:
    assert most_read_input(["n = int(input())", "import sys\nn = sys.stdin.read()", ADD])
    assert most_read_input(["from sys import stdin\nprint(stdin.read())"])
    assert not most_read_input(["n = int(input())", ADD])


def test_demonstrations_and_tests_of_its_own_are_left_out() -> None:
    program = f"import math\n{ADD}\nassert add(1, 1) == 3\nprint(add(1, 2))\nif __name__ == '__main__':\n    print(1)"
    code = code_for(program, Call("plus", "(1, )", ", b=2"))
    assert code.startswith(f"import math\n\n{ADD}\n_symposia_given = (1, )\n_symposia_got = add(*_symposia_given, b=2)\n")
    assert code_for(program, None) == program
    assert code_for("no Python", Call("f", "()", "")).startswith("no Python\n")


def test_what_is_typed_is_read_line_by_line_or_as_a_stream() -> None:
    lines = code_for("from __future__ import annotations\nprint(input())", Typed("a\nb\n"))
    assert "['a', 'b']" in lines
    assert "import" not in lines
    assert "io.StringIO('a\\n')" in code_for("import sys\nprint(sys.stdin.read())", Typed("a\n"))


def ok(value: object = None, stdout: str = "") -> Execution:
    return Execution(ending=Ending.OK, value=value, stdout=stdout)


def test_equal_behaviour_is_equal_text() -> None:
    call = Call("f", "()", "")
    assert behaviour("p", call, ok(0.1 + 0.2)) == behaviour("q", call, ok(0.3))
    assert behaviour("p", call, ok({"b": [2.0], "a": 1})) == behaviour("q", call, ok({"a": 1, "b": [2]}))
    assert behaviour("p", call, ok(1)) != behaviour("p", call, ok(True)) != behaviour("p", call, ok("1"))
    assert behaviour("p", call, ok(1, "x")) != behaviour("p", call, ok(1))
    assert behaviour("p", Typed(""), ok(1, "a  \nb\n\n")) == behaviour("q", Typed(""), ok(None, "a\nb"))
    assert behaviour("p", None, ok()) != behaviour("q", None, ok())
    assert behaviour("p", None, ok(1)) == behaviour("q", None, ok(1))
    assert behaviour("p", call, Execution(ending=Ending.TIME)) is None
