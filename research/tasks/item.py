"""One problem of a task, with its gold answer and its split."""

from __future__ import annotations

import hashlib
import unicodedata
from enum import StrEnum
from typing import Any

from pydantic import Field

from ...core.base import Frozen
from ...core.problem import Problem

_ID_DIGITS = 12
_TEST_PERCENT = 50


class Split(StrEnum):
    """Which part of a task. What is tuned or compared while developing sees ``dev`` alone."""

    DEV = "dev"
    TEST = "test"


class Item(Frozen):
    """A problem with its gold answer. Strategies are given ``problem``; only graders see the rest."""

    id: str
    """12 hexadecimal digits of :func:`content_hash` of the question: the same whatever file it came from."""
    problem: Problem
    gold: str
    """The right answer as the source writes it; empty where only the grader can tell (Game of 24)."""
    split: Split
    worth: tuple[float, ...] = ()
    """What each of the solutions is worth that the question is about, or that the problem has."""
    data: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the source: level, subject, steps, a source's own id. What graders and breakdowns need."""


def content_hash(text: str) -> str:
    """sha256 of a text, Unicode forms (NFKC) and white space made equal, as 64 hexadecimal digits."""
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    return hashlib.sha256(plain.encode()).hexdigest()


def item_id(question: str) -> str:
    """The id of the item with this question."""
    return content_hash(question)[:_ID_DIGITS]


def split_of(key: str) -> Split:
    """The split of the problem that ``key`` identifies, usually its question: half of all problems are for testing.

    Decided by content, so that a problem is on the same side in every file, order and selection. Translations of one problem
    are given one key, lest one language be tuned on what another is tested with.
    """
    number = int(content_hash(key)[_ID_DIGITS : _ID_DIGITS + 8], 16)
    return Split.TEST if number % 100 < _TEST_PERCENT else Split.DEV
