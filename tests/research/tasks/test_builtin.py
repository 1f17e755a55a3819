"""The built-in problems: every gold answer is computed again, by other means than the one who wrote it."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from fractions import Fraction
from itertools import permutations
from typing import Any

import pytest

from symposia.core.answers import SymbolicWorker, extract
from symposia.research.graders.grade import GRADERS
from symposia.research.graders.grading import Grading
from symposia.research.tasks.builtin import TASK
from symposia.research.tasks.load import load_task
from symposia.research.tasks.opening import open_test

assert TASK.file is not None
RECORDS: list[dict[str, Any]] = [json.loads(line) for line in TASK.file.read_text(encoding="utf-8").splitlines()]
MATHS = {**vars(math), "Fraction": Fraction, "permutations": permutations}


def _value(expression: str, **variables: float) -> Any:
    return eval(expression, {**MATHS, **variables})


def test_there_are_eighty_problems_of_all_kinds_levels_and_languages() -> None:
    assert len(RECORDS) == len({record["question"] for record in RECORDS}) == 80
    assert Counter(record["language"] for record in RECORDS) == {"en": 60, "de": 4, "es": 4, "fr": 4, "ja": 4, "zh": 4}
    assert {record["level"] for record in RECORDS} == {1, 2, 3, 4, 5}
    assert min(Counter(record["kind"] for record in RECORDS).values()) >= 16
    assert load_task("builtin").duplicates == 0


@pytest.mark.parametrize("record", [r for r in RECORDS if r["kind"] == "number"], ids=lambda record: record["question"][:40])
def test_numbers_are_right(record: dict[str, Any]) -> None:
    assert Fraction(_value(record["check"])) == Fraction(record["gold"])


@pytest.mark.parametrize("record", [r for r in RECORDS if r["kind"] == "choice"], ids=lambda record: record["question"][:40])
def test_exactly_one_option_is_right(record: dict[str, Any]) -> None:
    value = _value(record["check"])
    equal = [option for option in record["options"] if (option == value if isinstance(value, str) else Fraction(option) == value)]
    assert equal == [record["gold"]]


@pytest.mark.parametrize("record", [r for r in RECORDS if r["kind"] == "expression"], ids=lambda record: record["question"][:40])
def test_formulas_are_right_at_several_points(record: dict[str, Any]) -> None:
    gold = record["gold"].replace("\\sqrt{2}", "*sqrt(2)").replace("\\pi", "*pi").replace("^", "**")
    gold = re.sub(r"(\d)([xbk])", r"\1*\2", gold)
    for point in (-1.3, 0.7, 2.9, 11.0):
        variables = dict.fromkeys("xbk", point)
        assert _value(gold, **variables) == pytest.approx(float(_value(record["check"], **variables)))


def test_the_right_letter_is_not_always_the_same() -> None:
    opened = load_task("builtin", split="test", opening=open_test("both splits are checked"))
    items = [item for item in (*load_task("builtin").items, *opened.items) if item.data["kind"] == "choice"]
    assert max(Counter(item.gold for item in items).values()) <= 8


async def test_a_model_that_writes_the_gold_answer_is_right_and_one_that_writes_another_is_not() -> None:
    """End to end: what the question asks for is found in a text and graded, for every problem of the dev split."""
    found = load_task("builtin")
    worker = SymbolicWorker(limit=10)
    try:
        grading = Grading(GRADERS.get(found.task.grader), worker.same)
        await grading.check(found.items)
        for item in found.items:
            for written, credit in ((item.gold, 1), ("Q" if item.data["kind"] == "choice" else "987654", 0)):
                text = f"Step by step.\n\n\\boxed{{{written}}}"
                answer = extract(text, item.problem.answer_kind, language="en")
                assert (await grading.grade(answer, item)).credit == credit, item
    finally:
        await worker.close()
