"""The words of a text, as they are indexed and as they are looked for: every kind of store sees the same.

Case, width, diacritics and ligatures make no difference (NFKD without combining marks, case-folded). Whatever is neither letter
nor digit separates, so there is no query language: an operator is a word or nothing. Emoji are nothing.

Chinese, Japanese, Korean, Thai, Lao, Khmer and Burmese do not separate words, or not as others do. A run of their letters is
indexed as its overlapping pairs and its last letter. Two or more letters are looked for by their pairs; a single one by whatever
begins with it, and that is found wherever the letter stands.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

_MARKS = re.compile("[\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670]+")
"""Accents of Latin, Greek and Cyrillic, points of Hebrew and Arabic. Marks of other scripts are letters to their readers."""
_UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff"  # Thai, Lao, Burmese, Hangul's parts, Khmer
    "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff"  # Japanese
    "\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"  # Han and Hangul
)
_INDIC = "\u0900-\u0963\u0966-\u0dff"
"""Scripts of India with their vowel signs, which are no letters to Unicode."""
_WORD = re.compile(rf"([{_UNSPACED}]+)|(?:[^\W_{_UNSPACED}]|[{_INDIC}])+")
_ASCII_WORD = re.compile("[a-z0-9]+")
_LONGEST = 64
"""Letters of a word that count: nobody looks for the end of a longer one, and PostgreSQL takes none of two thousand bytes."""
_MOST = 64
"""Words of a query that count, the longest of more: long words are rare as a rule, and the rare ones are what finds."""


class Word(NamedTuple):
    """What is looked for."""

    text: str
    """Letters and digits only."""
    prefix: bool = False
    """Whether words that only begin so are meant too."""


def indexed(text: str) -> str:
    """The words of a text in their order, one space between them."""
    if text.isascii():  # most are; this takes a third of the time
        return " ".join(word[:_LONGEST] for word in _ASCII_WORD.findall(text.lower()))
    return " ".join(_indexed(_fold(text)))


def queried(text: str) -> list[Word]:
    """The different words to look for, in their order; none where there are neither letters nor digits."""
    found = list(dict.fromkeys(_queried(_fold(text))))
    if len(found) <= _MOST:
        return found
    longest = set(sorted(found, key=lambda word: -len(word.text))[:_MOST])
    return [word for word in found if word in longest]


def _fold(text: str) -> str:
    if text.isascii():
        return text.lower()
    bare = _MARKS.sub("", unicodedata.normalize("NFKD", text))
    return unicodedata.normalize("NFC", bare).casefold()


def _indexed(text: str) -> Iterator[str]:
    for match in _WORD.finditer(text):
        run = match[0]
        if match[1] is None:
            yield run[:_LONGEST]
        else:
            yield from (run[at : at + 2] for at in range(len(run)))


def _queried(text: str) -> Iterator[Word]:
    for match in _WORD.finditer(text):
        run = match[0]
        if match[1] is None:
            yield Word(run[:_LONGEST])
        elif len(run) == 1:
            yield Word(run, prefix=True)
        else:
            yield from (Word(run[at : at + 2]) for at in range(len(run) - 1))
