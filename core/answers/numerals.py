# ruff: noqa: RUF001 - characters that look alike are what this is about
r"""Numbers as people and models write them, read exactly.

A number is a :class:`fractions.Fraction`, shown as an integer or a reduced ``p/q``: 3.50, 3.5 and 7/2 are one text.

Separators: where both ``,`` and ``.`` occur, the last one is the decimal point. One that occurs twice groups digits. A lone
one is decided by the language of the text: in English ``1,234`` is 1234 and ``1.234`` a decimal, in German it is the other
way round; before other than three digits it is a decimal point in both (``57,00`` is 57). Two English spellings are so
common in texts that models write in other languages that they are read as English there too: ``$1,430``, with the currency
before the number, and ``25,000``, which as a decimal would end in needless zeros. Apostrophes and thin or no-break spaces
only ever group.

No number has more than :data:`MAX_DIGITS` digits or so large an exponent: what is longer stays text, so that hostile input
costs no time.
"""

from __future__ import annotations

import re
import unicodedata
from fractions import Fraction

MAX_DIGITS = 400

DECIMAL_COMMA = frozenset({"cs", "da", "de", "es", "fr", "id", "it", "nl", "pl", "pt", "ru", "sv", "tr", "uk", "vi"})
"""Languages that write 1.234,5 where English writes 1,234.5."""

LETTER = r"(?:[^\W\d_]|[\u0300-\u036f\u0900-\u0963\u0970-\u09f1\u0a00-\u0e3e\u0e40-\u0e7f])"
r"""One letter, or one of the vowel signs of Indian scripts and Thai, which ``\w`` leaves out. For folded text."""

_SUPERSCRIPTS = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿ", "0123456789+-n", strict=True))
_SUBSCRIPTS = dict(zip("₀₁₂₃₄₅₆₇₈₉₊₋ₙ", "0123456789+-n", strict=True))
_SUPERSCRIPT_RUN = re.compile(f"[{''.join(_SUPERSCRIPTS)}]+")
_SUBSCRIPT_RUN = re.compile(f"[{''.join(_SUBSCRIPTS)}]+")
_VULGAR = re.compile(r"(?<=\d)(?=[¼-¾⅐-⅞])")
_GROUPING_SPACE = re.compile(r"(?<=\d)(?:[\u00a0\u2007\u2009\u202f]|\\[,;:! ]|,\\!\s?|\{,\})(?=\d{3}(?!\d))")
_OTHER_DIGIT = re.compile(r"(?![0-9])\d")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SIGNS = str.maketrans(
    {
        "−": "-", "‐": "-", "‑": "-", "–": "-", "⁄": "/", "∕": "/", "÷": "/", "٫": ".", "٬": "'", "’": "'", "，": ",", "。": ".",
        "×": r"\times ", "⋅": r"\cdot ", "·": r"\cdot ", "π": r"\pi ", "∞": r"\infty ", "≤": r"\le ", "≥": r"\ge ",
        "∪": r"\cup ", "∩": r"\cap ", "±": r"\pm ", "√": r"\sqrt ",
    }
)  # fmt: skip

DIGITS = r"(?:[0-9]+(?:[.,'][0-9]+)*|[.,][0-9]+)"
_POWER = r"(?:\\times|\\cdot|\*|x)\s*10\s*\^\s*\{?\s*(?P<power>[+-]?[0-9]+)\s*\}?"
NUMBER = (
    rf"(?:(?P<whole>[0-9]+)\s+(?=[0-9]+\s*/))?(?P<head>{DIGITS})"
    rf"(?:\s*/\s*(?P<under>{DIGITS})|[eE](?P<exp>[+-]?[0-9]+)|\s*{_POWER})?"
)
"""An unsigned number: decimal, fraction, mixed number or scientific notation. Named groups are read by :func:`value_of`."""

_LATEX_FRACTION = re.compile(r"\\[dtc]?frac\s*(?:\{([^{}]*)\}|([0-9]))\s*(?:\{([^{}]*)\}|([0-9]))")
_FLAT_OPERAND = re.compile(rf"\s*[+-]?\s*{DIGITS}\s*")
_GROUPS_OF_THREE = re.compile(r"[0-9]{1,3}([,.'])[0-9]{3}(?:\1[0-9]{3})*")
_INDIAN_GROUPS = re.compile(r"[0-9]{1,2}(?:,[0-9]{2})+,[0-9]{3}")


def primary(language: str) -> str:
    """The first part of a language tag: ``zh-Hans`` is ``zh``."""
    return re.split("[-_]", language, maxsplit=1)[0].casefold()


def clean(text: str) -> str:
    """Replace lone surrogates, which neither JSON nor pydantic accepts."""
    return _SURROGATE.sub("\ufffd", text)


def fold(text: str) -> str:
    """One way of writing: NFKC, ASCII digits for every script, LaTeX for the common mathematical signs.

    Superscripts, subscripts and vulgar fractions come first, because NFKC would turn 5² into 52 and 1½ into 11/2.
    """
    text = _SUPERSCRIPT_RUN.sub(lambda run: "^{" + "".join(_SUPERSCRIPTS[c] for c in run[0]) + "}", clean(text))
    text = _SUBSCRIPT_RUN.sub(lambda run: "_{" + "".join(_SUBSCRIPTS[c] for c in run[0]) + "}", text)
    text = _GROUPING_SPACE.sub("'", _VULGAR.sub(" ", text))
    text = unicodedata.normalize("NFKC", text).translate(_SIGNS).replace("{,}", ".")
    return _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)


def flatten_fractions(text: str) -> str:
    r"""Write ``\frac{3}{4}`` and ``\frac34`` of plain numbers as 3/4, and ``1\frac{1}{2}`` as the mixed number 1 1/2."""

    def flat(match: re.Match[str]) -> str:
        above, below = match[1] or match[2] or "", match[3] or match[4] or ""
        plain = _FLAT_OPERAND.fullmatch(above) and _FLAT_OPERAND.fullmatch(below)
        mixed = text[: match.start()].rstrip()[-1:].isdigit()
        return f"{' ' * mixed}{above.strip()}/{below.strip()}" if plain else match[0]

    return _LATEX_FRACTION.sub(flat, text)


def read_digits(text: str, language: str, *, lists: bool = False, money: bool = False) -> Fraction | None:
    """The value of digits with separators; None where the separators fit no convention.

    ``lists``: in an expression ``1,2`` lists two numbers, so that a lone comma is a decimal point only in money-like
    ``57,00`` or where the language says so. ``money``: a currency stands before the digits.
    """
    marks = [c for c in text if not c.isdigit()]
    if len(text) - len(marks) > MAX_DIGITS:
        return None
    if not marks:
        return Fraction(int(text))
    last = marks[-1]
    whole, _, decimals = text.rpartition(last)
    if last == "'" or marks.count(last) > 1 or (len(marks) == 1 and _lone_mark_groups(text, language, money)):
        grouped = _GROUPS_OF_THREE.fullmatch(text) or _INDIAN_GROUPS.fullmatch(text)
        return Fraction(int("".join(c for c in text if c.isdigit()))) if grouped else None
    if len(marks) > 1 and not (_GROUPS_OF_THREE.fullmatch(whole) or _INDIAN_GROUPS.fullmatch(whole)):
        return None
    if lists and marks == [","] and primary(language) not in DECIMAL_COMMA and not re.fullmatch("0[0-9]+", decimals):
        return None
    return Fraction(f"{''.join(c for c in whole if c.isdigit()) or '0'}.{decimals}")


def _lone_mark_groups(text: str, language: str, money: bool) -> bool:
    if text.startswith("0") or not _GROUPS_OF_THREE.fullmatch(text):
        return False
    decimal_comma = primary(language) in DECIMAL_COMMA
    return decimal_comma if "." in text else not decimal_comma or money or text.endswith("00")


def value_of(match: re.Match[str], language: str, *, lists: bool = False, money: bool = False) -> Fraction | None:
    """The value of a match of :data:`NUMBER`; None where it is none (division by zero, too large, odd separators).

    ``lists`` and ``money`` as in :func:`read_digits`.
    """
    value = read_digits(match["head"], language, lists=lists, money=money)
    power = match["exp"] or match["power"]
    if match["under"] and value is not None:
        under = read_digits(match["under"], language, lists=lists)
        value = value / under if under else None
    if match["whole"] and value is not None:
        whole = read_digits(match["whole"], language)
        value = whole + value if whole is not None else None
    if power and value is not None:
        value = value * Fraction(10) ** int(power) if len(power) < 5 and abs(int(power)) <= MAX_DIGITS else None
    return value


def show(value: Fraction) -> str:
    """An integer or a reduced p/q."""
    return str(value)
