r"""What computes in a solution, without the words around it. Pure.

Step reward models were found to look at the mathematics of a step and hardly at its prose (Ma et al. 2024, "What Are Step-Level
Reward Models Rewarding?", arXiv 2412.15904), so that prose may be left out to save tokens. What is kept are pieces of the text as
it stands: formulas, code, numbers with the unit after them, and words between those that only join them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ...core.steps import blocks

_NUMBERING = re.compile(r"^[ \t]*[#*>-]*[ \t]*(?:\**step[ \t]+\d+|\d{1,2}[.)](?=[ \t])|[-*+•][ \t])?", re.IGNORECASE)
_TOKEN = re.compile(
    r"(?P<formula>\\\([^\n]{1,500}?\\\)"  # \(…\)
    r"|\$(?=\S)[^$\n]{1,500}(?<=\S)\$(?!\d)"  # $…$, but not "$5 and $6"
    r"|<<[^<>\n]{1,200}>>"  # GSM8K's annotations
    r"|\\[a-zA-Z]+(?:\{[^{}\n]*(?:\{[^{}\n]*\}[^{}\n]*)*\})*)"  # \boxed{\frac{1}{2}}
    r"|(?P<tag></?[a-zA-Z]{2,}(?:[ \t]+[\w-]+=\"[^\"\n]{0,100}\")*[ \t]*/?>)"  # </b>: its stroke divides nothing
    r"|(?P<number>[$€£¥]?(?:\d+(?:[.,:/]\d+)*|\.\d+)%?)"
    r"|(?P<word>[^\W\d_]{2,}(?:['’][^\W\d_]+|[/-][^\W\d_]{2,})*|[^\W\d_])"  # noqa: RUF001 - apostrophes as people type them
    r"|(?P<operator>[-+*/=^×÷·±≤≥<>≈≠√→−])"  # noqa: RUF001 - operators as people type them
    r"|(?P<other>\S)"
)
_NO_UNIT = re.compile(
    r"also|and|are|as|at|be|but|by|each|for|from|has|have|he|if|in|is|it|more|of|on|or|she|so|than|that|the|then|there|they|this|to"
    r"|was|we|were|which|with",
    re.IGNORECASE,
)
_PROSE = re.compile(r"(?<![\\a-zA-Z])[^\W\d_]{2,}")
"""Words in a formula; a command is none."""
_MOST_WORDS = 3
"""A formula with more, such as a sentence in a box, is prose."""
_BRACKETS = {"<", ">"}
"""Operators that make no quantity of a word beside them: they are as often the edges of a tag."""
_COMMENT = re.compile(r"^[ \t]*#.*\n?", re.MULTILINE)
_RELATION = re.compile(r"[=≈≤≥<>≠]|\\(?:approx|[lg]eq?|neq?)(?![a-z])")
_GAP = 3
"""Tokens, one word among them at most, that are kept between two that are kept: "9 (red) + 14", "7 is 12"."""


class _Token(NamedTuple):
    kind: str
    text: str
    start: int
    end: int


def equations(text: str) -> str:
    """The parts of ``text`` that compute, line by line, what lies apart separated by semicolons; nothing where none does."""
    return "\n".join(_parts(text))


def calculates(text: str) -> bool:
    """Whether there is an equation in ``text``: a relation between what computes in it."""
    return any(_RELATION.search(part) for part in _parts(text))


def _parts(text: str) -> Iterator[str]:
    done = 0
    for start, end in blocks(text, 0, len(text)):
        yield from _lines(text[done:start])
        block = text[start:end].strip()
        yield _COMMENT.sub("", block) if block.startswith("```") else block
        done = end
    yield from _lines(text[done:])


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        numbering = _NUMBERING.match(line)
        runs = list(_runs(line[numbering.end() if numbering else 0 :]))
        if runs:
            yield "; ".join(runs)


def _runs(line: str) -> Iterator[str]:
    """The stretches of a line that compute."""
    tokens = [_Token(match.lastgroup or "", match[0], *match.span()) for match in _TOKEN.finditer(line)]
    kept = [place for place in range(len(tokens)) if _computes(tokens, place)]
    first = last = -1
    for place in kept:
        if first >= 0 and not _joined(tokens[last + 1 : place]):
            yield line[tokens[first].start : tokens[last].end]
            first = place
        first, last = (place if first < 0 else first), place
    if first >= 0:
        yield line[tokens[first].start : tokens[last].end]


def _computes(tokens: list[_Token], place: int) -> bool:
    kind, text, *_ = tokens[place]
    if kind == "formula":
        return len(_PROSE.findall(text)) <= _MOST_WORDS
    if kind != "word":
        return kind == "number"
    before = tokens[place - 1] if place else None
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    beside = any(each is not None and each.kind == "operator" and each.text not in _BRACKETS for each in (before, after))
    unit = before is not None and before.kind == "number" and not _NO_UNIT.fullmatch(text)
    return beside or unit


def _joined(between: list[_Token]) -> bool:
    """Whether what stands between two parts joins them: operators do, and a few signs with one word at most."""
    plain = [token for token in between if token.kind != "operator"]
    ends = any(token.text in {".", ";", ":", "。"} for token in plain)
    return len(plain) <= _GAP and sum(token.kind == "word" for token in plain) <= 1 and not ends
