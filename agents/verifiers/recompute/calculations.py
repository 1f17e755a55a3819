r"""The calculations in a solution's text: what can be computed again. Pure functions.

GSM8K's annotations, ``<<48/2=24>>``, say what was computed. Elsewhere a calculation is an equation between numbers, such as
``48 / 2 = \$24``. It is taken only where nothing around it could belong to it: not ``2x + 3 = 7``, nor the ``2 + 1 = 7`` of "3
boxes of 2 + 1 = 7". What cannot be read with certainty is no calculation, so that no correct solution is called wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from ....core.answers.numerals import fold
from ....tools.arithmetic import evaluate
from ....tools.check_arithmetic import annotated
from ....tools.functions import ArithmeticProblem

_MAX_LINE = 2_000
"""No line with a calculation is longer."""
_WRAPPED = re.compile(r"\\(?:boxed|text|textbf|mathrm|mathbf)\{([^{}]*)\}")
_LEFT_OUT = re.compile(r"\\(?:left|right|[,;:! ]|[()\[\]])|(?<![\d)])(?<![\d)] )\*\*|\*\*(?!\s?[-\d(])|`")
_BULLET = re.compile(r"^\s*(?:[-*+•]\s+|\(?\d{1,2}[.)]\s+)?")
_WORDS = (
    (re.compile(r"(?<!\\)\b(?:times|multiplied by)\b", re.IGNORECASE), "*"),
    (re.compile(r"\bdivided by\b", re.IGNORECASE), "/"),
    (re.compile(r"\bplus\b", re.IGNORECASE), "+"),
    (re.compile(r"\bminus\b", re.IGNORECASE), "-"),
)
_TOKEN = re.compile(
    r"(?P<number>(?:\\?[$€£]\s?)?(?:\d[\d,]*(?:\.\d+)?|\.\d+)(?:\s?\\?%)?|\\[dt]?frac\{[\d.,]+\}\{[\d.,]+\})"
    r"|(?P<sign>\*\*|[-+*/^()=]|\\times\b|\\cdot\b|\\div\b|x(?=\s*\\?[\d($.])|of(?=\s+\\?[\d($.]))"
    r"|(?P<space>\s+)|(?P<other>[A-Za-z]+|.)"
)
_OPERATOR = re.compile(r"(?:\*\*|[-+*/^]|\\times|\\cdot|\\div|x|of)")
_BINDING = frozenset({"of", "mod", "by", "than", "from", "twice", "double", "half", "triple", "remainder", "root", "log"})
"""Words that a number right behind them belongs to."""
_OPENING = frozenset("\"'([{>“")
_ENDING = frozenset(".,;:?!—→⇒")
_REST = frozenset({"remainder", "rem", "with", "mod"})
"""Words after which a value may go on."""


class _Token(NamedTuple):
    kind: str
    text: str


def calculations(text: str) -> tuple[str, ...]:
    """What can be computed again, each as ``expression = value``: the annotations where there are any, else equations."""
    return annotated(text) or tuple(equation for line in fold(text).splitlines() for equation in _equations(line))


def _equations(line: str) -> Iterator[str]:
    if "=" not in line or len(line) > _MAX_LINE:
        return
    line = _BULLET.sub("", _LEFT_OUT.sub("", _WRAPPED.sub(r"\1", line)))
    for words, sign in _WORDS:
        line = words.sub(sign, line)
    tokens = [_Token(found.lastgroup or "", found[0]) for found in _TOKEN.finditer(line)]
    start = 0
    for place, token in enumerate([*tokens, _Token("other", "")]):
        if token.kind == "other":
            yield from _pairs(tokens, start, place)
            start = place + 1


def _pairs(tokens: list[_Token], start: int, end: int) -> Iterator[str]:
    """The equations in a run of tokens that are all arithmetic: each side with the next one."""
    sides = "".join(token.text for token in tokens[start:end]).split("=")
    if len(sides) < 2:
        return
    if not _begins(tokens, start):
        sides[0] = ""
    if not _ends(tokens, end):
        sides[-1] = ""
    sides[0], sides[-1] = _closed(sides[0]), _closed(sides[-1])
    for left, right in pairwise(" ".join(side.split()) for side in sides):
        if (_computes(left) or _computes(right)) and _has_value(left) and _has_value(right):
            yield f"{left} = {right}"


def _begins(tokens: list[_Token], start: int) -> bool:
    """Whether nothing before this place can belong to what begins there."""
    first = next((token.text for token in tokens[start:] if token.kind != "space"), "")
    if start == 0:
        return not _OPERATOR.fullmatch(first) or first in {"+", "-"}
    before = tokens[start - 1].text
    apart = start < len(tokens) and tokens[start].kind == "space"
    if _OPERATOR.fullmatch(first):
        return first == "-" and before in {":", ",", ";"}
    if before[-1:].isalpha():
        return apart and len(before) > 1 and before.casefold() not in _BINDING
    return before in ({*_OPENING, *_ENDING} if apart else _OPENING)


def _ends(tokens: list[_Token], end: int) -> bool:
    """Whether nothing behind this place can belong to what ends there."""
    last = next((token.text for token in reversed(tokens[:end]) if token.kind != "space"), "")
    if _OPERATOR.fullmatch(last):
        return False
    if end >= len(tokens):
        return True
    behind, following = tokens[end].text, tokens[end + 1].text if end + 1 < len(tokens) else ""
    if behind.isalpha():
        return len(behind) > 1 and behind.casefold() not in _REST
    apart = tokens[end - 1].kind == "space"
    if behind in {".", ",", ":"}:  # "0.\overline{3}", "0.66..."
        return following[:1].isspace() or following in {"", ")", '"', "'"}
    return (apart and behind not in {"\\", "…", "_", "!"}) or behind in {";", "?", '"', "'", "]", "}", "<"}


def _closed(side: str) -> str:
    """Without a parenthesis that opens or closes outside of it."""
    side = side.strip()
    more = side.count("(") - side.count(")")
    if more > 0 and side.startswith("("):
        return side.removeprefix("(" * more)
    if more > 0:
        return side.rpartition("(")[0] if more == 1 else ""
    return side.removesuffix(")" * -more) if more < 0 else side


def _computes(side: str) -> bool:
    return bool(_OPERATOR.search(side.lstrip("-+ ("))) or "frac" in side


def _has_value(side: str) -> bool:
    try:
        evaluate(side)
    except ArithmeticProblem:
        return False
    return True
