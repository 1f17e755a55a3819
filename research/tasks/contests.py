"""Contest mathematics: MATH-500 with LaTeX answers, AIME and AMC with numbers."""

from __future__ import annotations

import re

from ...core.problem import AnswerKind
from .fields import number, picked, text
from .task import Draft, Hub, Record, Task

_YEAR = re.compile(r"(?:19|20)\d\d")


def _math(record: Record) -> Draft:
    data = picked(record, subject="subject", level="level", source_id="unique_id")
    return Draft(question=text(record, "problem"), gold=text(record, "answer"), data=data)


def _contest(record: Record) -> Draft:
    data = picked(record, source_id="id", url="url")
    if year := _YEAR.search(str(data.get("url", ""))):
        data["year"] = year[0]
    gold = number(record, "answer", "Answer").lstrip("0") or "0"  # AIME writes 033
    return Draft(question=text(record, "problem", "Problem"), gold=gold, data=data)


MATH_500 = Task(
    name="math-500",
    summary="500 contest problems in seven subjects and five levels; LaTeX answers.",
    source="Hendrycks et al. 2021, arXiv:2103.03874; selection of Lightman et al. 2023, arXiv:2305.20050; MIT",
    read=_math,
    grader="symbolic",
    answer_kind=AnswerKind.EXPRESSION,
    groups=("subject", "level"),
    hub=Hub("HuggingFaceH4/MATH-500"),
)

AIME = Task(
    name="aime",
    summary="American Invitational Mathematics Examination: whole numbers from 0 to 999.",
    source="Mathematical Association of America; 90 problems of 2022-2024, AI-MO; Apache-2.0, exam text of its owners",
    read=_contest,
    grader="numeric",
    groups=("year",),
    hub=Hub("AI-MO/aimo-validation-aime", splits="train"),
)

AMC = Task(
    name="amc",
    summary="American Mathematics Competitions 12, reworded to have a number as answer.",
    source="Mathematical Association of America; 83 problems of 2022-2023, AI-MO; Apache-2.0, exam text of its owners",
    read=_contest,
    grader="numeric",
    groups=("year",),
    hub=Hub("AI-MO/aimo-validation-amc", splits="train"),
)
