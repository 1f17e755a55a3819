from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import ConfigError, TaskError, UnknownNameError
from symposia.core.problem import AnswerKind
from symposia.research.tasks.custom import custom_task
from symposia.research.tasks.item import split_of
from symposia.research.tasks.load import load_task

Write = Callable[..., Path]

RECORDS = [
    {
        "Body": f"Ann has {n} pears.",
        "Question": "How many are two of her bags?",
        "Answer": 2.0 * n,
        "lang": "en",
        "unit": f"u{n // 2}",
    }
    for n in range(30)
]


def test_field_names_and_templates(write: Write) -> None:
    table = {"question": "{Body} {Question}", "gold": "Answer", "answer_kind": "number", "groups": "unit", "language": "{lang}"}
    found = load_task(custom_task(table), write("a.jsonl", RECORDS))
    first = found.items[0]
    assert first.problem.question == "Ann has 0 pears. How many are two of her bags?" or first.problem.question.startswith(
        "Ann has"
    )
    assert (first.problem.answer_kind, first.problem.language) == (AnswerKind.NUMBER, "en")
    assert float(first.gold) == 2 * int(first.problem.question.split()[2])
    assert set(first.data) == {"unit"}
    assert (found.task.name, found.task.grader, found.task.groups) == ("custom", "numeric", ("unit",))


def test_records_with_one_split_key_stay_together(write: Write) -> None:
    found = load_task(custom_task({"question": "Body", "gold": "Answer", "split_key": "pair {unit}"}), write("a.jsonl", RECORDS))
    units = {item.problem.question.split()[2] for item in found.items}
    assert units == {str(n) for n in range(30) if split_of(f"pair u{n // 2}") == "dev"}


@pytest.mark.parametrize(
    ("kind", "grader"),
    [("number", "numeric"), ("expression", "symbolic"), ("choice", "choice"), ("json", "exact"), ("text", "exact")],
)
def test_the_grader_follows_the_kind(kind: str, grader: str) -> None:
    assert custom_task({"answer_kind": kind}).grader == grader
    assert custom_task({"answer_kind": kind, "grader": "mine"}).grader == "mine"


def test_a_kind_without_a_grader_needs_one_named() -> None:
    with pytest.raises(TaskError, match=r"no grader fits answers of the kind code \(name one"):
        custom_task({"answer_kind": "code"})


def test_braces_are_written_twice(write: Write) -> None:
    task = custom_task({"question": "Is {{{n}}} a set?", "gold": "a"})
    found = load_task(task, write("a.jsonl", [{"n": n, "a": "yes"} for n in range(9)]))
    assert found.items[0].problem.question in {f"Is {{{n}}} a set?" for n in range(9)}


@pytest.mark.parametrize(
    ("table", "error", "said"),
    [
        ({"qestion": "q"}, UnknownNameError, r"unknown key 'qestion' in the custom task \(did you mean 'question'\?\)"),
        ({"answer_kind": "nmber"}, ConfigError, r"key answer_kind='nmber' of the custom task cannot be used"),
        ({"question": "{Body"}, ConfigError, r"key question='\{Body' of the custom task cannot be used"),
        ({"question": "{} x"}, ConfigError, r"braces hold a field name and nothing else"),
        ({"question": "{Body:>9}"}, ConfigError, r"braces hold a field name and nothing else"),
        ({"gold": "{a!r}"}, ConfigError, r"braces hold a field name and nothing else"),
        ({"name": "my task"}, ConfigError, r"key name='my task' of the custom task cannot be used"),
    ],
)
def test_tables_that_cannot_be_used(table: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        custom_task(table)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"question": "{body} {Question}", "gold": "Answer"}, r"a\.jsonl, line 1: no field 'body'.*'Body'"),
        ({"question": "Body", "gold": "Answr"}, r"no field 'Answr'.*did you mean its field 'Answer'\?"),
        ({"question": "Body", "gold": "Answer", "groups": ["levl"]}, r"no field 'levl'"),
        ({"question": "{Body.__class__}", "gold": "Answer"}, r"no field 'Body\.__class__'"),
    ],
)
def test_fields_that_are_not_there(write: Write, table: dict[str, Any], said: str) -> None:
    with pytest.raises(TaskError, match=said):
        load_task(custom_task(table), write("a.jsonl", RECORDS))
