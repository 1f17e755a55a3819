r"""Units, read apart from the value. Currency, percent and measures have canonical names; other nouns stay as they are.

A unit that merely repeats the noun of the question (``5 apples``) is kept where it is a single word; a longer phrase
(``5 red apples left``) names no unit, because it would split the votes for 5 by their wording.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from .latex import FUNCTIONS, unwrap_text

_NAMES = {
    "$": r"$ \$ dollar buck usd us$ us\$", "€": "€ euro eur", "£": "£ gbp", "¥": "¥ yen jpy 円", "₹": "₹ rupee inr rs rs.",
    "yuan": "yuan cny rmb 元", "cent": "cent ¢ c", "%": "% percent pct", "degree": "degree deg °",
    "°C": "°c celsius", "°F": "°f fahrenheit",
    "mm": "mm millimeter millimetre", "cm": "cm centimeter centimetre", "m": "m meter metre", "km": "km kilometer kilometre",
    "inch": "inch inches in", "foot": "foot feet ft", "yard": "yard yd", "mile": "mile mi",
    "mg": "mg milligram", "g": "g gram", "kg": "kg kilogram", "ounce": "ounce oz", "pound": "pound lb lbs", "ton": "ton tonne",
    "ml": "ml milliliter millilitre", "l": "l liter litre", "gallon": "gallon gal",
    "second": "second sec s", "minute": "minute min", "hour": "hour hr h", "day": "day", "week": "week", "month": "month",
    "year": "year yr", "mile/hour": "mph", "km/hour": "kph kmh", "dozen": "dozen",
}  # fmt: skip
_ALIASES = {alias: name for name, aliases in _NAMES.items() for alias in aliases.split()}
_NO_UNIT = frozenset({"unit", "units", "square units", "sq units", "cubic units", "units^2", "units^3", "unit^2", "unit^3"})
_SCALES = {"hundred": 10**2, "thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_POWERS = {"square": "^2", "sq": "^2", "sq.": "^2", "cubic": "^3"}
_JOINING = frozenset({"and", "or", "if", "for", "when", "where", "with", "plus", "minus", "times", "over", "mod", "per"})
_VERBS = frozenset({"is", "are", "was", "were"})
_NOT_NOUNS = frozenset({"left", "total", "more", "less", "fewer", "each", "altogether", "remaining", "now", "today", "extra"})

CURRENCY_BEFORE = re.compile(r"(?:US|USD|EUR|GBP|INR|Rs\.?)?\s*\\?[$€£¥₹]\s*|(?:USD|EUR|GBP|INR|CNY|JPY|Rs\.?)\s*(?=[0-9])")
_CIRCLE = re.compile(r"\^\s*\{?\s*\\circ\s*\}?")
_TAIL = re.compile(r"[^\W\d_%°]+\.?(?:\^[23])?|[%$€£¥₹¢°]|°[CF]|/|-")


class Tail(NamedTuple):
    """What follows a number: its unit, if any, and the factor of a word such as "million"."""

    unit: str | None = None
    scale: int = 1

    @property
    def measure(self) -> str | None:
        """The unit where it is a known one, not just a noun."""
        return self.unit if self.unit and re.split(r"[/^]", self.unit)[0] in _NAMES else None


def read_currency(mark: str) -> str:
    """The unit of a match of :data:`CURRENCY_BEFORE`."""
    mark = mark.strip().replace("\\", "").casefold()
    return _ALIASES.get(mark) or _ALIASES[mark[-1]]


def read_tail(text: str, *, algebra: bool) -> Tail | None:
    r"""Read what follows a number; None where it is no unit, so that the number is only part of an expression.

    ``algebra``: a bare letter is a variable (``5m``), and a unit only inside ``\text{}`` or the like.
    """
    plain = unwrap_text(text)
    algebra = algebra and plain == text
    plain = re.sub(r"\s*\^\s*\{?([23])\}?", r"^\1", _CIRCLE.sub("°", plain)).replace("\\", "")
    plain = re.sub(r"\bper cent\b", "percent", plain.strip(" .,;:!~-\t\n"))
    words = _TAIL.findall(plain)
    if not words:
        return None if plain else Tail()
    if "".join(words) != re.sub(r"\s+", "", plain):
        return None
    if words[0].casefold() in _SCALES:
        rest = read_tail(" ".join(words[1:]), algebra=algebra)
        return rest and Tail(rest.unit, rest.scale * _SCALES[words[0].casefold()])
    if algebra and _letters(words[0]) == 1:
        return None
    return _read_words(words, " ".join(words).casefold(), algebra=algebra)


def _read_words(words: list[str], phrase: str, *, algebra: bool) -> Tail | None:
    if phrase in _NO_UNIT:
        return Tail()
    over = next((i for i, word in enumerate(words) if word in {"/", "per"}), len(words))
    unit = _measure(words[:over])
    if unit and words[over + 1 :]:
        below = _measure(words[over + 1 :]) or singular(words[over + 1].casefold())
        return Tail(f"{unit}/{below}")
    if unit:
        return None if _joins(words[1:]) else Tail(unit)
    letters = [_letters(word) for word in words]
    if _joins(words) or min(letters) < 2 or max(letters) < 3 or (algebra and letters[0] < 3):
        return None
    return Tail(singular(phrase)) if len(words) == 1 and phrase not in _NOT_NOUNS else Tail()


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
    base, caret, power = first.partition("^")
    name = _ALIASES.get(base) or _ALIASES.get(base.rstrip(".")) or _ALIASES.get(singular(base))
    return name and name + caret + power


def singular(word: str) -> str:
    """A conservative singular: only endings that are hardly ever anything else."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes")):
        return word[:-2]
    return word[:-1] if word.endswith("s") and len(word) > 3 and not word.endswith(("ss", "us", "is")) else word
