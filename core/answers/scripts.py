"""The ways in which languages write numbers, brought into one: ASCII digits, a hyphen for minus, apostrophes between thousands.

What :func:`.numerals.fold` does for all languages alike is done first. Number words (five, fünf) stay words: models announce
answers in digits, and a table of words for every language would be wrong more often than it helps ("one of them"). Chinese
and Japanese numerals are digits (:mod:`.han`).
"""

from __future__ import annotations

import re

from .han import arabic
from .numerals import DECIMAL_COMMA, fold, primary

_LATEX_COMMA = re.compile(r"(?<=\d)\{,\}(?=\d)")
_SPACES_BETWEEN_THOUSANDS = re.compile(r"(?<![0-9.,'])([0-9]{1,3}(?: [0-9]{3})+)(?![0-9])")
_MINUS = re.compile(
    r"([\s(\[*$]*)(?:minus|negative|moins|menos|минус|hasi|মাইনাস|ঋণাত্মক|మైనస్|ลบ)\s+(?=\\?[$€£]?[0-9])", re.IGNORECASE
)
_THAI_FRACTION = re.compile(r"([0-9]+\s+)?เศษ\s*([0-9]+)\s*ส่วน\s*([0-9]+)")

_THAI_SIZE = re.compile(r"(?<=[0-9])\s*(ล้าน|แสน|หมื่น|พัน(?!ธ)|ร้อย(?!ละ))(?=\S)")


def unify(text: str, language: str) -> str:
    r"""Fold ``text`` and rewrite the numbers that only ``language``, or only some script, writes in its own way.

    Where the comma is the decimal mark, ``1{,}234`` is a decimal and a plain space stands between thousands (1 234 567). A
    word for minus is a sign at the beginning of the text only: elsewhere it may subtract.
    """
    code = primary(language)
    decimal_comma = code in DECIMAL_COMMA
    text = fold(_LATEX_COMMA.sub(",", text) if decimal_comma else text)
    if decimal_comma:
        text = _SPACES_BETWEEN_THOUSANDS.sub(lambda number: number[0].replace(" ", "'"), text)
    text = _THAI_SIZE.sub(r" \1 ", _THAI_FRACTION.sub(r"\1\2/\3", text))
    minus = _MINUS.match(text)
    return arabic(f"{minus[1]}-{text[minus.end() :]}" if minus else text, code)
