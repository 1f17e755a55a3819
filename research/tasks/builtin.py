"""The built-in set: problems written for this project, so that everything can be tried without fetching anything."""

from __future__ import annotations

from pathlib import Path

from ...core.problem import AnswerKind
from .fields import lettered, picked, shuffled, text, texts
from .task import Draft, Record, Task


def _read(record: Record) -> Draft:
    question, gold = text(record, "question"), text(record, "gold")
    if "options" in record:
        options = texts(record, "options")
        order = shuffled(question, options)
        choices = lettered([options[index] for index in order], order.index(options.index(gold)))
        question, gold = f"{question}\n\n{choices.text}", choices.gold
    kind, language = AnswerKind(record["kind"]), text(record, "language")
    data = {"kind": kind.value, "language": language} | picked(record, level="level")
    return Draft(question=question, gold=gold, answer_kind=kind, language=language, key=record["question"], data=data)


TASK = Task(
    name="builtin",
    summary="80 problems of 1 to 5 steps written for symposia: numbers, formulas, choices; six languages.",
    source="the symposia authors; Apache-2.0",
    read=_read,
    grader="symbolic",
    answer_kind=AnswerKind.EXPRESSION,
    groups=("level", "kind", "language"),
    file=Path(__file__).with_name("data") / "builtin.jsonl",
)
