"""Verdicts read out of a judge's reply: pure functions, strict, None where there is no verdict.

A verdict is never searched for in running text: "the answer is not 5, so No … Yes" says nothing, and a number on the way is no
score.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

WORDS = ("Yes", "No")
LABELS = (*WORDS, "yes", "no")
"""Ways in which a model begins a one-word verdict. Only these: each must be one token of every vocabulary."""

_DECORATION = " \t*_`#>$"
_SCORE = re.compile(r"(?:final\s+)?score\s*[:=]\s*(\d{1,3})\s*(?:%|/\s*100)?\.?", re.IGNORECASE)
_FIRST = re.compile(r"first\s+error\s*[:=]\s*\$?(?:\\boxed\{)?\s*([-−]?\d{1,3})\s*\}?\.?", re.IGNORECASE)  # noqa: RUF001
_NUMBER = re.compile(r"([-−]?\d{1,3})\.?")  # noqa: RUF001
_WORD = re.compile(r"(?:(?:final\s+)?(?:score|verdict)\s*[:=]\s*)?(yes|no)\.?", re.IGNORECASE)


def yes_probability(labels: Mapping[str, float], least_mass: float) -> float | None:
    """p(Yes) / (p(Yes) + p(No)) from natural log-probabilities of labels, spellings of a word summed.

    None where both together have less than ``least_mass``: the model was about to write something else, such as its thoughts,
    and what is left over for the labels is noise.
    """
    yes = math.fsum(math.exp(value) for label, value in labels.items() if label.strip().casefold() == "yes")
    no = math.fsum(math.exp(value) for label, value in labels.items() if label.strip().casefold() == "no")
    mass = yes + no
    return min(1.0, yes / mass) if mass >= least_mass else None


def written_verdict(text: str) -> float | None:
    """The verdict on the last line of ``text``, in [0, 1]: ``Score: 85``, ``85 %`` or ``85/100`` of it, or a bare Yes or No.

    Markdown around the line is looked through. Anything else on it is no verdict: not a score beyond 100, nor a
    fraction, which may be meant as a share of one.
    """
    line = last_line(text)
    if word := _WORD.fullmatch(line):
        return float(word[1].casefold() == "yes")
    number = _SCORE.fullmatch(line)
    if number is None or int(number[1]) > 100:
        return None
    return int(number[1]) / 100


def first_error_index(text: str, steps: int) -> int | None:
    """The number of the first wrong of ``steps`` steps, counted from 0, that the last line says: ``First error: 2``; -1 for none.

    Markdown around the line is looked through, and a box around the number; a reply that is nothing but the number will do. A
    number that no step has is no verdict.
    """
    found = _FIRST.fullmatch(last_line(text)) or _NUMBER.fullmatch(text.strip())
    index = int(found[1].replace("−", "-")) if found else steps  # noqa: RUF001 - a minus as typesetters write it
    return index if -1 <= index < steps else None


def last_line(text: str) -> str:
    """The last line that says something, without the markdown around it."""
    lines = (line.strip(_DECORATION) for line in reversed(text.splitlines()))
    return next((line for line in lines if line), "").replace("*", "")
