"""Finding answers in text: the rules, their order, and the traps that made published extractors read wrong answers."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.core.answers import extract
from symposia.core.candidate import ExtractionRule
from symposia.core.problem import AnswerKind

NUMBER, EXPRESSION, CHOICE = AnswerKind.NUMBER, AnswerKind.EXPRESSION, AnswerKind.CHOICE
BOXED, HASHES, CUE, _PROGRAM, WHOLE, LAST = ExtractionRule

FOUND = [
    (r"First \boxed{3}, no: \boxed{\frac{1}{2}}.", "1/2", BOXED),
    (r"\boxed{3} and then \boxed{4", "3", BOXED),
    (r"\boxed{\boxed{5}}", "5", BOXED),
    (r"\fbox{7}", "7", BOXED),
    (r"\boxed{180^\circ - 90^\circ = \boxed{90^\circ}}", "90", BOXED),
    (r"It goes in \boxed{}. The answer is 5", "5", CUE),
    ("9 eggs\n#### 1,234", "1234", HASHES),
    ("#### 5\n#### Notes on the method", "5", HASHES),
    ("#### Step 1: take 5\nThe answer is 7", "7", CUE),
    ("The answer is 5 apples for 15 puddings", "5", CUE),
    ("The answer is $5 for $15 puddings.", "5", CUE),
    ("The answer is 5. This means that 10 = 2*5", "5", CUE),
    ("The answer is 3 + 4 = 7 apples", "7", CUE),
    ("The answer is $18.", "18", CUE),
    ("The answer is 7.5.", "15/2", CUE),
    ("The answer is **18**.", "18", CUE),
    ("The answer is __18__. It was easy.", "18", CUE),
    (r"The answer is 12,\! 345. That is all", "12345", CUE),
    ("**Final Answer:** $x = 5$", "5", CUE),
    ("**Answer**: 57,00 $", "57", CUE),
    ("## Final Answer\n\n**42**", "42", CUE),
    ("The final answer is:\n\\[\n\\frac12\n\\]", "1/2", CUE),
    ("The answer is 5.\nMy answer is as follows: we add and then we divide.", "5", CUE),
    ("Answer: The total is 18 dollars and 3 cents", "18", CUE),
    ("\u7b54\u6848\u662f46\u5143\u3002", "46", CUE),
    ("Die Antwort lautet 12.", "12", CUE),
    ("42", "42", WHOLE),
    ("$1,000.", "1000", WHOLE),
    ("That leaves 57,00 $", "57", LAST),
    ("Each of the 3 gets 4 apples.", "4", LAST),
    ("We are left with \\frac{3}{4} of it, she said", "3/4", LAST),
    ("So the area of the kite $ABCD$ is $75$ square units.", "75", LAST),
    (r"The values are \(m = 6\) and \(m = -\frac{10}{3}\).", "-10/3", LAST),
    (r"The final answer is \(\frac{1}{2}\). I hope it is correct.", "1/2", CUE),
    ("I count 7 in all.\n1. foo\n2. bar", "7", LAST),
]


@pytest.mark.parametrize(("text", "value", "rule"), FOUND)
@pytest.mark.parametrize("kind", [NUMBER, EXPRESSION])
def test_a_number_is_found(text: str, value: str, rule: ExtractionRule, kind: AnswerKind) -> None:
    answer = extract(text, kind)
    assert answer is not None
    assert (answer.value, answer.rule) == (value, rule)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (r"The answer is $\frac{\sqrt{3}}{2}$.", r"\frac{\sqrt{3}}{2}"),
        (r"The answer is the interval $(1, 2)$ for short", "(1, 2)"),
        ("The answer is x^2 + y^2 = 4", "x^2+y^2=4"),
        ("The answer is even.", "even"),
        ("Paris", "Paris"),
        ("2x + 3", "2x+3"),
        (r"\boxed{\text{Evelyn}}", "Evelyn"),
    ],
)
def test_an_expression_is_found(text: str, value: str) -> None:
    answer = extract(text, EXPRESSION)
    assert answer is not None
    assert answer.value == value


@pytest.mark.parametrize(
    "text", ["", " \n", r"\boxed{}", r"so \boxed{4", r"\boxed{\frac{1}{2}", "I do not know", "None", "1. one\n2. two"]
)
@pytest.mark.parametrize("kind", [NUMBER, EXPRESSION])
def test_no_answer_is_invented(text: str, kind: AnswerKind) -> None:
    assert extract(text, kind) is None


def test_dollars_around_a_formula_are_no_money() -> None:
    for text, unit in [("It is $75$ square units.", None), ("It costs $75 now.", "$"), ("$5 for $15 puddings", "$")]:
        answer = extract(text, NUMBER)
        assert answer is not None
        assert answer.unit == unit


def test_the_last_number_can_be_turned_off() -> None:
    assert extract("That leaves 4 apples", NUMBER, last_number=False) is None
    assert extract("The answer is 4", NUMBER, last_number=False) is not None


def test_the_raw_text_is_kept() -> None:
    answer = extract(r"So \boxed{ \$1,234.50 }", NUMBER)
    assert answer is not None
    assert (answer.raw, answer.unit, str(answer)) == (r"\$1,234.50", "$", "$1234.5")


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("(B)", "B"),
        ("**B**", "B"),
        ("B.", "B"),
        ("option B", "B"),
        (r"\boxed{\text{B}}", "B"),
        (r"\boxed{\textbf{(B)}\ 35}", "B"),
        (r"\boxed{a}", "A"),
        (r"\boxed{I}", "I"),
        (r"\boxed{A,C,D}", "ACD"),
        ("AC", "AC"),
        ("C, A", "AC"),
        ("#### B", "B"),
        ("The answer is (B) 35", "B"),
        ("The answer is A because it is", "A"),
        ("Answer: A. 35 apples", "A"),
        ("**Answer: C**", "C"),
        ("The correct answer is: **B**", "B"),
        ("The correct options are (A) and (D).", "AD"),
        ("The answers are A, B, and D.", "ABD"),
        ("The answer is 35, which is option (B)", "B"),
        ("\\boxed{35}\nAnswer: D", "D"),
    ],
)
def test_a_choice_is_found(text: str, letters: str) -> None:
    answer = extract(text, CHOICE)
    assert answer is not None
    assert (answer.value, answer.unit) == (letters, None)


@pytest.mark.parametrize(
    "text",
    [
        "The answer is a dog",
        "Answer: A dog",
        "I think so",
        "The answer is I think unclear",
        "A large dog",
        "INCORRECT",
        "The answer is",
        "Answer: a",
        "Answer: I",
        "Because of the CABBAGE",
    ],
)
def test_articles_pronouns_and_words_are_no_choice(text: str) -> None:
    assert extract(text, CHOICE) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("foo\n```python\nprint(1)\n```\nbar", "print(1)"),
        ("```\na\n```\nthen\n```py\nb", "b"),
        ("print(1)", "print(1)"),
    ],
)
def test_code_is_the_last_block_or_all(text: str, value: str) -> None:
    answer = extract(text, AnswerKind.CODE)
    assert answer is not None
    assert answer.value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('{"b": 1, "a": 2}', '{"a":2,"b":1}'),
        ('so ```json\n{"a": 1}\n``` it is\n```json\n{"a": 2}\n```', '{"a":2}'),
        ('first {"a": 1}, then {"b": [2, {"c": 3}]} and [', '{"b":[2,{"c":3}]}'),
    ],
)
def test_json_is_the_last_valid_value(text: str, value: str) -> None:
    answer = extract(text, AnswerKind.JSON)
    assert answer is not None
    assert answer.value == value


def test_json_may_escape_half_a_character() -> None:
    answer = extract(r'["\ud800"]', AnswerKind.JSON)
    assert answer is not None
    assert answer.value == '["\ufffd"]'


def test_text_is_taken_whole_and_a_tool_call_never() -> None:
    answer = extract("  A poem.\nOf two lines. ", AnswerKind.TEXT)
    assert answer is not None
    assert (answer.value, answer.rule) == ("A poem.\nOf two lines.", WHOLE)
    assert extract('{"name": "f"}', AnswerKind.TOOL_CALL) is None


PIECES = [
    "The answer is ", "Answer:", "\\boxed{", "}", "{", "#### ", "\n", "$", "```", "**", "(B)", "A", "I", "5", "57,00", "%", "=",
    "\\frac", "[1, ", '{"a":', "None", " apples", ". ", "10:30", "1e999", "\ud800", "\u0301", "\u09eb",
]  # fmt: skip


@settings(deadline=None)
@given(
    text=st.text() | st.lists(st.sampled_from(PIECES), max_size=30).map("".join) | st.text(st.characters(), max_size=60),
    kind=st.sampled_from(AnswerKind),
    last_number=st.booleans(),
)
def test_extraction_never_raises_and_never_yields_nothing(text: str, kind: AnswerKind, last_number: bool) -> None:
    answer = extract(text, kind, last_number=last_number)
    if answer is not None:
        assert answer.value.strip()
        assert answer.kind is kind
        answer.model_dump_json()


REPEATED = [
    "{", "}", "\\boxed{", "\\boxed{}", "\\frac", "\\text{", "\\\\", "\\(", "$", "[", "[1,", '{"a":', "-", "1", "1,", "1/", "2a1",
    "x2\n", "1. 2\n", "####\n", "#### 1 a\n", "```\n", "\n", "answer: ", "answer ", "a ", "(A) ", "* ", "**", "\u0301", "\u09eb",
]  # fmt: skip


@pytest.mark.parametrize(("piece", "closing"), [*((piece, "") for piece in REPEATED), ("\\boxed{", "}")])
def test_a_million_characters_take_no_time(piece: str, closing: str) -> None:
    times = 1_000_000 // len(piece + closing)
    text = piece * times + closing * times
    for kind in (NUMBER, CHOICE, AnswerKind.JSON):
        start = time.process_time()
        extract(text, kind)
        assert time.process_time() - start < 10, "not linear: a quadratic rule would take minutes"
