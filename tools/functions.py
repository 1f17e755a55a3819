"""The functions and constants of the calculator: exact where the value is rational, bounded before anything large is made.

Logarithms name their base (``ln``, ``log10``, ``log2``, ``log(x, base)``), because half of all people mean 10 by ``log`` and the
other half e. Angles are in radians. ``round`` takes halves away from zero, as people do; Python takes them to the even side.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

Number = Fraction | float

MAX_BITS = 8_192
"""Of numerator and denominator: 2,466 digits."""
_MAX_FACTORIAL = 800
_NEARLY_WHOLE = 1e-9

Arity = tuple[int, int]
"""The least and the most arguments."""


class ArithmeticProblem(ValueError):  # noqa: N818 - a sentence for whoever wrote the expression
    """Why an expression has no value, as a sentence without its full stop."""


class Function(NamedTuple):
    """A function of the calculator."""

    name: str
    arity: Arity
    compute: Callable[..., Number]

    def call(self, given: Sequence[Number]) -> Number:
        """Its value, bounded. Raises :class:`ArithmeticProblem`."""
        least, most = self.arity
        if not least <= len(given) <= most:
            raise ArithmeticProblem(f"{self.name} takes {_amount(least, most)}, not {len(given)}")
        try:
            return bounded(self.compute(*given))
        except ArithmeticProblem:
            raise
        except (ValueError, ZeroDivisionError):
            raise ArithmeticProblem(f"{self.name} has no value there") from None
        except OverflowError:
            raise ArithmeticProblem("its value is too large") from None


def bounded(value: Number) -> Number:
    """``value`` itself. Raises :class:`ArithmeticProblem` where it is too large, or no number."""
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ArithmeticProblem("its value is too large")
        return value
    value = Fraction(value)
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MAX_BITS:
        raise ArithmeticProblem("its value is too large")
    return value


def rational(value: Number) -> Fraction:
    """The value as a fraction: of a float the one with few digits that is meant by it."""
    return value if isinstance(value, Fraction) else Fraction(repr(value))


def power(base: Number, exponent: Number) -> Number:
    """``base ** exponent``, exact where it is rational; 0 to the power of 0 is 1. Raises :class:`ArithmeticProblem`."""
    if base == 0 and exponent < 0:
        raise ArithmeticProblem("it divides by zero")
    if isinstance(base, Fraction) and isinstance(exponent, Fraction):
        if exponent.denominator == 1:
            return _whole_power(base, exponent.numerator)
        root = _exact_root(base, exponent.denominator)
        if root is not None:
            return _whole_power(root, exponent.numerator)
    if base < 0 and rational(exponent).denominator != 1:
        raise ArithmeticProblem("a root of a negative number is no real number")
    return math.pow(base, exponent)


def _whole_power(base: Fraction, exponent: int) -> Fraction:
    size = max(base.numerator.bit_length(), base.denominator.bit_length()) - 1
    if size * abs(exponent) > MAX_BITS or (abs(exponent) > MAX_BITS and size):
        raise ArithmeticProblem("its value is too large")
    return Fraction(base ** (exponent if size else _same_sign(exponent)))


def _same_sign(exponent: int) -> int:
    """A small exponent that gives the same powers of 0, 1 and -1."""
    return exponent and 2 - exponent % 2


def _exact_root(value: Fraction, degree: int) -> Fraction | None:
    """The real root of that degree where it is rational; None where it is not, or is no real number."""
    if degree > MAX_BITS or (value < 0 and degree % 2 == 0):
        return None
    above, below = (_integer_root(part, degree) for part in (abs(value.numerator), value.denominator))
    if above is None or below is None:
        return None
    return Fraction(-above if value < 0 else above, below)


def _integer_root(value: int, degree: int) -> int | None:
    """The root of a whole number where it is whole, found by halving."""
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if middle**degree < value else (low, middle)
    return low if low**degree == value else None


def _sqrt(value: Number) -> Number:
    return power(value, Fraction(1, 2))


def _cbrt(value: Number) -> Number:
    exact = _exact_root(value, 3) if isinstance(value, Fraction) else None
    return math.cbrt(value) if exact is None else exact


def _round(value: Number, digits: Number = Fraction(0)) -> Number:
    shift = _whole_power(Fraction(10), _whole("round", digits))
    scaled = rational(value) * shift
    near = math.floor(abs(scaled) + Fraction(1, 2))
    return Fraction(near if scaled >= 0 else -near) / shift


def _whole(name: str, value: Number, least: int | None = None) -> int:
    if not isinstance(value, Fraction) or value.denominator != 1 or (least is not None and value < least):
        raise ArithmeticProblem(f"{name} takes whole numbers{' from 0' if least == 0 else ''} only")
    return value.numerator


def _factorial(value: Number) -> Fraction:
    number = _whole("factorial", value, 0)
    if number > _MAX_FACTORIAL:
        raise ArithmeticProblem("its value is too large")
    return Fraction(math.factorial(number))


def _comb(total: Number, chosen: Number) -> Fraction:
    n, k = _whole("comb", total, 0), _whole("comb", chosen, 0)
    if min(k, abs(n - k)) * n.bit_length() > MAX_BITS and n > MAX_BITS:
        raise ArithmeticProblem("its value is too large")
    return Fraction(math.comb(n, k))


def _perm(total: Number, chosen: Number) -> Fraction:
    n, k = _whole("perm", total, 0), _whole("perm", chosen, 0)
    if min(n, k) * n.bit_length() > 2 * MAX_BITS:
        raise ArithmeticProblem("its value is too large")
    return Fraction(math.perm(n, k))


def _gcd(*values: Number) -> Fraction:
    return Fraction(math.gcd(*(_whole("gcd", value) for value in values)))


def _lcm(*values: Number) -> Fraction:
    least = 1
    for value in values:
        least = math.lcm(least, _whole("lcm", value))
        bounded(Fraction(least))
    return Fraction(least)


def _log(value: Number, base: Number | None = None) -> Number:
    if base is None:
        raise ArithmeticProblem("log needs its base: write log(x, 10), or ln(x)")
    found = _ln(value) / _ln(base)
    near = round(found)
    if not isinstance(value, Fraction) or not isinstance(base, Fraction) or abs(found - near) > _NEARLY_WHOLE:
        return found
    try:
        return Fraction(near) if _whole_power(base, near) == value else found
    except ArithmeticProblem:  # the power is larger than any value here, so that it is not this one
        return found


def _ln(value: Number) -> float:
    try:
        return math.log(value)
    except OverflowError:  # a fraction that no float holds
        exact = rational(value)
        return math.log(exact.numerator) - math.log(exact.denominator)


def _to_base(base: int) -> Callable[[Number], Number]:
    return lambda value: _log(value, Fraction(base))


def _of_floats(compute: Callable[[float], float]) -> Callable[[Number], Number]:
    return lambda value: compute(float(value))


_ONE, _TWO, _MANY = (1, 1), (2, 2), (1, 64)

FUNCTIONS = {
    name: Function(name, arity, compute)
    for name, arity, compute in (
        ("abs", _ONE, abs),
        ("sqrt", _ONE, _sqrt),
        ("cbrt", _ONE, _cbrt),
        ("round", (1, 2), _round),
        ("floor", _ONE, lambda value: Fraction(math.floor(value))),
        ("ceil", _ONE, lambda value: Fraction(math.ceil(value))),
        ("min", _MANY, min),
        ("max", _MANY, max),
        ("factorial", _ONE, _factorial),
        ("comb", _TWO, _comb),
        ("perm", _TWO, _perm),
        ("gcd", _MANY, _gcd),
        ("lcm", _MANY, _lcm),
        ("log", (1, 2), _log),
        ("ln", _ONE, _ln),
        ("log2", _ONE, _to_base(2)),
        ("log10", _ONE, _to_base(10)),
        ("exp", _ONE, _of_floats(math.exp)),
        ("sin", _ONE, _of_floats(math.sin)),
        ("cos", _ONE, _of_floats(math.cos)),
        ("tan", _ONE, _of_floats(math.tan)),
        ("asin", _ONE, _of_floats(math.asin)),
        ("acos", _ONE, _of_floats(math.acos)),
        ("atan", _ONE, _of_floats(math.atan)),
        ("radians", _ONE, _of_floats(math.radians)),
        ("degrees", _ONE, _of_floats(math.degrees)),
    )
}
CONSTANTS: dict[str, float] = {"pi": math.pi, "e": math.e}


def _amount(least: int, most: int) -> str:
    number = str(least) if least == most else f"{least} to {most}"
    return f"{number} argument{'s' if most > 1 else ''}"
