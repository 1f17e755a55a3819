"""What counts as a program that computes, and what a program may mean by its value."""

from __future__ import annotations

import pytest

from symposia.agents.verifiers.program.translation import computes, readings
from symposia.core.answers import extract
from symposia.core.problem import AnswerKind


@pytest.mark.parametrize(
    "program",
    [
        "answer = 18",
        "a = 9\nanswer = a",
        "answer = float('18')\nprint(answer)",
        "from fractions import Fraction\nanswer = Fraction(18)",
        "import sympy\nanswer = sympy.Rational(9, 2)",
        "answer = 'B'  # 2 + 2 is 4",
        "answer = -18",
        "answer = (1, 2)",
        "",
    ],
)
def test_a_program_that_only_states_a_value_computes_nothing(program: str) -> None:
    assert not computes(program)


@pytest.mark.parametrize(
    "program",
    [
        "answer = 9 * 2",
        "answer = 9\nanswer += 9",
        "answer = sum([9, 9])",
        "from sympy import symbols, solve\nx = symbols('x')\nanswer = solve(x)",
        "answer = 0\nfor _ in '12':\n    answer = 18",
        "answer = 'B' if 2 < 3 else 'A'",
        "answer = [n for n in (18,)]",
        "what is this",
    ],
)
def test_everything_else_is_run(program: str) -> None:
    assert computes(program)


def test_a_percentage_may_be_a_share() -> None:
    half = extract("The answer is \\boxed{50\\%}.", AnswerKind.NUMBER)
    assert half is not None
    assert [(each.value, each.unit) for each in readings(half)] == [("50", "%"), ("1/2", None)]
    dollars = extract("The answer is \\boxed{\\$50}.", AnswerKind.NUMBER)
    assert dollars is not None
    assert readings(dollars) == (dollars,)
    named = half.model_copy(update={"value": "x"})
    assert readings(named) == (named,)
