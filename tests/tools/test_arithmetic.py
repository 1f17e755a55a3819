# ruff: noqa: RUF001 - characters that look alike are what this is about
"""Arithmetic: exact as long as it can be, read as people write it, bounded whatever is asked."""

from __future__ import annotations

import ast
import operator
import random
import time
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.tools.arithmetic import close, decimal, evaluate, written
from symposia.tools.functions import FUNCTIONS, MAX_BITS, ArithmeticProblem


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1+2*3", "7"),
        ("(1+2)*3", "9"),
        ("7/2", "7/2"),
        ("0.1+0.2", "3/10"),
        ("-7//2", "-4"),
        ("-7 mod 3", "2"),
        ("7 % 3", "1"),
        ("2**10", "1024"),
        ("2^3^2", "512"),
        ("-2**2", "-4"),
        ("2**-3", "1/8"),
        ("0**0", "1"),
        ("(-1)**99999999999", "-1"),
        ("4**(1/2)", "2"),
        ("(-8)**(1/3)", "-2"),
        ("(8/27)**(2/3)", "4/9"),
        ("1e5", "100000"),
        ("1.5e-3", "3/2000"),
        ("1,234.5*2", "2469"),
        ("1'000", "1000"),
        ("$1,000 - 5%", "19999/20"),
        ("20% of 50", "10"),
        ("50%", "1/2"),
        ("50% - 3", "-5/2"),
        ("5%*3", "3/20"),
        ("5 % (2+1)", "2"),
        ("2(3+4)", "14"),
        ("(1+2)(3+4)", "21"),
        ("3 x 4", "12"),
        ("3 × 4 ÷ 5", "12/5"),
        (r"\frac{3}{4} + 1", "7/4"),
        (r"3 \times \left(4 - 1\right)", "9"),
        (r"\sqrt{16}", "4"),
        ("√16", "4"),
        ("5²", "25"),
        ("5!", "120"),
        ("[1+2]*3=", "9"),
        ("max(1,234)", "234"),
        ("max(1.5, 2, -3)", "2"),
        ("min(3, 1)", "1"),
        ("abs(-3/2)", "3/2"),
        ("gcd(12, 18)", "6"),
        ("lcm(4, 6)", "12"),
        ("comb(52, 5)", "2598960"),
        ("perm(5, 2)", "20"),
        ("floor(-0.5)", "-1"),
        ("ceil(2.1)", "3"),
        ("round(2.5)", "3"),
        ("round(-2.5)", "-3"),
        ("round(2.675, 2)", "67/25"),
        ("round(1234, -2)", "1200"),
        ("log(8, 2)", "3"),
        ("log10(1000)", "3"),
        ("log2(1/8)", "-3"),
        ("cbrt(27)", "3"),
        ("factorial(5)", "120"),
        ("log10(10**400)", "400"),
        ("log(1/3**50, 3)", "-50"),
        ("٣+٤", "7"),
    ],
)
def test_exact_values(text: str, value: str) -> None:
    assert evaluate(text) == Fraction(value)
    assert isinstance(evaluate(text), Fraction)
    assert written(evaluate(text)) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("sqrt(2)", 1.4142135623731),
        ("2pi", 6.28318530717959),
        ("ln(e)", 1.0),
        ("ln(10**400)", 921.034037197618),
        ("log(10**300, 1.000001)", 690775873.2),
        ("log(1.5, 2)", 0.584962500721156),
        ("sin(pi/6)", 0.5),
        ("2**0.5 * 2", 2.82842712474619),
    ],
)
def test_what_has_no_exact_value_is_a_float(text: str, value: float) -> None:
    assert isinstance(evaluate(text), float)
    assert evaluate(text) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "it ends where a number was expected"),
        ("1/", "it ends where a number"),
        ("(1", "it ends where ')'"),
        ("1+2)", "there is ')'"),
        ("12 34", "there is '34' where an operation was expected"),
        ("1,2", "'1,2' is no number"),
        ("1/0", "it divides by zero"),
        ("5 % 0", "it divides by zero"),
        ("0**-1", "it divides by zero"),
        ("import os", "there is no function 'import'"),
        ("__import__('os')", "there is no function '__import__'"),
        ("().__class__", "there is ')'"),
        ("sqr(4)", "but there is 'sqrt'"),
        ("sqrt(-2)", "no real number"),
        ("log(8)", "log needs its base"),
        ("log(0, 2)", "log has no value there"),
        ("ln(-1)", "no value"),
        ("asin(2)", "no value"),
        ("gcd(1.5, 2)", "gcd takes whole numbers only"),
        ("factorial(-1)", "whole numbers from 0"),
        ("comb(5)", "comb takes 2 arguments, not 1"),
        ("max()", "there is ')'"),
        ("1 @ 2", "'@' means nothing"),
        ("x + 1", "there is"),
        ("9**9**9", "its value is too large"),
        ("801!", "too large"),
        ("3!!!!", "too large"),
        ("1e99999", "too large"),
        ("exp(1000)", "too large"),
        ("10**400 * 1.5**0.5", "too large"),
        ("comb(10**6, 5*10**5)", "too large"),
        ("perm(10**9, 10**6)", "too large"),
        ("(" * 50 + "1", "nested too deeply"),
        ("-" * 500 + "1", "nested too deeply"),
        ("2^" * 100 + "2", "nested too deeply"),
        ("1+" * 2000 + "1", "longer than 2000"),
        ("abs(" * 60 + "1", "nested too deeply"),
        ("lcm(2**8000-1, 2**7999-1)", "too large"),
    ],
)
def test_what_has_no_value_is_a_sentence(text: str, problem: str) -> None:
    began = time.process_time()
    with pytest.raises(ArithmeticProblem) as error:
        evaluate(text)
    assert problem in str(error.value)
    assert time.process_time() - began < 1


@st.composite
def expressions(draw: st.DrawFn) -> str:
    """Expressions that Python reads as we do."""
    inner = st.integers(0, 999).map(str)
    return draw(
        st.recursive(
            inner,
            lambda parts: st.one_of(
                st.tuples(parts, st.sampled_from(["+", "-", "*", "/", "//", "%"]), parts).map(
                    lambda p: f"({p[0]}) {p[1]} ({p[2]})"
                ),
                parts.map(lambda part: f"-({part})"),
                st.tuples(parts, st.integers(0, 3)).map(lambda p: f"({p[0]})**{p[1]}"),
            ),
            max_leaves=8,
        )
    )


_OPERATIONS = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv, ast.Mod: operator.mod,
}  # fmt: skip


def slow(node: ast.expr) -> Fraction:
    """The same by Python's own parser."""
    match node:
        case ast.Constant(value=int(value)):
            return Fraction(value)
        case ast.UnaryOp(operand=operand):
            return -slow(operand)
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(power))):
            return slow(left) ** power
        case ast.BinOp(left=left, op=op, right=right):
            return Fraction(_OPERATIONS[type(op)](slow(left), slow(right)))
    raise AssertionError(ast.dump(node))


@settings(max_examples=150, deadline=None)
@given(expressions())
def test_it_agrees_with_a_slow_independent_reader(text: str) -> None:
    try:
        expected = slow(ast.parse(text, mode="eval").body)
    except ZeroDivisionError:
        with pytest.raises(ArithmeticProblem, match="divides by zero"):
            evaluate(text)
    else:
        assert evaluate(text) == expected


def test_no_text_takes_long_or_raises_anything_else() -> None:
    draw = random.Random(7)
    pieces = [*"0123456789+-*/^%!().,e{} []", "**", "//", *FUNCTIONS, "pi", " of ", r"\frac", "9**9", "999", "x", "é", "²"]
    began = time.process_time()
    said: set[str] = set()
    for _ in range(2_000):
        text = "".join(draw.choices(pieces, k=draw.randint(1, 25)))
        try:
            value = evaluate(text)
        except ArithmeticProblem as problem:
            said.add(str(problem))
        else:
            assert not isinstance(value, Fraction) or value.numerator.bit_length() <= MAX_BITS
            assert written(value)
            assert decimal(value)
    assert not any("\n" in problem for problem in said)
    assert time.process_time() - began < 20


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("1/3", "0.333333333333"),
        ("10**30", "1e+30"),
        ("1/10**30", "1e-30"),
        ("7/2", "3.5"),
        ("100", "100"),
        ("123456789*1000", "123456789000"),
    ],
)
def test_decimals(text: str, shown: str) -> None:
    assert decimal(evaluate(text)) == shown


def test_floats_are_compared_within_their_own_precision() -> None:
    assert close(evaluate("sqrt(2)**2"), Fraction(2))
    assert not close(evaluate("sqrt(2)"), Fraction("1.4142"))
    assert close(Fraction(1, 3), Fraction("0.33"), Fraction("0.005"))
