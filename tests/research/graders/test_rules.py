"""The rules of each grader, on answers read out of text."""

from __future__ import annotations

from pathlib import Path

import pytest

from symposia.core.candidate import Answer, ExtractionRule
from symposia.core.errors import TaskError
from symposia.core.problem import AnswerKind
from symposia.research.graders.grade import GRADERS

NUMBER, EXPRESSION, CHOICE, TEXT = AnswerKind.NUMBER, AnswerKind.EXPRESSION, AnswerKind.CHOICE, AnswerKind.TEXT
NAMES = ["choice", "exact", "game24", "jeebench", "numeric", "numeric-lenient", "reasoning-gym", "symbolic"]


def test_the_registry_knows_every_grader_by_its_name() -> None:
    assert set(NAMES) <= set(GRADERS.names())
    assert [GRADERS.get(name).name for name in NAMES] == NAMES


NUMERIC = [
    # text, gold, strict, lenient
    (r"\boxed{42}", "42", 1, 1),
    (r"\boxed{41}", "42", 0, 0),
    (r"\boxed{3.50}", "7/2", 1, 1),
    (r"\boxed{3\frac{1}{2}}", "3.5", 1, 1),
    (r"\boxed{1,234}", "1234", 1, 1),
    (r"\boxed{-3}", "3", 0, 0),
    (r"\boxed{\$18.00}", "18", 1, 1),
    (r"\boxed{18}", "$18", 1, 1),
    (r"\boxed{18\text{ cents}}", "$18", 0, 0),
    (r"\boxed{0.3333}", "1/3", 0, 1),
    (r"\boxed{0.333}", "1/3", 0, 0),
    (r"\boxed{28.26}", "28.2599", 0, 1),
    (r"\boxed{50\%}", "50", 1, 1),
    (r"\boxed{50\%}", "0.5", 0, 1),
    (r"\boxed{0.5}", "50%", 0, 1),
    (r"\boxed{5}", "5%", 1, 1),
    (r"\boxed{500}", "5%", 0, 0),
    (r"\boxed{5\%}", "$5", 0, 0),
    (r"\boxed{\$0.05}", "5%", 0, 0),
    (r"\boxed{0.00001}", "0", 0, 0),
    (r"\boxed{-0}", "0", 1, 1),
    (r"\boxed{10:30}", "10:30", 1, 1),
    (r"\boxed{10:30}", "10:45", 0, 0),
    ("So 9 remain.", "9", 1, 1),
    ("I give up.", "9", 0, 0),
]


@pytest.mark.parametrize(("text", "gold", "strict", "lenient"), NUMERIC)
async def test_numbers(graded, text: str, gold: str, strict: int, lenient: int) -> None:
    assert (await graded("numeric", text, gold)).credit == strict
    assert (await graded("numeric-lenient", text, gold)).credit == lenient


async def test_formulas_are_no_numbers(graded) -> None:
    assert (await graded("numeric", r"\boxed{\sqrt{4}}", "2", EXPRESSION)).credit == 0
    assert (await graded("numeric-lenient", r"\boxed{\sqrt{4}}", "2", EXPRESSION)).credit == 0


@pytest.mark.parametrize(
    ("text", "gold", "credit", "reason"),
    [
        (r"\boxed{42}", "42", 1, "42 is 42"),
        (r"\boxed{\$41.50}", "42 kg", 0, "$41.5 is not 42 kg"),
        ("So 9 remain.", "9", 1, "9 is 9; read off as the last number of the text"),
        ("No idea.", "9", 0, "no readable answer"),
        (rf"\boxed{{{'7' * 90}}}", "9", 0, "7" * 59 + "… is not 9"),
    ],
)
async def test_a_reason_says_what_stood_against_what(graded, text: str, gold: str, credit: float, reason: str) -> None:
    grade = await graded("numeric", text, gold)
    assert (grade.credit, grade.reason) == (credit, reason)


async def test_gold_is_read_as_english_and_answers_in_the_language_of_the_problem(graded) -> None:
    assert (await graded("numeric", "Die Antwort lautet 1.234.", "1,234", NUMBER, "de")).credit == 1
    assert (await graded("numeric", "Die Antwort lautet 1,234.", "1,234", NUMBER, "de")).credit == 0
    assert (await graded("numeric", r"\boxed{୧୨}".replace("୧୨", "১২"), "12", NUMBER, "bn")).credit == 1


@pytest.mark.parametrize(
    ("text", "gold", "verdict", "credit", "reason"),
    [
        (r"\boxed{\dfrac12}", "0.5", AssertionError, 1, "1/2 is 0.5"),
        (r"\boxed{2\sqrt 3}", r"\sqrt{12}", True, 1, r"2\sqrt{3} is \sqrt{12} by symbols"),
        (r"\boxed{2\sqrt 3}", r"\sqrt{13}", False, 0, r"2\sqrt{3} is not \sqrt{13} by symbols"),
        (r"\boxed{2\sqrt 3}", r"\sqrt{12}", None, 0, r"2\sqrt{3} is not \sqrt{12} as far as can be told: no verdict"),
        (r"\boxed{90}", r"90^\circ", AssertionError, 1, "90 is 90 degree"),
        (r"\boxed{\text{East}}", r"\text{east}", AssertionError, 1, "East is east"),
        ("", "x", AssertionError, 0, "no readable answer"),
    ],
)
async def test_expressions(graded, text: str, gold: str, verdict: object, credit: float, reason: str) -> None:
    async def equal(a: str, b: str) -> bool | None:
        if verdict is AssertionError:
            raise AssertionError("plain answers need no symbols")
        return verdict  # type: ignore[return-value]

    grade = await graded("symbolic", text, gold, EXPRESSION, equal=equal)
    assert (grade.credit, grade.reason) == (credit, reason)


@pytest.mark.parametrize(
    ("text", "gold", "credit"),
    [
        (r"\boxed{B}", "B", 1),
        ("The answer is (b).", "B", 1),
        (r"\boxed{C, A}", "AC", 1),
        (r"\boxed{A}", "AC", 0),
        (r"\boxed{B}", "(B)", 1),
        (r"\boxed{C}", "B", 0),
        ("Who knows", "B", 0),
    ],
)
async def test_choices(graded, text: str, gold: str, credit: int) -> None:
    assert (await graded("choice", text, gold, CHOICE)).credit == credit


async def test_choices_of_another_kind_of_answer(graded) -> None:
    assert (await graded("choice", r"\boxed{B}", "B", EXPRESSION)).credit == 1
    assert (await graded("choice", r"\boxed{42}", "B", EXPRESSION)).credit == 0


@pytest.mark.parametrize(
    ("kind", "text", "gold", "credit"),
    [
        ("MCQ", r"\boxed{B}", "B", 1),
        ("MCQ", r"\boxed{AB}", "B", 0),
        ("MCQ(multiple)", r"\boxed{ACD}", "ACD", 1),
        ("MCQ(multiple)", r"\boxed{AC}", "ACD", 0.5),
        ("MCQ(multiple)", r"\boxed{D}", "ACD", 0.25),
        ("MCQ(multiple)", r"\boxed{ABC}", "ABCD", 0.75),
        ("MCQ(multiple)", r"\boxed{AB}", "ACD", 0),
        ("MCQ(multiple)", r"\boxed{ABCD}", "ACD", 0),
        ("MCQ(multiple)", "I cannot tell", "ACD", 0),
        ("Integer", r"\boxed{7}", "7", 1),
        ("Integer", r"\boxed{8}", "7", 0),
        ("Numeric", r"\boxed{0.33}", "0.32", 1),
        ("Numeric", r"\boxed{0.331}", "0.32", 0),
        ("Numeric", r"\boxed{6.2 \text{ m}}", "6.2", 1),
        ("Numeric", r"\boxed{\pi}", "3.14", 0),
    ],
)
async def test_jeebench(graded, kind: str, text: str, gold: str, credit: float) -> None:
    read_as = CHOICE if kind.startswith("MCQ") else EXPRESSION
    assert (await graded("jeebench", text, gold, read_as, type=kind)).credit == credit


async def test_jeebench_says_how_part_of_the_credit_came_about(graded) -> None:
    grade = await graded("jeebench", r"\boxed{AC}", "ACD", CHOICE, type="MCQ(multiple)")
    assert grade.reason == "AC is part of ACD: 0.25 an option"


@pytest.mark.parametrize(
    ("text", "gold", "kind", "credit"),
    [
        (r"The answer is \boxed{Yes}", "yes", EXPRESSION, 1),
        (r"\boxed{no}", "yes", EXPRESSION, 0),
        ("  New \n YORK ", "new york", TEXT, 1),
        ("ﬁve", "five", TEXT, 1),
        ("STRASSE", "straße", TEXT, 1),
        ("five!", "five", TEXT, 0),
        ('{"b": 1, "a": 2}', '{"a": 2.0, "b": 1}', AnswerKind.JSON, 1),
        ("", "five", TEXT, 0),
    ],
)
async def test_exact_text(graded, text: str, gold: str, kind: AnswerKind, credit: int) -> None:
    assert (await graded("exact", text, gold, kind)).credit == credit


@pytest.mark.parametrize(
    ("grader", "gold", "kind", "data", "said"),
    [
        ("numeric", "a few", NUMBER, {}, "'a few' of problem 0123456789ab is no number"),
        ("numeric", "3 red and 4 blue", NUMBER, {}, "no number"),
        ("numeric-lenient", "", NUMBER, {}, "no number"),
        ("numeric", "10^3", NUMBER, {}, "no number"),
        ("symbolic", "", EXPRESSION, {}, "0123456789ab is no answer"),
        ("choice", "seven", CHOICE, {}, "no letter of an option"),
        ("exact", "{", AnswerKind.JSON, {}, "no JSON value"),
        ("jeebench", "A", CHOICE, {"type": "Essay"}, "0123456789ab has the type 'Essay'"),
        ("jeebench", "A", NUMBER, {"type": "Integer"}, "no number"),
        ("game24", "", EXPRESSION, {}, "0123456789ab names no numbers"),
        ("game24", "", EXPRESSION, {"numbers": [1, "2"]}, "names no numbers"),
        ("reasoning-gym", "5", NUMBER, {}, "0123456789ab is no entry of reasoning-gym"),
        ("reasoning-gym", "5", NUMBER, {"entry": {"metadata": {"source_dataset": "no_such"}, "answer": "5"}}, "'no_such'"),
    ],
)
@pytest.mark.parametrize("written", [None, "5"])
async def test_gold_that_cannot_be_read_is_an_error_whatever_was_answered(
    item, grader: str, gold: str, kind: AnswerKind, data: dict[str, object], said: str, written: str | None
) -> None:
    async def equal(a: str, b: str) -> bool | None:
        return None

    answer = written and Answer(value=written, kind=kind, raw=written, rule=ExtractionRule.BOXED)
    with pytest.raises(TaskError, match=said) as caught:
        await GRADERS.get(grader).grade(answer or None, item(gold, kind, data=data), equal)
    assert caught.value.hint


def test_the_page_about_graders_lists_them_as_they_are() -> None:
    page = (Path(__file__).resolve().parents[3] / "docs/graders.md").read_text(encoding="utf-8")
    for name in NAMES:
        assert f"| `{name}` | {GRADERS.get(name).summary} |" in page
