"""From what a model wrote to its grade, without a process for symbols."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from symposia.core.answers import extract
from symposia.core.problem import AnswerKind, Problem
from symposia.research.graders.grade import GRADERS, Grade
from symposia.research.tasks.item import Item, Split

Graded = Callable[..., Awaitable[Grade]]


def make_item(gold: str, kind: AnswerKind, language: str = "en", data: dict[str, Any] | None = None) -> Item:
    problem = Problem.of("What comes out?", answer_kind=kind, language=language)
    return Item(id="0123456789ab", problem=problem, gold=gold, split=Split.DEV, data=data or {})


async def no_symbols(a: str, b: str) -> bool | None:
    raise AssertionError(f"asked whether {a} equals {b}")


@pytest.fixture
def item() -> Callable[..., Item]:
    return make_item


@pytest.fixture
def graded() -> Graded:
    """``await graded(grader, text, gold, kind)``: the text is read as a model's and graded."""

    async def grade(
        grader: str,
        text: str,
        gold: str,
        kind: AnswerKind = AnswerKind.NUMBER,
        language: str = "en",
        equal: Any = no_symbols,
        **data: Any,
    ) -> Grade:
        answer = extract(text, kind, language=language)
        return await GRADERS.get(grader).grade(answer, make_item(gold, kind, language, data), equal)

    return grade
