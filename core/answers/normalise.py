r"""The canonical form of an answer: a value and, apart from it, a unit.

Numbers become reduced fractions (:mod:`.numerals`), other expressions get one LaTeX spelling (:mod:`.latex`), choices
sorted letters, JSON its text with sorted keys. Canonical values are fixed points: ``canonical(value).value == value``.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from ..problem import AnswerKind
from .choices import read_letters
from .latex import is_phrase, is_prose, normal_latex, unwrap_delimiters, unwrap_formulas, unwrap_text
from .numerals import LETTER, NUMBER, clean, flatten_fractions, fold, show, value_of
from .scripts import unify
from .units import UNIT_BEFORE, Tail, measure, read_tail, read_unit_before

MAX_EXPRESSION = 2_000
"""Characters. What is longer is no answer that anybody compares; normalising it would cost time quadratic in its length."""

_MAX_READINGS = 8
_NUMBER = re.compile(NUMBER)
_TIME = re.compile(r"([0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?)\s*([AaPp])?\.?\s*(?:[Mm]\.?)?")
_COMMAND_NAME = re.compile(r"\\[A-Za-z]+")
_NUMERIC = re.compile(r"[0-9.eEi+*/^_!(){} -]+")
_NAME = re.compile(
    r"(?:\\?[A-Za-z]+|\\angle\s*[A-Z]{1,3})(?:_(?:\w|\{\w+\}))?(?:\([a-z](?:,\s*[a-z])*\))?|"
    rf"(?:{LETTER}{{2,}}\s+)*{LETTER}{{2,}}"
)
_ARITHMETIC = re.compile(r"(?:[0-9.,\s+*/()%$^{}-]|\\(?:times|cdot|div|circ|[%$,! ]))+")
_UNIT_AT_END = re.compile(r"(?:\\[,;: ~]|\s)*(\\(?:text|mathrm|mbox|textrm)\s*\{[^{}]*\}(?:\s*\^\s*\{?[23]\}?)?|\\%)\s*\.?$")
_DATE = re.compile(
    r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{1,2}([./-])[0-9]{1,2}\1[0-9]{4}|"
    r"(?:[0-9]{2,4}年)?[0-9]{1,2}月[0-9]{1,2}[日号]|[0-9]{4}年[0-9]{1,2}月"
)
_DATE_IN_PROSE = re.compile(rf"(?<![0-9.,/'-])(?:{_DATE.pattern})(?![0-9/]|-[0-9])")
_UNIT_BEFORE = re.compile(UNIT_BEFORE)
_NUMBER_IN_PROSE = re.compile(
    rf"(?P<sign>(?<![\w)}}])[+-])?(?P<before>{UNIT_BEFORE})?(?P<inner>(?<=[$€£¥₹৳฿₽])[+-])?"
    r"(?<![A-Za-z0-9_^{])(?<![0-9][.,:'])(?P<time>[0-9]{1,2}:[0-9]{2}(?![0-9:]))?"
    rf"(?(time)|(?>{NUMBER})(?!\s*(?:\^|\\(?:sqrt|pi|frac))))"
)
_OUT_OF = re.compile(r"[^0-9。.、,]{0,12}(?:のうち|の中|之中|当中|其中|中的|中有|মধ্যে)")
"""Behind a number that says of how many: 12個のうち10個 is 10 of the 12."""
_WORDS_AFTER = re.compile(r"[^,;:()=0-9\n!?]*")

_NOTHING = frozenset({"none", "null", "nan", "n/a"})
"""What programs and models write where there is no answer."""


class Canonical(NamedTuple):
    """What two answers are compared by."""

    value: str
    unit: str | None = None


def canonical(raw: str, kind: AnswerKind, *, language: str = "en") -> Canonical | None:
    """The canonical form of a text that is an answer as a whole, a gold answer for instance.

    None where the text is empty or cannot be an answer of this kind: no number, no list of letters, no valid JSON. Tool
    calls have no textual form and always give None. ``language`` decides what a lone comma or dot means. Never raises.
    """
    raw = clean(raw).strip()
    value: str | None = raw
    match kind:
        case AnswerKind.NUMBER:
            return bare(raw, kind, language=language) or first_number(unify(raw[:MAX_EXPRESSION], language), language=language)
        case AnswerKind.EXPRESSION:
            return bare(raw, kind, language=language) or _other(raw, language)
        case AnswerKind.CHOICE:
            value = read_letters(raw)
        case AnswerKind.JSON:
            value = canonical_json(raw)
        case AnswerKind.TOOL_CALL:
            value = None
        case _:
            pass
    return Canonical(value) if value else None


def bare(raw: str, kind: AnswerKind, *, language: str = "en") -> Canonical | None:
    """The canonical form where ``raw`` is nothing but a quantity, a formula or one word; None for a sentence."""
    if len(raw) > MAX_EXPRESSION:
        return None
    found = _read(raw, kind, language)
    for _ in range(_MAX_READINGS):  # the spelling of a formula may uncover a number: 0\\,0 is 00 is 0
        again = _read(found.value, kind, language) if found else None
        if not found or not again or again.value == found.value:
            break
        found = Canonical(again.value, found.unit or again.unit)
    return found


def _read(raw: str, kind: AnswerKind, language: str) -> Canonical | None:
    number = kind is AnswerKind.NUMBER
    text = _right_side(unwrap_delimiters(unify(raw, language)), always=number)
    moment = text.rstrip(". ")
    time = _TIME.fullmatch(moment)
    if time:
        return Canonical(time[1] + (f" {time[2].lower()}m" if time[2] else ""))
    if _DATE.fullmatch(moment):
        return Canonical(moment)
    found = read_quantity(text, language=language, algebra=not number)
    if found:
        return found
    found = _formula(text)
    if number:
        return found if _NUMERIC.fullmatch(_COMMAND_NAME.sub("1", found.value)) else None
    word = is_phrase(found.value) and " " not in found.value
    return found if found.value and found.value.casefold() not in _NOTHING and (word or not is_prose(text)) else None


def _formula(text: str) -> Canonical:
    """A formula with its unit, which stands at the end inside a text command or is a percent sign."""
    tail = _UNIT_AT_END.search(text)
    read = read_tail(tail[1], algebra=False) if tail else None
    before = normal_latex(text[: tail.start()]) if tail else ""
    return Canonical(before, read.unit) if before and read and read.scale == 1 else Canonical(normal_latex(text))


def _other(raw: str, language: str) -> Canonical | None:
    """Words, or a formula among words, in one spelling. What says that there is no answer is none."""
    value = normal_latex(fold(raw)) if len(raw) <= MAX_EXPRESSION else raw
    if not value or value.casefold() in _NOTHING:
        return None
    return bare(value, AnswerKind.EXPRESSION, language=language) or Canonical(value)


def _right_side(text: str, *, always: bool) -> str:
    """Drop ``x =`` before a value. An equation proper, such as x^2 + y^2 = 4, is an expression of its own."""
    left, equals, right = text.rpartition("=")
    if not equals or not right.strip() or left.endswith(("<", ">", "!", ":")):
        return text
    left = unwrap_delimiters(unwrap_text(left).rstrip("& "))
    named = "," not in right and bool(_NAME.fullmatch(left) or _ARITHMETIC.fullmatch(left))
    return unwrap_delimiters(right) if always or named else text


def read_quantity(text: str, *, language: str, algebra: bool) -> Canonical | None:
    """A number with its unit, where ``text`` (folded) is nothing else."""
    rest = flatten_fractions(text).strip()
    negative = rest.startswith("-")
    rest = rest[1:].lstrip() if rest.startswith(("-", "+")) else rest
    before = _UNIT_BEFORE.match(rest)
    if before:
        rest = rest[before.end() :]
        negative, rest = (True, rest[1:]) if rest.startswith("-") and not negative else (negative, rest)
    match = _NUMBER.match(rest)
    tail = read_tail(rest[match.end() :], algebra=algebra, language=language) if match else None
    if not match or not tail:
        return None
    unit = read_unit_before(before[0], language) if before else tail.unit
    value = value_of(match, language, lists=algebra and not unit, money=bool(before))
    return None if value is None else Canonical(show((-value if negative else value) * tail.scale), unit)


def numbers(text: str) -> list[re.Match[str]]:
    """The numbers and times in a unified text. Exponents, indices, arguments of roots, digits in names and dates are none."""
    plain = flatten_fractions(unwrap_text(unwrap_formulas(text)))
    return list(_NUMBER_IN_PROSE.finditer(_DATE_IN_PROSE.sub(" ", plain)))


def number_at(match: re.Match[str], language: str) -> Canonical | None:
    """The canonical form of one of :func:`numbers`, with the currency, percent sign or measure that stands beside it."""
    if match["time"]:
        return Canonical(match["time"])
    value = value_of(match, language, money=bool(match["before"]))
    if value is None:
        return None
    after = _WORDS_AFTER.match(match.string, match.end())
    tail = (read_tail(after[0].split(". ")[0], algebra=True, language=language) if after else None) or Tail()
    unit = read_unit_before(match["before"], language) if match["before"] else tail.unit if measure(tail.unit) else None
    negative = "-" in {match["sign"], match["inner"]}
    return Canonical(show((-value if negative else value) * tail.scale), unit)


def first_number(text: str, *, language: str) -> Canonical | None:
    """The first number of a unified text: "5 apples for 15 puddings" is 5, and so is "15個のうち5個"."""
    found = numbers(text)
    if len(found) > 1 and _OUT_OF.match(found[0].string, found[0].end()):
        del found[0]
    return number_at(found[0], language) if found else None


def canonical_json(text: str) -> str | None:
    """The JSON text with sorted keys, no spaces and whole floats as integers; None where it is not valid JSON."""
    try:
        value = _whole(json.loads(text, parse_constant=_refuse))
        return clean(json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False))
    except (ValueError, RecursionError):
        return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _whole(value: Any) -> Any:
    """1.0 and 1 are one value."""
    if isinstance(value, dict):
        return {key: _whole(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_whole(item) for item in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
