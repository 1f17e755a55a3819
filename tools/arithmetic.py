r"""Arithmetic as people and models write it, computed exactly as long as it can be.

Values are fractions; what has no exact one (a root of 2, a logarithm, a sine) is a float and stays one. Nothing but arithmetic is
ever evaluated, and every number is bounded before it is made, so that ``9**9**9`` is a sentence and costs no time.

Grammar, on ASCII and LaTeX signs alike::

    sum     = product (("+" | "-") product)*
    product = signed (("*" | "/" | "//" | "mod" | "%" | "of" | nothing, before a parenthesis or a name) signed)*
    signed  = ("+" | "-") signed | power
    power   = behind (("**" | "^") signed)?
    behind  = value ("!" | "%")*
    value   = digits | name | name "(" sum ("," sum)* ")" | "(" sum ")" | "\frac{" sum "}{" sum "}"

A ``%`` with a number, name or parenthesis right behind it is the remainder of a division, any other one is "per cent". A comma
groups digits, as in 1,234, but between the parentheses of a function it stands between two arguments.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction

from ..core.answers.numerals import DIGITS, fold, read_digits
from ..core.errors import nearest
from .functions import CONSTANTS, FUNCTIONS, ArithmeticProblem, Arity, Number, bounded, power, rational

MAX_CHARS = 2_000
MAX_DEPTH = 40
_SHOWN_DIGITS = 12

_NOTHING = re.compile(r"\\(?:left|right|[bB]igg?[lr]?|displaystyle|[,;:! ])(?![A-Za-z])|\\?[$€£¥₹]|\\[()\[\]]")
_SPELLINGS = (
    (re.compile(r"\\(?:times|cdot|ast)(?![A-Za-z])"), " * "),
    (re.compile(r"\\div(?![A-Za-z])"), " / "),
    (re.compile(r"\\[dtc]?frac(?![A-Za-z])"), " frac "),
    (re.compile(r"\\%"), "%"),
    (re.compile(r"\\(?=[A-Za-z])"), " "),
)
_SPACE = re.compile(r"\s*")
_GROUPED = re.compile(rf"{DIGITS}(?:[eE][+-]?[0-9]+)?")
_PLAIN = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SIGN = re.compile(r"\*\*|//|[-+*/^%!(){}\[\],]|[A-Za-z_][A-Za-z_0-9]*")
_OPENING = {"(": ")", "{": "}", "[": "]"}
_TIMES = frozenset({"*", "x", "X", "of"})
_OPERATIONS: dict[str, Callable[[Number, Number], Number]] = {
    "+": lambda left, right: left + right,
    "-": lambda left, right: left - right,
    "*": lambda left, right: left * right,
    "/": lambda left, right: left / right,
    "//": lambda left, right: left // right,
    "%": lambda left, right: left % right,
    "mod": lambda left, right: left % right,
}
_DIVISIONS = frozenset({"/", "//", "%", "mod"})
_END = ""


def evaluate(text: str) -> Number:
    """The value of an expression: a fraction where it is exact, else a float.

    Raises :class:`ArithmeticProblem` where the text is no arithmetic, has no value, or one that is too large to write down.
    """
    if len(text) > MAX_CHARS:
        raise ArithmeticProblem(f"the expression is longer than {MAX_CHARS} characters")
    reader = _Reader(_one_spelling(text))
    value = reader.sum(0)
    if reader.here != _END:
        raise ArithmeticProblem(f"there is {reader.here!r} where an operation was expected")
    return value


def written(value: Number) -> str:
    """An integer, a reduced ``p/q``, or the digits of a float."""
    return str(value) if isinstance(value, Fraction) else f"{value:.15g}"


def decimal(value: Number) -> str:
    """The value to 12 digits."""
    with localcontext(prec=_SHOWN_DIGITS):
        exact = rational(value)
        shown = (Decimal(exact.numerator) / Decimal(exact.denominator)).normalize()
    return f"{shown:f}" if -7 < shown.adjusted() < 21 else f"{shown:e}"


def _one_spelling(text: str) -> str:
    text = _NOTHING.sub("", fold(text))
    for spelling, plain in _SPELLINGS:
        text = spelling.sub(plain, text)
    return text.strip().rstrip("=").rstrip()


class _Reader:
    """A recursive-descent parser that computes as it reads: nothing is kept of what was read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._position = 0
        self._calls = 0  # functions whose parentheses are open
        self.here = _END
        self._number: Fraction | None = None
        self._advance()

    def _advance(self) -> None:
        """Go on to the next token: ``here``, and its value where it is a number."""
        at = self._skip_space(self._position)
        self._number = None
        if at == len(self._text):
            self.here, self._position = _END, at
            return
        digits = (_PLAIN if self._calls else _GROUPED).match(self._text, at)
        found = digits or _SIGN.match(self._text, at)
        if found is None:
            raise ArithmeticProblem(f"{self._text[at]!r} means nothing in arithmetic")
        self.here, self._position = found[0], found.end()
        if digits:
            self._number = _read_number(digits[0])

    def _skip_space(self, at: int) -> int:
        space = _SPACE.match(self._text, at)
        return space.end() if space else at

    def _take(self, *wanted: str) -> str:
        token = self.here
        if token not in wanted:
            raise ArithmeticProblem(_unexpected(token, " or ".join(repr(sign) for sign in wanted)))
        self._advance()
        return token

    def sum(self, depth: int) -> Number:
        value = self._product(depth)
        while self.here in {"+", "-"}:
            value = _computed(_OPERATIONS[self._take("+", "-")], value, self._product(depth))
        return value

    def _product(self, depth: int) -> Number:
        value = self._signed(depth)
        while (sign := self._factor_sign()) is not None:
            value = _computed(sign, value, self._signed(depth))
        return value

    def _factor_sign(self) -> Callable[[Number, Number], Number] | None:
        """What joins the next factor to the product; None where there is none."""
        if self.here in _TIMES:
            self._advance()
            return _OPERATIONS["*"]
        if self.here in _DIVISIONS:
            return _OPERATIONS[self._take(self.here)]
        beside = self._number is None and (self.here in _OPENING or self.here.isidentifier())
        return _OPERATIONS["*"] if beside else None

    def _signed(self, depth: int) -> Number:
        if self.here in {"+", "-"}:
            minus = self._take("+", "-") == "-"
            value = self._signed(_deeper(depth))
            return -value if minus else value
        return self._power(depth)

    def _power(self, depth: int) -> Number:
        base = self._behind(depth)
        if self.here in {"**", "^"}:
            self._advance()
            return _computed(power, base, self._signed(_deeper(depth)))
        return base

    def _behind(self, depth: int) -> Number:
        value = self._value(depth)
        while self.here == "!" or (self.here == "%" and not self._operand_follows()):
            value = FUNCTIONS["factorial"].call([value]) if self._take("!", "%") == "!" else value / 100
        return value

    def _operand_follows(self) -> bool:
        at = self._skip_space(self._position)
        following = self._text[at : at + 2]
        name = re.match(r"[A-Za-z_]\w*", self._text[at:])
        return bool(re.match(r"[0-9.({\[]", following)) or (name is not None and name[0] not in _TIMES | _DIVISIONS)

    def _value(self, depth: int) -> Number:
        if self._number is not None:
            value = self._number
            self._advance()
            return value
        if self.here in _OPENING:
            return self._enclosed(_deeper(depth))
        if self.here.isidentifier():
            return self._named(depth)
        raise ArithmeticProblem(_unexpected(self.here, "a number"))

    def _enclosed(self, depth: int) -> Number:
        end = _OPENING[self._take(*_OPENING)]
        value = self.sum(depth)
        self._take(end)
        return value

    def _named(self, depth: int) -> Number:
        name = self.here
        if name == "frac":
            self._advance()
            above = self._enclosed(_deeper(depth))
            return _computed(_OPERATIONS["/"], above, self._enclosed(_deeper(depth)))
        if name in CONSTANTS:
            self._advance()
            return CONSTANTS[name]
        function = FUNCTIONS.get(name.lower())
        if function is None:
            near = nearest(name, [*FUNCTIONS, *CONSTANTS])
            raise ArithmeticProblem(f"there is no function {name!r}" + (f", but there is {near!r}" if near else ""))
        return function.call(self._arguments(function.arity, depth))

    def _arguments(self, arity: Arity, depth: int) -> list[Number]:
        self._calls += 1
        try:
            self._advance()
            if arity == (1, 1) and self.here not in _OPENING:  # a root sign stands before what it is taken of
                return [self._behind(_deeper(depth))]
            end = _OPENING[self._take(*_OPENING)]
            given = [self.sum(_deeper(depth))]
            while self.here == ",":
                self._advance()
                given.append(self.sum(_deeper(depth)))
        finally:
            self._calls -= 1
        self._take(end)
        return given


def _computed(operation: Callable[[Number, Number], Number], left: Number, right: Number) -> Number:
    try:
        return bounded(operation(left, right))
    except ZeroDivisionError:
        raise ArithmeticProblem("it divides by zero") from None
    except OverflowError:
        raise ArithmeticProblem("its value is too large") from None


def _read_number(text: str) -> Fraction:
    digits, _, exponent = text.lower().partition("e")
    value = read_digits(digits.rstrip("."), "en", lists=True)
    if value is None:
        raise ArithmeticProblem(f"{text!r} is no number")
    shift = power(Fraction(10), Fraction(int(exponent[:6]))) if exponent else 1
    return Fraction(bounded(value * Fraction(shift)))


def _deeper(depth: int) -> int:
    if depth >= MAX_DEPTH:
        raise ArithmeticProblem("it is nested too deeply")
    return depth + 1


def _unexpected(token: str, wanted: str) -> str:
    return f"there is {token!r} where {wanted} was expected" if token != _END else f"it ends where {wanted} was expected"


def close(left: Number, right: Number, within: Fraction = Fraction(0)) -> bool:
    """Whether two values differ by at most ``within``, where both are exact; else also by what floats cannot tell apart."""
    if isinstance(left, Fraction) and isinstance(right, Fraction):
        return abs(left - right) <= within
    return abs(float(left) - float(right)) <= float(within) + math.ulp(max(abs(float(left)), abs(float(right)))) * 8
