r"""What an examiner's reply holds: a program that is to be run, or a verdict. Pure functions, strict.

A reply that holds a program ends with it: whatever the model wrote after it, it wrote without having seen an output, be it a
made-up output or a verdict. A verdict is the whole last line of a reply, ``Verdict: Yes`` or ``\boxed{No}``, or a reply of one
word. It is never searched for in running text, in what is quoted (``> Verdict: Yes``), or in what a program printed.
"""

from __future__ import annotations

import re
import textwrap
from typing import NamedTuple

_PROGRAM = re.compile(
    r"^[ \t]*```[ \t]*(?:python3?|py)[ \t]*\n(?P<code>.*?)(?P<end>^[ \t]*```[ \t]*$|\Z)", re.MULTILINE | re.DOTALL | re.IGNORECASE
)
_NAMED = re.compile(r"(?:final )?(?:verdict|judge?ment) ?[:=] ?(?:\\boxed\{(yes|no)\}|(yes|no))\.?", re.IGNORECASE)
_BOXED = re.compile(r"\\boxed\{(yes|no)\}\.?", re.IGNORECASE)
_WORD = re.compile(r"(yes|no)\.?", re.IGNORECASE)
_DECORATION = re.compile(r"[*_`#$]+")


class Check(NamedTuple):
    """A program that is to be run before the examination goes on."""

    words: str
    """What was said before it."""
    said: str
    """The reply up to the end of the program."""
    program: str


class Verdict(NamedTuple):
    """How a reply ends."""

    words: str
    """The reply without the line that gives the verdict."""
    correct: bool | None
    """None where it gives none that can be read."""


def find_check(text: str, *, cut: bool) -> Check | None:
    """The first block of ``text`` marked as Python; None where there is none, or only an empty one.

    ``cut`` says that the reply ended where its tokens did: a block that is open then is half a program, and none.
    """
    for found in _PROGRAM.finditer(text):
        if found["code"].strip() and (found["end"] or not cut):
            return Check(text[: found.start()].strip(), text[: found.end()].rstrip(), textwrap.dedent(found["code"]).rstrip())
    return None


def read_verdict(text: str) -> Verdict:
    """The verdict on the last line of ``text``. Markdown and dollar signs in that line are looked through."""
    said = text.rstrip()
    words, _, last = said.rpartition("\n")
    line = " ".join(_DECORATION.sub("", last).split())
    found = _NAMED.fullmatch(line) or _BOXED.fullmatch(line) or (None if words.strip() else _WORD.fullmatch(line))
    if found is None:
        return Verdict(said, None)
    return Verdict(words.rstrip(), next(filter(None, found.groups())).casefold() == "yes")
