r"""Arithmetic as a model writes it, read and computed exactly. Never evaluates anything else.

Grammar, on ASCII and LaTeX signs alike (``\times``, ``\cdot``, ``\div``, ``\frac{…}{…}``, ``[`` for ``(``)::

    sum     = product (("+" | "-") product)*
    product = value (("*" | "/" | nothing, before a parenthesis) value)*
    value   = digits | "(" sum ")" | "\frac{" sum "}{" sum "}"

No signs before a value, no powers, no roots, no decimals. What is longer or deeper than four numbers ever need is refused, so
that hostile text costs no time.
"""

from __future__ import annotations

import re
from fractions import Fraction
from typing import NamedTuple

from ...core.answers.numerals import fold

MAX_CHARS = 300
MAX_DEPTH = 20

_NOTHING = re.compile(r"\\(?:left|right|[bB]igg?[lr]?|displaystyle|[,;:! ])(?![A-Za-z])|[\s$]|\\[()\[\]]")
_SIGNS = ((re.compile(r"\\(?:times|cdot|ast)(?![A-Za-z])"), "*"), (re.compile(r"\\div(?![A-Za-z])"), "/"))
_FRACTION = re.compile(r"\\[dtc]?frac(?![A-Za-z])")
_TOKEN = re.compile(r"[0-9]+|[-+*/(){}F]")


class ArithmeticProblem(ValueError):  # noqa: N818 - a sentence for the reason of a grade
    """Why a text is no arithmetic, as the end of a sentence."""


class Computed(NamedTuple):
    """The value of an expression and the numbers in it, from left to right."""

    value: Fraction
    numbers: tuple[int, ...]


def compute(text: str) -> Computed:
    """Read and compute ``text``. Raises :class:`ArithmeticProblem` where it is no arithmetic, or divides by zero."""
    if len(text) > MAX_CHARS:
        raise ArithmeticProblem("is too long")
    reader = _Reader(_tokens(text))
    found = reader.sum(0)
    if reader.here:
        raise ArithmeticProblem(f"has {reader.here!r} where an operation was expected")
    return found


def _tokens(text: str) -> list[str]:
    text = fold(text)
    for sign, plain in _SIGNS:
        text = sign.sub(f" {plain} ", text)
    text = _FRACTION.sub("F", text.replace("F", "?"))
    text = re.sub(r"(?<=[0-9])\s+(?=[0-9])", "?", text)  # 1 2 is not 12
    text = _NOTHING.sub("", text).replace("[", "(").replace("]", ")")
    rest = _TOKEN.sub("", text)
    if rest:
        raise ArithmeticProblem("holds more than numbers, + - * / and parentheses")
    return _TOKEN.findall(text)


class _Reader:
    """A recursive-descent parser over tokens."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._position = 0

    @property
    def here(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _take(self, wanted: str = "") -> str:
        token = self.here
        if not token or (wanted and token != wanted):
            raise ArithmeticProblem(f"has {token!r} where {wanted or 'a number'!r} was expected" if token else "breaks off")
        self._position += 1
        return token

    def sum(self, depth: int) -> Computed:
        left = self._product(depth)
        while self.here in {"+", "-"}:
            minus = self._take() == "-"
            right = self._product(depth)
            left = Computed(left.value - right.value if minus else left.value + right.value, left.numbers + right.numbers)
        return left

    def _product(self, depth: int) -> Computed:
        left = self._value(depth)
        while self.here in {"*", "/", "("}:
            over = self._take() == "/" if self.here != "(" else False
            right = self._value(depth)
            if over and not right.value:
                raise ArithmeticProblem("divides by zero")
            left = Computed(left.value / right.value if over else left.value * right.value, left.numbers + right.numbers)
        return left

    def _value(self, depth: int) -> Computed:
        if depth > MAX_DEPTH:
            raise ArithmeticProblem("is nested too deeply")
        token = self._take()
        if token.isdecimal():
            return Computed(Fraction(int(token)), (int(token),))
        if token == "(":  # noqa: S105 - a parenthesis
            return self._enclosed(depth, ")")
        if token == "F":  # noqa: S105 - the mark of a fraction
            self._take("{")
            above = self._enclosed(depth, "}")
            self._take("{")
            below = self._enclosed(depth, "}")
            if not below.value:
                raise ArithmeticProblem("divides by zero")
            return Computed(above.value / below.value, above.numbers + below.numbers)
        raise ArithmeticProblem(f"has {token!r} where a number was expected")

    def _enclosed(self, depth: int, end: str) -> Computed:
        found = self.sum(depth + 1)
        self._take(end)
        return found
