r"""Units, read apart from the value. Currency, percent and measures have canonical names (:mod:`.measures`) in every language.

A unit that merely repeats the noun of the question (``5 apples``) is kept where it is a single word, but decides nothing: see
:func:`measure`. A longer phrase (``5 red apples left``) names no unit, nor does a word of a script without blanks.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .latex import FUNCTIONS, unwrap_text
from .measures import BEFORE, UNITS, runs_on, scale_of, singular, unit_in
from .numerals import LETTER, primary

_NO_UNIT = frozenset({"unit", "units", "square units", "sq units", "cubic units", "units^2", "units^3", "unit^2", "unit^3"})
_POWERS = {"square": "^2", "sq": "^2", "sq.": "^2", "cubic": "^3"}
_JOINING = frozenset({"and", "or", "if", "for", "when", "where", "with", "plus", "minus", "times", "over", "mod", "per"})
_PREPOSITIONS = frozenset({"in"})
"""Units only where nothing follows: 5 in, but 5 in total."""
_VERBS = frozenset({"is", "are", "was", "were"})
_NOT_NOUNS = frozenset({"left", "total", "more", "less", "fewer", "each", "altogether", "remaining", "now", "today", "extra"})

_AROUND = " .,;:!?~-\t\n。।॥、」』"
_SIGN = r"(?:US|USD|EUR|GBP|INR|Rs\.?)?\s*\\?[$€£¥₹৳฿₽]"
UNIT_BEFORE = rf"(?:{_SIGN}|(?<!{LETTER})(?i:{BEFORE})(?=\s*[0-9]))\s*"
"""What names the unit of the number behind it: a currency, or in Swahili any measure."""
_CIRCLE = re.compile(r"\^\s*\{?\s*\\circ\s*\}?")
_TAIL = re.compile(rf"{LETTER}+\.?(?:\^[23])?|[%$€£¥₹৳฿₽¢°]|°[CF]|/|-")
_PERCENT = re.compile(r"\b(?:per\s?cent|por\s?ciento|pour\s?cent|por\s?cento)\b", re.IGNORECASE)
_SEAM = re.compile(r"(?<=[A-Za-z%°$€£¥])(?=[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u9fff])")
_LINK = re.compile(r"^(?:of|de|des)\s|\bd'", re.IGNORECASE)
_PER = frozenset({"/", "per", "pro", "por", "par", "в", "kwa", "প্রতি"})


class Tail(NamedTuple):
    """What follows a number: its unit, if any, and the factor of a word such as "million"."""

    unit: str | None = None
    scale: int = 1


def measure(unit: str | None) -> str | None:
    """What two answers must agree in: the unit without its "per hour" where it is a known one, None for other nouns.

    Nouns may differ, because 5 apples and 5 Äpfel are one answer, and so may rates said in full or not: $18 and $18 per day.
    """
    base = unit.partition("/")[0] if unit else ""
    return base if base.partition("^")[0] in UNITS else None


def read_unit_before(mark: str, language: str) -> str | None:
    """The unit of a match of :data:`UNIT_BEFORE`. The sign of the yen is that of the yuan in Chinese."""
    mark = mark.strip().replace("\\", "")
    if mark.endswith("¥") and primary(language) == "zh":
        return "yuan"
    return unit_in(mark) or unit_in(mark[-1:])


def read_tail(text: str, *, algebra: bool, language: str = "en") -> Tail | None:
    r"""Read what follows a number; None where it is no unit, so that the number is only part of an expression.

    ``algebra``: a bare letter is a variable (``5m``), and a unit only inside ``\text{}`` or the like.
    """
    plain = unwrap_text(text)
    algebra = algebra and plain == text
    plain = re.sub(r"\s*\^\s*\{?([23])\}?", r"^\1", _CIRCLE.sub("°", plain)).replace("\\", "")
    plain = _SEAM.sub(" ", _LINK.sub("", _PERCENT.sub("percent", plain.strip(_AROUND))))
    words = _TAIL.findall(plain)
    if not words:
        return None if plain else Tail()
    if "".join(words) != re.sub(r"\s+", "", plain):
        return None
    scale = scale_of(words[0], primary(language))
    if scale:
        rest = read_tail(" ".join(words[1:]), algebra=algebra, language=language)
        return rest and Tail(rest.unit, rest.scale * scale)
    if algebra and _letters(words[0]) == 1:
        return None
    return _read_words(words, " ".join(words).casefold(), algebra=algebra)


def _read_words(words: list[str], phrase: str, *, algebra: bool) -> Tail | None:
    if phrase in _NO_UNIT:
        return Tail()
    over = next((i for i, word in enumerate(words) if word.casefold() in _PER), len(words))
    unit = _measure(words[:over])
    if unit and words[over + 1 :]:
        below = _measure(words[over + 1 :]) or singular(words[over + 1].casefold())
        return Tail(f"{unit}/{below}")
    if unit:
        return None if _joins(words[1:]) else Tail(unit)
    letters = [_letters(word) for word in words]
    if _joins(words) or min(letters) < 2 or max(letters) < 3 or (algebra and letters[0] < 3):
        return None
    noun = len(words) == 1 and phrase not in _NOT_NOUNS and not runs_on(phrase)
    return Tail(singular(phrase)) if noun else Tail()


def _letters(word: str) -> int:
    """How long a word is; a sign of a script without letters (or a currency) counts as a word of its own."""
    return len(word) if word.isascii() and word.isalpha() else 3


def _joins(words: list[str]) -> bool:
    return any(word.casefold() in _JOINING | _VERBS or word in FUNCTIONS for word in words[:2])


def _measure(words: list[str]) -> str | None:
    """The canonical name of the measure that ``words`` begin with."""
    if not words:
        return None
    first = words[0].casefold()
    if first == "°" and len(words) > 1 and words[1] in {"C", "F"}:
        return f"°{words[1]}"
    if first in _POWERS and len(words) > 1:
        base = _measure(words[1:2])
        return base and base + _POWERS[first]
    if first in _PREPOSITIONS and len(words) > 1:
        return None
    base, caret, power = first.partition("^")
    name = unit_in(base)
    return name and name + caret + power
