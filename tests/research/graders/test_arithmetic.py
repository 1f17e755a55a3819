"""Arithmetic of the Game of 24: the parser, its limits, and the rule."""

from __future__ import annotations

import contextlib
import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.core.problem import AnswerKind
from symposia.research.graders.arithmetic import ArithmeticProblem, compute


@pytest.mark.parametrize(
    ("text", "value", "numbers"),
    [
        ("1 + 2 * 3", 7, (1, 2, 3)),
        ("(1 + 2) * 3", 9, (1, 2, 3)),
        ("8 - 3 - 2", 3, (8, 3, 2)),
        ("8 / 4 / 2", 1, (8, 4, 2)),
        ("8 / (3 - 8/3)", 24, (8, 3, 8, 3)),
        (r"8 \div \left(3 - \frac{8}{3}\right)", 24, (8, 3, 8, 3)),
        (r"\dfrac{2+4}{3} \times 12", 24, (2, 4, 3, 12)),
        ("6 × 4 ÷ 1 − 0", 24, (6, 4, 1, 0)),  # noqa: RUF001
        ("(2)(12)", 24, (2, 12)),
        ("2(12)", 24, (2, 12)),
        ("[(1+2) * 4] * 2", 24, (1, 2, 4, 2)),
        ("$12 + 12$", 24, (12, 12)),
    ],
)
def test_arithmetic_is_computed_exactly(text: str, value: int, numbers: tuple[int, ...]) -> None:
    assert compute(text) == (Fraction(value), numbers)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "breaks off"),
        ("1 +", "breaks off"),
        ("(1 + 2", "breaks off"),
        ("1 + 2)", r"has '\)'"),
        ("-1 + 25", "has '-'"),
        ("1 2", "more than numbers"),
        ("4!", "more than numbers"),
        ("2^3", "more than numbers"),
        ("2 ** 3", r"has '\*'"),
        ("2.5 * 4", "more than numbers"),
        ("x + 1", "more than numbers"),
        ("F + 1", "more than numbers"),
        ("__import__('os')", "more than numbers"),
        (r"\sqrt{16}", "more than numbers"),
        (r"\frac{1}2", "has '2'"),
        ("1 / (2 - 2)", "divides by zero"),
        (r"\frac{1}{2-2}", "divides by zero"),
        ("(" * 30 + "1" + ")" * 30, "nested too deeply"),
        ("1+" * 200 + "1", "too long"),
        ("9" * 100_000, "too long"),
    ],
)
def test_what_is_no_arithmetic_is_refused(text: str, said: str) -> None:
    start = time.process_time()
    with pytest.raises(ArithmeticProblem, match=said):
        compute(text)
    assert time.process_time() - start < 1


EXPRESSIONS = st.recursive(
    st.integers(0, 30).map(str),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/"), inner).map(lambda parts: f"({parts[0]} {parts[1]} {parts[2]})"),
    max_leaves=8,
)


@given(EXPRESSIONS)
def test_the_value_is_that_of_python(text: str) -> None:
    exact = "".join(
        f"Fraction({part})" if part.isdecimal() else part for part in text.replace("(", "( ").replace(")", " )").split()
    )
    try:
        expected = eval(exact, {"Fraction": Fraction})
    except ZeroDivisionError:
        with pytest.raises(ArithmeticProblem):
            compute(text)
    else:
        assert compute(text).value == expected


@given(st.text(max_size=400) | st.text(alphabet="0123456789+-*/(){}[]F\\frac =.", max_size=400))
def test_nothing_else_is_ever_raised(text: str) -> None:
    with contextlib.suppress(ArithmeticProblem):
        compute(text)


GAMES = [
    (r"\boxed{(10 - 4) \times (5 - 1)}", [1, 4, 5, 10], 1, "comes to 24 with 1 4 5 10"),
    (r"\boxed{(10 - 4) * (5 - 1) = 24}", [4, 10, 1, 5], 1, "comes to 24"),
    (r"\boxed{24 = (10 - 4) * (5 - 1)}", [1, 4, 5, 10], 1, "comes to 24"),
    (r"\boxed{(10 - 4) * (5 - 1) = 6 * 4 = 24}", [1, 4, 5, 10], 1, "comes to 24"),
    (r"\boxed{(10 - 4) * (5 - 1) = 25}", [1, 4, 5, 10], 0, "comes to 25, not 24"),
    ("The answer is (10 - 4) * (5 - 1) = 24.", [1, 4, 5, 10], 1, "comes to 24"),
    (r"The answer is $(10 - 4) \cdot (5 - 1)$, which is 24.", [1, 4, 5, 10], 1, "comes to 24"),
    (r"\boxed{\frac{8}{3 - \frac{8}{3}}}", [3, 3, 8, 8], 1, "comes to 24"),
    (r"\boxed{12 + 12}", [1, 2, 1, 2], 0, "uses 12 12, not 1 1 2 2"),
    (r"\boxed{6 * 4}", [1, 4, 5, 10], 0, "uses 4 6, not 1 4 5 10"),
    (r"\boxed{(10 - 4) * (5 - 1) * 1}", [1, 4, 5, 10], 0, "uses 1 1 4 5 10"),
    (r"\boxed{10 + 4 + 5 + 1}", [1, 4, 5, 10], 0, "comes to 20, not 24"),
    (r"\boxed{24}", [1, 4, 5, 10], 0, "uses 24, not 1 4 5 10"),
    (r"\boxed{10 / (4 - 4) + 5}", [4, 4, 5, 10], 0, "divides by zero"),
    (r"\boxed{4! + 0}", [0, 4], 0, "more than numbers"),
    ("It comes to 24 in the end", [1, 4, 5, 10], 0, "24, not"),
    ("I found nothing", [1, 4, 5, 10], 0, "no readable answer"),
]


@pytest.mark.parametrize(("text", "numbers", "credit", "reason"), GAMES)
async def test_game_of_24(graded, text: str, numbers: list[int], credit: int, reason: str) -> None:
    grade = await graded("game24", text, "", AnswerKind.EXPRESSION, numbers=numbers)
    assert grade.credit == credit
    assert reason in grade.reason
