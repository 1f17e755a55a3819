# ruff: noqa: RUF001 - characters that look alike are what this is about
r"""Finding the answer in what a model wrote.

The rules, surest first; the first that yields a canonical answer of the wanted kind decides:

1. the last complete ``\boxed{…}`` or ``\fbox{…}``; a box that never closes ends the text, because its content is cut,
2. the last line that begins with ``####`` and holds nothing but an answer (a Markdown heading is none),
3. the last cue, such as "the answer is" (:mod:`.cues`), in any of its languages; where it says that there is no number,
   there is none,
4. the whole text, where it is nothing but an answer,
5. the last number of the text: a declared fallback, marked by its rule, for numbers and expressions only.

Code is the last fenced block or the whole text, JSON the last valid value, text the whole text. No rule ever invents an
answer: an empty text has none.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Iterator

from ..candidate import Answer, ExtractionRule
from ..problem import AnswerKind
from .choices import find_letters
from .cues import CUE
from .latex import MATH, is_phrase, unwrap_delimiters
from .normalise import Canonical, bare, canonical, canonical_json, first_number, number_at, numbers
from .numerals import clean
from .scripts import unify

_BRACE = re.compile(r"\\(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{")
_VISIBLE = re.compile(r"\S")
_HASHES = re.compile(r"^[ \t]*####[ \t]*([^#\n].*)$", re.MULTILINE)
_FENCE = re.compile(r"^[ \t]*```[ \t]*[\w+-]*[ \t]*$", re.MULTILINE)
_ABBREVIATED = r"(?<!\s[A-Za-z])(?<!\bapprox)(?<!\bca)(?<!\b[Rr]s)(?<!\bT[Kk])(?<!\b[Ss]h)(?<!రూ)"
_SENTENCE_END = re.compile(rf"{_ABBREVIATED}(?<!\\left)(?<!\\right)(?<!\\)[.!?](?=\s|$)(?!\s[а-яё])|[。．！？।॥]")
_LINE_WITH_DIGIT = re.compile(r"^.*[\d十百千万亿億].*$", re.MULTILINE)
_LIST_MARKER = re.compile(r"^\s*(?:\d+[.)]|[-*+])\s+")
_NO_NUMBER = re.compile(
    r"\W{0,4}(?:(?:none|null|nan|n/a|unknown|unbekannt|desconocid[oa]|inconnue?|неизвестно)\b|不明|未知|无法|無法)", re.IGNORECASE
)
"""The last word of a model that found no number. Neither an earlier cue nor the last number may speak for it."""
_MAX_TRIES = 8
_MAX_LINES = 50
_MAX_SEGMENT = 1_000
_MAX_JSON_WORK = 1_000_000


def extract(text: str, kind: AnswerKind, *, last_number: bool = True, language: str = "en") -> Answer | None:
    """The answer that ``text`` gives, or None where it gives none.

    ``last_number=False`` turns the fallback to the last number off. ``language`` is that of the text: it decides what a lone
    comma or dot in a number means. Takes time linear in the text and never raises, whatever the text. Tool calls are no text:
    for :attr:`AnswerKind.TOOL_CALL` the answer is always None.
    """
    text = clean(text)
    match kind:
        case AnswerKind.NUMBER | AnswerKind.EXPRESSION | AnswerKind.CHOICE:
            return _search(text, kind, language, last_number=last_number)
        case AnswerKind.CODE:
            raw = _last_block(text)
        case AnswerKind.JSON:
            raw = _last_json(text)
        case _:
            raw = text
    return _answer(canonical(raw, kind), kind, raw.strip(), ExtractionRule.WHOLE)


def _answer(found: Canonical | None, kind: AnswerKind, raw: str, rule: ExtractionRule) -> Answer | None:
    return Answer(value=found.value, unit=found.unit, kind=kind, raw=raw, rule=rule) if found else None


def _search(text: str, kind: AnswerKind, language: str, *, last_number: bool) -> Answer | None:
    box, rest = _last_box(text)
    found = _answer(canonical(box, kind, language=language), kind, box.strip(), ExtractionRule.BOXED)
    if found:
        return found
    for line in _last(_HASHES, rest):
        found = _answer(_bare(line[1], kind, language), kind, line[1].strip(), ExtractionRule.HASHES)
        if found:
            return found
    for tries, cue in enumerate(_last(CUE, rest)):
        segment = _segment(rest, cue.end())
        if tries == 0 and kind is AnswerKind.NUMBER and _NO_NUMBER.match(segment):
            return None
        found = _answer(_announced(segment, kind, language), kind, segment, ExtractionRule.CUE)
        if found:
            return found
    whole = text.strip() if rest == text else ""
    found = _answer(_bare(whole, kind, language), kind, whole, ExtractionRule.WHOLE)
    if found or not last_number or kind is AnswerKind.CHOICE:
        return found
    return _last_number(rest, kind, language)


def _last(pattern: re.Pattern[str], text: str, tries: int = _MAX_TRIES) -> Iterator[re.Match[str]]:
    """The last few matches, the last one first. Few, because a text may repeat a cue a hundred thousand times."""
    return reversed(deque(pattern.finditer(text), maxlen=tries))


def _last_box(text: str) -> tuple[str, str]:
    """The content of the complete box that opens last, and the text up to the first box that never closes."""
    first = _BOX.search(text)
    if not first:
        return "", text
    opened: list[tuple[int, bool]] = []
    inner = (0, 0)
    for brace in _BRACE.finditer(text, first.start()):
        if brace[0] == "}":
            start, boxed = opened.pop() if opened else (0, False)
            if boxed and start > inner[0] and _VISIBLE.search(text, start, brace.start()):
                inner = (start, brace.start())
        elif brace[0].endswith("{") and brace[0] != r"\{":
            opened.append((brace.end(), len(brace[0]) > 1))
    cut = next((text.rindex("\\", 0, start) for start, boxed in opened if boxed), len(text))
    return text[slice(*inner)], text[:cut]


def _bare(text: str, kind: AnswerKind, language: str) -> Canonical | None:
    """The canonical form of a line that is nothing but an answer."""
    if "\n" in text or len(text) > _MAX_SEGMENT:
        return None
    if kind is not AnswerKind.CHOICE:
        return bare(text, kind, language=language)
    letters = find_letters(text, anywhere=False)
    return Canonical(letters) if letters else None


def _segment(text: str, start: int) -> str:
    """What a cue announces: the rest of its line, or the next line that says something."""
    rest = text[start : start + _MAX_SEGMENT]
    lines = (line.strip(" \t*_") for line in rest.splitlines())
    line = next((line for line in lines if line.strip("$[]\\ ")), "")
    end = _SENTENCE_END.search(line)
    return line[: end.start()].rstrip(" \t*_") if end and end.start() else line


def _announced(segment: str, kind: AnswerKind, language: str) -> Canonical | None:
    """The answer on a cue line: all of it, else its formula, else what follows its last "=", else its first number."""
    if kind is AnswerKind.CHOICE:
        letters = find_letters(segment)
        return Canonical(letters) if letters else None
    segment = segment if "(" in segment else segment.rstrip(")")  # the end of "(Answer: 5.)"
    parts = [segment, *(formula[0] for formula in MATH.finditer(segment)), segment.rpartition("=")[2]]
    for part in parts:
        found = bare(part, kind, language=language)
        if found:
            return found
    words = unwrap_delimiters(unify(segment, language))
    found = first_number(words.rpartition("=")[2], language=language) or first_number(words, language=language)
    phrase = kind is AnswerKind.EXPRESSION and is_phrase(words) and len(words.split()) <= 4
    return found or (canonical(segment, kind, language=language) if phrase else None)


def _last_number(text: str, kind: AnswerKind, language: str) -> Answer | None:
    """The last number that is no list marker; looks at the last lines that hold a digit."""
    for line in _last(_LINE_WITH_DIGIT, text, _MAX_LINES):
        found = numbers(unify(_LIST_MARKER.sub("", line[0][-_MAX_SEGMENT:]), language))
        if found:
            return _answer(number_at(found[-1], language), kind, found[-1][0].strip(), ExtractionRule.LAST_NUMBER)
    return None


def _blocks(text: str) -> list[str]:
    """The contents of fenced blocks; one that never closes reaches to the end, as in Markdown."""
    fences = list(_FENCE.finditer(text))
    ends = [fence.start() for fence in fences[1:]] + [len(text)]
    return [text[fence.end() : end].strip("\n") for fence, end in zip(fences[::2], ends[::2], strict=False)]


def _last_block(text: str) -> str:
    return next((block for block in reversed(_blocks(text)) if block.strip()), text)


def _last_json(text: str) -> str:
    """The last valid JSON: in a fenced block, else the whole text, else the last object or array inside it."""
    for candidate in [*reversed(_blocks(text)[-_MAX_TRIES:]), text]:
        if canonical_json(candidate):
            return candidate
    decoder, work, last, position = json.JSONDecoder(), 0, "", 0
    opening = re.compile(r"[\[{]")
    while (match := opening.search(text, position)) and work < _MAX_JSON_WORK:
        position = match.end()
        try:
            _, position = decoder.raw_decode(text, match.start())
            last = text[match.start() : position]
        except json.JSONDecodeError as error:
            work += 100 + error.pos - match.start()
        except (RecursionError, ValueError):
            work += 10_000
    return last
