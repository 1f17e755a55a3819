"""The canonical form: every way of writing a number, an expression or a choice that models are known to use."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.core.answers import canonical
from symposia.core.problem import AnswerKind

NUMBER, EXPRESSION, CHOICE = AnswerKind.NUMBER, AnswerKind.EXPRESSION, AnswerKind.CHOICE

NUMBERS = [
    ("5", "5", None),
    ("+5", "5", None),
    ("-5", "-5", None),
    ("\u22125", "-5", None),
    ("5.", "5", None),
    ("007", "7", None),
    ("3.50", "7/2", None),
    ("3.5", "7/2", None),
    ("7/2", "7/2", None),
    (".5", "1/2", None),
    ("1 1/2", "3/2", None),
    ("-1 1/2", "-3/2", None),
    ("1\u00bd", "3/2", None),
    ("\u00be", "3/4", None),
    (r"\frac{3}{4}", "3/4", None),
    (r"\frac34", "3/4", None),
    (r"\dfrac{6}{8}", "3/4", None),
    (r"-\tfrac{3}{4}", "-3/4", None),
    (r"\frac{-3}{4}", "-3/4", None),
    (r"1\frac{1}{2}", "3/2", None),
    ("1.5e3", "1500", None),
    ("2E-2", "1/50", None),
    (r"1.5\times10^3", "1500", None),
    (r"1.5 \cdot 10^{-3}", "3/2000", None),
    ("1.5 \u00d7 10\u00b3", "1500", None),
    ("100000", "100000", None),
    ("100,000", "100000", None),
    ("1,00,000", "100000", None),
    ("1,234.50", "2469/2", None),
    ("1.234,50", "2469/2", None),
    ("1.234.567", "1234567", None),
    ("57,00", "57", None),
    ("57,00 $", "57", "$"),
    ("1'234", "1234", None),
    ("1\u2009234", "1234", None),
    ("1\u00a0234\u202f567", "1234567", None),
    (r"12\,345", "12345", None),
    (r"12,\!345", "12345", None),
    ("10{,}000", "10000", None),
    ("3 million", "3000000", None),
    ("$2.5 billion", "2500000000", "$"),
    ("x = 5", "5", None),
    ("$x = 5$", "5", None),
    (r"\text{Total} = 5", "5", None),
    ("3 + 4 = 7", "7", None),
    (r"\left( -5 \right)", "(-5)", None),
    ("10:30", "10:30", None),
    ("10:30 a.m.", "10:30 am", None),
    ("1e999999", "1e999999", None),
    ("\u09eb\u09ed", "57", None),
    ("\u0663\u066b\u0665", "7/2", None),
    ("\uff11\uff12", "12", None),
    ("$18", "18", "$"),
    (r"\$18", "18", "$"),
    (r"$\$18$", "18", "$"),
    ("$18$", "18", None),
    ("18$", "18", "$"),
    ("18 dollars", "18", "$"),
    ("USD 18", "18", "$"),
    ("-$5", "-5", "$"),
    ("$-5", "-5", "$"),
    ("\u20b9500", "500", "\u20b9"),
    ("25 cents", "25", "cent"),
    ("50%", "50", "%"),
    (r"50\%", "50", "%"),
    (r"50 \%", "50", "%"),
    ("50 per cent", "50", "%"),
    ("0.5", "1/2", None),
    ("5 apples", "5", "apple"),
    ("5 red apples", "5", None),
    ("5 left", "5", None),
    (r"5\text{ cm}^2", "5", "cm^2"),
    (r"5 \mathrm{cm}", "5", "cm"),
    ("5 square centimetres", "5", "cm^2"),
    ("12 hours", "12", "hour"),
    ("60 miles per hour", "60", "mile/hour"),
    ("60 mph", "60", "mile/hour"),
    (r"40^\circ", "40", "degree"),
    (r"25^{\circ}\text{C}", "25", "\u00b0C"),
    ("5 units", "5", None),
    (r"2\pi", r"2\pi", None),
    (r"\pi", r"\pi", None),
    (r"36\pi \text{ cm}^2", r"36\pi", "cm^2"),
    (r"\text{2.5}", "5/2", None),
    ("5 apples and 3 pears", "5", None),
    ("46\u5143", "46", "yuan"),
]

EXPRESSIONS = [
    (r"\left(3, \dfrac{\pi}{2}\right)", r"(3,\frac{\pi}{2})"),
    (r"(3,\frac\pi2)", r"(3,\frac{\pi}{2})"),
    ("[2, 5)", "[2, 5)"),
    (r"\sqrt 2", r"\sqrt{2}"),
    ("x^{2}", "x^2"),
    ("x\u00b2", "x^2"),
    ("2\u03c0 r", r"2\pi r"),
    (r"\sin x", r"\sin x"),
    ("f(x) = 2x + 1", "2x+1"),
    ("x^2 + y^2 = 4", "x^2+y^2=4"),
    ("1,2", "1, 2"),
    ("1, 2", "1, 2"),
    ("(1,2)", "(1, 2)"),
    ("101, 110", "101, 110"),
    ("101 and 110", "101, 110"),
    ("1{,}5", "3/2"),
    (r"-2 \text{ and } 3", "-2, 3"),
    (r"180^\circ - 90^\circ = 100", "100"),
    (r"\text{Evelyn}", "Evelyn"),
    (r"\textbf{not enough information}", "not enough information"),
    ("5m", "5m"),
    (r"\frac{1}{0}", r"\frac{1}{0}"),
    (r"\boxed{5}", "5"),
    (r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}", r"\begin{pmatrix}1\\2\end{pmatrix}"),
]


@pytest.mark.parametrize(("raw", "value", "unit"), NUMBERS)
def test_a_number_has_one_form(raw: str, value: str, unit: str | None) -> None:
    assert canonical(raw, NUMBER) == (value, unit)


@pytest.mark.parametrize(("raw", "value"), EXPRESSIONS)
def test_an_expression_has_one_spelling(raw: str, value: str) -> None:
    assert canonical(raw, EXPRESSION) == (value, None)


@pytest.mark.parametrize(
    ("raw", "value", "unit"), [(r"36\pi \text{ cm}^2", r"36\pi", "cm^2"), (r"\frac{x}{2}\%", r"\frac{x}{2}", "%")]
)
def test_a_unit_stands_apart_from_a_formula(raw: str, value: str, unit: str) -> None:
    assert canonical(raw, EXPRESSION) == (value, unit)


@pytest.mark.parametrize(
    ("raw", "language", "value"),
    [
        ("1.234", "en", "617/500"),
        ("1.234", "de", "1234"),
        ("1,234", "en", "1234"),
        ("1,234", "fr", "617/500"),
        ("0.125", "de", "1/8"),
    ],
)
def test_a_lone_separator_is_read_by_language(raw: str, language: str, value: str) -> None:
    assert canonical(raw, NUMBER, language=language) == (value, None)


@pytest.mark.parametrize(
    ("raw", "letters"),
    [("B", "B"), ("b", "B"), ("(B)", "B"), (r"\text{B}", "B"), ("CA", "AC"), ("A, C", "AC"), ("(A) and (D)", "AD"), ("I", "I")],
)
def test_letters_are_sorted(raw: str, letters: str) -> None:
    assert canonical(raw, CHOICE) == (letters, None)


@pytest.mark.parametrize("kind", list(AnswerKind))
@pytest.mark.parametrize("raw", ["", "  ", "\n\t"])
def test_an_empty_text_is_no_answer(raw: str, kind: AnswerKind) -> None:
    assert canonical(raw, kind) is None


@pytest.mark.parametrize("raw", ["None", "null", "NaN", "N/A", r"\text{None}"])
@pytest.mark.parametrize("kind", [NUMBER, EXPRESSION])
def test_the_words_for_no_answer_are_none(raw: str, kind: AnswerKind) -> None:
    assert canonical(raw, kind) is None


def test_json_is_compared_by_value() -> None:
    assert canonical('{"b": 1.0, "a": [true, "x"]}', AnswerKind.JSON) == ('{"a":[true,"x"],"b":1}', None)
    assert canonical("NaN", AnswerKind.JSON) is None
    assert canonical("[" * 100_000, AnswerKind.JSON) is None


def test_a_tool_call_has_no_textual_form() -> None:
    assert canonical('{"name": "f"}', AnswerKind.TOOL_CALL) is None


MARKS = "0123456789xyabI.,'/+-=^_{}()[]$%<>&!:;~* \\"
PIECES = [
    r"\frac", r"\dfrac", r"\sqrt", r"\text{", r"\left", r"\right", r"\pi", r"\boxed{", r"\,", r"\!", r"\ ", r"\circ", r"\$",
    r"\%", r"\cdot", r"\times", " and ", "apples", " cm", "**", "`", "10:30", "per", "million", "\u00bd", "\u00b2", "\u00a0",
    "\u2009", "\u221a", "\ud800", "The answer is", "####", "\n",
]  # fmt: skip
LATEX = st.lists(st.sampled_from([*MARKS, *PIECES]), max_size=25).map("".join)


@settings(deadline=None)
@given(text=LATEX | st.text(max_size=40), kind=st.sampled_from(AnswerKind))
def test_canonical_values_are_fixed_points(text: str, kind: AnswerKind) -> None:
    first = canonical(text, kind)
    if first is None:
        return
    assert first.value.strip()
    assert first.unit != ""
    again = canonical(first.value, kind)
    assert again is not None
    assert again.value == first.value


@settings(deadline=None)
@given(value=st.fractions(max_denominator=10**6))
def test_fractions_survive_a_round_trip(value: Fraction) -> None:
    for text in (str(value), rf"\frac{{{value.numerator}}}{{{value.denominator}}}"):
        for kind in (NUMBER, EXPRESSION):
            assert canonical(text, kind) == (str(value), None)


@settings(deadline=None)
@given(value=st.integers(-(10**18), 10**18), separator=st.sampled_from([",", "'", "\u2009", "\u00a0", r"\,", "{,}"]))
def test_thousands_separators_change_nothing(value: int, separator: str) -> None:
    assert canonical(f"{value:,}".replace(",", separator), NUMBER) == (str(value), None)


@settings(deadline=None)
@given(value=st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**9), max_value=10**9))
def test_decimals_are_exact(value: object) -> None:
    assert canonical(f"{value:f}", NUMBER) == (str(Fraction(str(value))), None)
