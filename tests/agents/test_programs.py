"""Programs in replies: found, run for their value, and read for an answer of the problem's kind."""

from __future__ import annotations

from typing import Any

import pytest

from symposia.agents.programs import binds, find_program, read_value, solution, what_is_wrong, with_value
from symposia.core.candidate import ExtractionRule
from symposia.core.problem import AnswerKind
from symposia.core.sandbox import Ending, Execution

NUMBER, EXPRESSION, CHOICE, JSON = AnswerKind.NUMBER, AnswerKind.EXPRESSION, AnswerKind.CHOICE, AnswerKind.JSON


def done(value: Any = None, stdout: str = "") -> Execution:
    return Execution(ending=Ending.OK, value=value, stdout=stdout)


@pytest.mark.parametrize(
    ("text", "program"),
    [
        ("```python\na = 1\n```", "a = 1"),
        ("Here:\n```py\na = 1\n```\nand\n```python\nb = 2\n```\nDone.", "b = 2"),
        ("```python\na = 1\n```\nIt prints\n```\n1\n```", "a = 1"),
        ("```\na = 1\n```", "a = 1"),
        ("```json\n{}\n```", None),
        ("1. So:\n   ```python\n   a = 1\n   if a:\n       b = 2\n   ```", "a = 1\nif a:\n    b = 2"),
        ("```python\na = 1\nb = ", "a = 1\nb = "),
        ("```python\na = 1\n```python\nb = 2\n```", "b = 2"),
        ("answer = 6 * 7", "answer = 6 * 7"),
        ("The answer is 42.", None),
        ("```python\n\n```", None),
        ("", None),
        ("`answer = 1`", None),
    ],
)
def test_the_program_of_a_reply(text: str, program: str | None) -> None:
    assert find_program(text) == program


@pytest.mark.parametrize(
    ("program", "bound"),
    [
        ("answer = 1", True),
        ("if x:\n    answer = 1", True),
        ("for answer in range(3):\n    pass", True),
        ("a, (answer, b) = f()", True),
        ("answer += 1", True),
        ("answer: int = 3", True),
        ("with f() as answer:\n    pass", True),
        ("print(answer)", False),
        ("answer == 1", False),
        ("def f():\n    answer = 1", False),
        ("class A:\n    answer = 1", False),
        ("'''\nanswer = 1\n'''", False),
        ("[answer for answer in x]", False),
        ("answer = (", False),
        ("(" * 5000, False),
        ("\0", False),
    ],
)
def test_what_binds_an_answer(program: str, bound: bool) -> None:
    assert binds(program, "answer") is bound
    assert with_value(program) == (f"{program}\nanswer" if bound else program)


@pytest.mark.parametrize(
    ("kind", "execution", "answer"),
    [
        (NUMBER, done(18), "18"),
        (NUMBER, done(18.0), "18"),
        (NUMBER, done(0.1 + 0.2), "3/10"),
        (NUMBER, done(1e20), "100000000000000000000"),
        (NUMBER, done(-2.5e-7), "-1/4000000"),
        (NUMBER, done("18 dollars"), "18"),
        (NUMBER, done([18]), "18"),
        (NUMBER, done(None, "first 3\nso 18\n"), "18"),
        (NUMBER, done("no idea", "18"), "18"),
        (NUMBER, done([1, 2]), None),
        (NUMBER, done(True), None),
        (NUMBER, done(float("inf")), None),
        (NUMBER, done({"a": 1}), None),
        (NUMBER, done(10**400), "1" + "0" * 400),
        (NUMBER, done(), None),
        (EXPRESSION, done("sqrt(2)"), "sqrt(2)"),
        (EXPRESSION, done("3/2"), "3/2"),
        (EXPRESSION, done("[2]"), "2"),
        (EXPRESSION, done("{sqrt(2)}"), "sqrt(2)"),
        (CHOICE, done("B"), "B"),
        (CHOICE, done("(C)"), "C"),
        (CHOICE, done(2), None),
        (JSON, done({"b": [1, 2]}), '{"b":[1,2]}'),
        (JSON, done([1]), "[1]"),
        (JSON, done('{"a": 1}'), '{"a":1}'),
        (NUMBER, Execution(ending=Ending.TIME, stdout="18"), None),
        (NUMBER, Execution(ending=Ending.ERROR, value=18), None),
    ],
)
def test_the_answer_of_an_execution(kind: AnswerKind, execution: Execution, answer: str | None) -> None:
    found = read_value(execution, kind)
    assert (found and found.value.replace(" ", "")) == answer
    if found is not None:
        assert found.rule is ExtractionRule.PROGRAM


def test_a_number_inside_a_sentence_counts_where_it_may() -> None:
    printed = done(None, "She has 18 apples left")
    assert read_value(printed, NUMBER) is not None
    assert read_value(printed, NUMBER, last_number=False) is None


@pytest.mark.parametrize(
    ("program", "execution", "said"),
    [
        (None, None, "holds no Python program"),
        ("x", Execution(ending=Ending.ERROR, error="NameError: x (line 1)"), "NameError: x (line 1)"),
        ("x", Execution(ending=Ending.TIME), "did not end in time"),
        ("x", Execution(ending=Ending.CRASHED), "the program was ended: crashed"),
        ("x", done(), "bound nothing to `answer` and printed nothing"),
        ("x", done([1, 2]), "gave [1, 2], where one number is wanted"),
        ("x", done(None, "hello\n"), 'gave "hello", where one number is wanted'),
    ],
)
def test_what_is_said_of_a_program_without_an_answer(program: str | None, execution: Execution | None, said: str) -> None:
    assert said in what_is_wrong(program, execution, NUMBER)


def test_a_candidate_shows_the_program_and_its_output() -> None:
    assert solution("P", None) == "P"
    assert solution("P\n", done(7, "hi\n")) == "P\n\nOutput:\nhi\nanswer = 7"
    assert solution("P", Execution(ending=Ending.ERROR, error="E", stdout="hi")) == "P\n\nOutput:\nhi\nE"
    assert len(solution("P", done("x" * 100_000))) < 3_000
