# ruff: noqa: RUF001 - characters that look alike are what this is about
"""Words that announce an answer, by language. Adding a language is adding a row.

A cue is a noun followed by a colon, one of its verbs, or the end of its line ("## Final answer" above the answer itself).
Something short in parentheses may stand between ("Answer (in dollars): 5"). Some languages leave the verb out: there a number
right behind the noun will do. Words that are more than a cue (the Russian "total", the Chinese 答) count before a colon only.
All languages are searched at once: models mix them, and no cue of one language is an ordinary word of another.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple


class Cue(NamedTuple):
    """How one language announces an answer."""

    nouns: tuple[str, ...]
    verbs: tuple[str, ...] = ()
    before_colon: tuple[str, ...] = ()
    """Nouns that announce an answer only before a colon."""
    bare: bool = False
    """Whether the noun may stand right before a number."""


CUES: dict[str, Cue] = {
    "en": Cue(
        ("answers", "answer"),
        ("is therefore", "is thus", "is then", "is", "are", "would be", "will be", "should be", "must be", "comes to", "equals"),
    ),
    "ar": Cue(("الإجابة", "الجواب"), ("هي", "هو")),
    "bn": Cue(("উত্তরটি", "উত্তর", "জবাব"), ("হলো", "হল", "হ'ল", "হবে", "হচ্ছে", "হয়", "হইল"), bare=True),
    "de": Cue(("antwort",), ("lautet", "ist", "beträgt", "wäre")),
    "es": Cue(("respuesta final", "respuesta correcta", "respuesta"), ("es", "son", "sería", "será")),
    "fr": Cue(("réponse finale", "réponse correcte", "réponse"), ("est donc", "est", "sont", "serait", "sera")),
    "hi": Cue(("उत्तर", "जवाब"), ("है",), bare=True),
    "id": Cue(("jawabannya", "jawaban akhir", "jawaban"), ("adalah",)),
    "it": Cue(("risposta finale", "risposta"), ("è", "sono")),
    "ja": Cue(("答え", "回答", "解答", "正解"), ("は", "が"), before_colon=("答",)),
    "ko": Cue(("정답", "답"), ("은", "는")),
    "nl": Cue(("antwoord",), ("is", "luidt")),
    "pl": Cue(("odpowiedź",), ("to", "brzmi")),
    "pt": Cue(("resposta final", "resposta"), ("é", "são", "será")),
    "ru": Cue(
        ("ответом", "ответ"), ("равен", "составляет", "является", "таков", "будет", "это", "—", "–"), before_colon=("итого",)
    ),
    "sw": Cue(("jibu la mwisho", "jibu sahihi", "jibu"), ("ni", "litakuwa", "lingekuwa")),
    "te": Cue(("సమాధానం", "సమాధానము", "జవాబు"), ("ఏమిటంటే", "అంటే"), bare=True),
    "th": Cue(("คำตอบสุดท้าย", "คำตอบที่ถูกต้อง", "คำตอบ"), ("คือ", "เป็น", "ได้แก่", "เท่ากับ"), before_colon=("ตอบ",), bare=True),
    "tr": Cue(("cevap", "yanıt"), ()),
    "vi": Cue(("đáp án", "câu trả lời", "đáp số"), ("là",)),
    "zh": Cue(("答案",), ("就是", "应该是", "应是", "应为", "等于", "是", "为", "為")),
}

_EMPHASIS = r"[\s*_]{0,4}"
_ASIDE = r"(?:\s?[(（][^()（）\n]{1,40}[)）])?"
_COLON = "[:：=ঃ]"


def _forms(words: tuple[str, ...]) -> str:
    """An alternation of the words, each in every form that Unicode writes it in; ASCII words end where they end."""
    spellings = {
        word: None for given in words for word in (given, *(unicodedata.normalize(f, given) for f in ("NFC", "NFD", "NFKC")))
    }
    return "|".join(re.escape(word) + (r"\b" if word.isascii() and word.isalpha() else "") for word in spellings)


def _pattern() -> re.Pattern[str]:
    """One expression for all rows; every repetition is bounded, so that it runs in linear time."""
    rows = []
    for cue in CUES.values():
        verbs = rf"|(?:{_forms(cue.verbs)}){_EMPHASIS}{_COLON}?" if cue.verbs else ""
        number = r"|(?=[^\S\n]{0,2}[$€£¥₹৳฿]?\d)" if cue.bare else ""
        rows.append(rf"(?:{_forms(cue.nouns)}){_ASIDE}(?:{_EMPHASIS}(?:{_COLON}{verbs}{number})|[ *_]{{0,4}}$)")
        if cue.before_colon:
            rows.append(rf"(?:{_forms(cue.before_colon)})[ *_]{{0,4}}{_COLON}")
    return re.compile(rf"(?<![A-Za-z])(?:{'|'.join(rows)})[ \t*_]{{0,4}}", re.IGNORECASE | re.MULTILINE)


CUE = _pattern()
"""Finds the end of every cue."""
