"""Mistakes of published graders and extractors, each as a test from the text to the grade. All texts are our own."""

from __future__ import annotations

import pytest

from symposia.core.answers import extract, group
from symposia.core.problem import AnswerKind

NUMBER, EXPRESSION, CHOICE, TEXT = AnswerKind.NUMBER, AnswerKind.EXPRESSION, AnswerKind.CHOICE, AnswerKind.TEXT

TRAPS = [
    # A decimal comma is no thousands separator, and cents are no further digits.
    ("numeric", "Das macht zusammen 57,00 $.", "57", NUMBER, 1),
    ("numeric", "Das macht zusammen 57,00 $.", "5700", NUMBER, 0),
    ("numeric", "Antwort: 57,00 $", "5700", NUMBER, 0),
    # What is announced is the answer, not the last number of its sentence.
    ("numeric", "The answer is 5 cups of sugar for 15 puddings.", "5", NUMBER, 1),
    ("numeric", "The answer is 5 cups of sugar for 15 puddings.", "15", NUMBER, 0),
    ("numeric", "Each takes 3 eggs.\nAnswer: $40 for 8 cakes, made from 24 eggs", "40", NUMBER, 1),
    ("numeric", "Each takes 3 eggs.\nAnswer: $40 for 8 cakes, made from 24 eggs", "24", NUMBER, 0),
    # One answer a text: not any of the last two or three numbers.
    ("numeric", "Anna has 12 and Ben has 30, so 42 in all.", "42", NUMBER, 1),
    ("numeric", "Anna has 12 and Ben has 30, so 42 in all.", "30", NUMBER, 0),
    ("numeric-lenient", "Anna has 12 and Ben has 30, so 42 in all.", "30", NUMBER, 0),
    ("numeric-lenient", r"\boxed{42} out of 50", "50", NUMBER, 0),
    # Whole answers, not parts of them.
    ("numeric", r"\boxed{15}", "5", NUMBER, 0),
    ("numeric", r"\boxed{5}", "15", NUMBER, 0),
    ("numeric", r"\boxed{1.5}", "5", NUMBER, 0),
    ("exact", "Annabel", "Anna", TEXT, 0),
    ("exact", "Anna", "Annabel", TEXT, 0),
    ("choice", r"\boxed{ABCD}", "A", CHOICE, 0),
    # A word inside its contrary.
    ("exact", "The answer is INCORRECT.", "CORRECT", EXPRESSION, 0),
    ("symbolic", "The answer is INCORRECT.", "CORRECT", EXPRESSION, 0),
    ("exact", r"\boxed{\text{INCORRECT}}", "incorrect", EXPRESSION, 1),
    ("exact", "unsafe", "safe", TEXT, 0),
    ("choice", "INCORRECT", "C", CHOICE, 0),
    # "Yes" anywhere in the text is not the answer.
    ("exact", "Yes, at first sight it seems so. But 7 is odd.\nThe answer is no.", "yes", EXPRESSION, 0),
    ("exact", "Yes, at first sight it seems so. But 7 is odd.\nThe answer is no.", "no", EXPRESSION, 1),
    # Options that are mentioned on the way are not chosen; the article is no letter.
    ("choice", "Option A is too small and option D too large.\nThe answer is (C).", "C", CHOICE, 1),
    ("choice", "Option A is too small and option D too large.\nThe answer is (C).", "D", CHOICE, 0),
    ("choice", "The answer is a large number.", "A", CHOICE, 0),
    # Words that programs write for nothing.
    ("numeric", "None", "0", NUMBER, 0),
    ("exact", "None", "none of them", EXPRESSION, 0),
    ("numeric", "", "0", NUMBER, 0),
    ("numeric", r"\boxed{}", "0", NUMBER, 0),
    ("numeric", r"Half of it is 6, so \boxed{1", "1", NUMBER, 0),
    # Numbers that are equal only to who rounds, or drops a sign or a percent sign.
    ("numeric", r"\boxed{41.6}", "42", NUMBER, 0),
    ("numeric-lenient", r"\boxed{41.6}", "42", NUMBER, 0),
    ("numeric", r"\boxed{0.25}", "25%", NUMBER, 0),
    ("numeric", r"\boxed{-8}", "8", NUMBER, 0),
    # The last box counts, not the first one that fits.
    ("numeric", r"First \boxed{8}. No, I forgot one: \boxed{9}.", "8", NUMBER, 0),
    ("numeric", r"First \boxed{8}. No, I forgot one: \boxed{9}.", "9", NUMBER, 1),
    # The list that follows is not the answer.
    ("numeric", "There are 7 in all.\n1. red\n2. blue", "2", NUMBER, 0),
    ("numeric", "There are 7 in all.\n1. red\n2. blue", "7", NUMBER, 1),
]


@pytest.mark.parametrize(("grader", "text", "gold", "kind", "credit"), TRAPS)
async def test_traps(graded, grader: str, text: str, gold: str, kind: AnswerKind, credit: int) -> None:
    assert (await graded(grader, text, gold, kind)).credit == credit


async def test_no_answer_wins_no_vote_and_gets_no_credit(graded) -> None:
    async def same(a: object, b: object) -> bool:
        return False

    texts = ["None", "", "I give up", "nan", r"\boxed{4}"]
    answers = [extract(text, NUMBER) for text in texts]
    assert await group(answers, same) == (-1, -1, -1, -1, 0)
    assert [(await graded("numeric", text, "4")).credit for text in texts] == [0, 0, 0, 0, 1]
