"""Many answers of one problem: each symbolic question is asked once."""

from __future__ import annotations

import pytest

from symposia.core.answers import SymbolicWorker, extract
from symposia.core.errors import TaskError
from symposia.core.problem import AnswerKind
from symposia.research.graders import grading
from symposia.research.graders.grade import GRADERS
from symposia.research.graders.grading import Grading

EXPRESSION = AnswerKind.EXPRESSION


class Asked:
    """A judge that writes down what it is asked."""

    def __init__(self) -> None:
        self.pairs: list[tuple[str, str]] = []

    async def __call__(self, a: str, b: str) -> bool | None:
        self.pairs.append((a, b))
        return None if a == "y" else a == r"2\sqrt{3}"


async def test_a_symbolic_question_is_asked_once_whatever_the_spelling(item) -> None:
    equal = Asked()
    graded = Grading(GRADERS.get("symbolic"), equal)
    problem = item(r"\sqrt{12}", EXPRESSION)
    texts = [r"\boxed{2\sqrt 3}", r"\boxed{2 \sqrt{3}}", r"\boxed{y}", "", r"\boxed{\sqrt{12}}", r"\boxed{y}", r"\boxed{5\pi}"]
    answers = [extract(text, EXPRESSION) for text in texts]
    for _ in range(2):
        grades = await graded.grade_all(answers, problem)
        assert [grade.credit for grade in grades] == [1, 1, 0, 0, 1, 0, 0]
    assert equal.pairs == [(r"2\sqrt{3}", r"\sqrt{12}"), ("y", r"\sqrt{12}"), (r"5\pi", r"\sqrt{12}")]
    assert (await graded.grade(answers[0], problem)).credit == 1
    assert len(equal.pairs) == 3


async def test_the_oldest_verdicts_are_forgotten(item, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grading, "_MAX_REMEMBERED", 2)
    equal = Asked()
    graded = Grading(GRADERS.get("symbolic"), equal)
    for text in ["y", "y+1", "y+2", "y+2", "y"]:
        await graded.grade(extract(rf"\boxed{{{text}}}", EXPRESSION), item(r"\sqrt{12}", EXPRESSION))
    assert [a for a, _ in equal.pairs] == ["y", "y+1", "y+2", "y"]


async def test_gold_answers_are_checked_before_anything_is_spent(item) -> None:
    graded = Grading(GRADERS.get("numeric"), Asked())
    await graded.check([item("5", AnswerKind.NUMBER), item("6", AnswerKind.NUMBER)])
    with pytest.raises(TaskError, match="'six'"):
        await graded.check([item("5", AnswerKind.NUMBER), item("six", AnswerKind.NUMBER)])


async def test_with_real_symbols(item) -> None:
    worker = SymbolicWorker()
    graded = Grading(GRADERS.get("symbolic"), worker.same)
    texts = [r"\boxed{2\sqrt 3}", r"\boxed{\sqrt{13}}", r"\boxed{((x}"]
    grades = await graded.grade_all([extract(text, EXPRESSION) for text in texts], item(r"\sqrt{12}", EXPRESSION))
    await worker.close()
    assert [grade.credit for grade in grades] == [1, 0, 0]
    assert "no verdict" in grades[2].reason
