from __future__ import annotations

import pytest

from symposia.agents.rephrasing import read_rephrasing, what_was_lost
from symposia.core.calls import CallFailure, CallResult, Choice, FinishReason, Reply
from symposia.core.problem import Problem

PENS = Problem.of("A box has 12 pens and costs $3.50. How much are 1,200 pens?", answer_kind="number")
SQUARE = Problem.of("Which is a square?\nA) eight\nB) nine\nC) ten", answer_kind="choice")


@pytest.mark.parametrize(
    ("said", "lost"),
    [
        ("What do 1200 pens cost, at $3.50 for a box of 12?", ""),
        ("What do many pens cost, at $3.50 for a box of 12?", "the rephrasing lacks the numbers 1200"),
        ("What do 1200 pens cost, at $3.5 for 12? 350", "the rephrasing has numbers that the original has not: 350"),
        (PENS.question, "the rephrasing is the text as it was"),
    ],
)
def test_numbers_may_be_written_otherwise_but_not_lost(said: str, lost: str) -> None:
    assert what_was_lost(PENS, said) == lost


@pytest.mark.parametrize(
    ("said", "lost"),
    [
        ("Find the square among (A) eight, (B) nine and (C) ten.", ""),
        ("Find the square: A) eight or C) ten.", "the rephrasing lacks the options B"),
        ("Which of eight, nine and ten is a square?", "the rephrasing lacks the options A, B, C"),
    ],
)
def test_a_choice_keeps_the_letters_of_its_options(said: str, lost: str) -> None:
    assert what_was_lost(SQUARE, said) == lost


def replied(text: str, finish: FinishReason = FinishReason.STOP) -> CallResult:
    return CallResult(index=0, key="k", reply=Reply(model="m", choices=(Choice(text=text, finish_reason=finish),)))


def test_what_was_cut_off_or_never_came_cannot_be_used() -> None:
    whole = " What do 1200 pens cost, at $3.50 for a box of 12?<|im_end|>"
    assert read_rephrasing(replied(whole), PENS) == ("What do 1200 pens cost, at $3.50 for a box of 12?< |im_end|>", "")
    assert read_rephrasing(replied(whole, FinishReason.LENGTH), PENS).error == "the rephrasing was cut off"
    failed = CallResult(index=0, key="k", failure=CallFailure(code="rejected", message="not today"))
    assert read_rephrasing(failed, PENS) == ("", "not today")
    empty = CallResult(index=0, key="k", reply=Reply(model="m", choices=()))
    assert read_rephrasing(empty, PENS).error == "the reply is empty"
