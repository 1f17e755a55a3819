# ruff: noqa: RUF001 - characters that look alike are what this is about
"""Words that announce an answer, by language. Adding a language is adding a row.

A cue is a noun followed by a colon, one of its verbs, or the end of its line ("## Final answer" above the answer itself).
All languages are searched at once: models mix them, and no cue of one language is an ordinary word of another.
"""

from __future__ import annotations

import re
from typing import NamedTuple


class Cue(NamedTuple):
    """How one language announces an answer."""

    nouns: tuple[str, ...]
    verbs: tuple[str, ...] = ()


CUES: dict[str, Cue] = {
    "en": Cue(
        ("answers", "answer"), ("is therefore", "is thus", "is then", "is", "are", "would be", "will be", "must be", "equals")
    ),
    "bn": Cue(("উত্তর",), ("হলো", "হল", "হবে")),
    "de": Cue(("antwort",), ("lautet", "ist", "beträgt")),
    "es": Cue(("respuesta",), ("es", "son", "sería")),
    "fr": Cue(("réponse",), ("est", "sont")),
    "ja": Cue(("答え", "回答", "解答"), ("は",)),
    "ru": Cue(("ответ",), ("равен", "составляет", "—", "–")),
    "sw": Cue(("jibu",), ("ni",)),
    "te": Cue(("సమాధానం", "జవాబు"), ()),
    "th": Cue(("คำตอบ",), ("คือ",)),
    "zh": Cue(("答案",), ("是", "为", "為")),
}

_EMPHASIS = r"[\s*_]{0,4}"


def _pattern() -> re.Pattern[str]:
    """One expression for all rows; every repetition is bounded, so that it runs in linear time."""
    rows = []
    for cue in CUES.values():
        nouns = "|".join(map(re.escape, cue.nouns))
        verbs = "|".join(re.escape(verb) + (r"\b" if verb.isascii() else "") for verb in cue.verbs)
        ending = rf"[:：=]|(?:{verbs}){_EMPHASIS}[:：]?" if verbs else "[:：=]"
        rows.append(rf"(?:{nouns})(?:{_EMPHASIS}(?:{ending})|[ *_]{{0,4}}$)")
    return re.compile(rf"(?<![A-Za-z])(?:{'|'.join(rows)})[ \t*_]{{0,4}}", re.IGNORECASE | re.MULTILINE)


CUE = _pattern()
"""Finds the end of every cue."""
