from __future__ import annotations

import pytest

from symposia.agents.notes import read_notes, told_more
from symposia.core.calls import CallFailure, CallResult, Choice, FinishReason, Reply
from symposia.core.problem import ImagePart, ImageUrl, Message, Problem, TextPart


def replied(*texts: str) -> CallResult:
    choices = tuple(Choice(text=text, finish_reason=FinishReason.LENGTH) for text in texts)
    return CallResult(index=0, key="k", reply=Reply(model="m", choices=choices))


@pytest.mark.parametrize(("result", "notes"), [(replied(" 1. so \n"), "1. so"), (replied(""), ""), (replied(), "")])
def test_notes_are_what_was_said_even_where_it_was_cut_off(result: CallResult, notes: str) -> None:
    assert read_notes(result) == notes


def test_a_failed_call_wrote_none() -> None:
    assert read_notes(CallResult(index=0, key="k", failure=CallFailure(code="rejected", message="no"))) == ""


def test_what_is_said_besides_follows_the_last_question_and_images_stay() -> None:
    image = ImagePart(image_url=ImageUrl(url="data:image/png;base64,AA=="))
    turns = (
        Message(role="user", content="Look."),
        Message(role="assistant", content="I do."),
        Message(role="user", content=(TextPart(text="How many?"), image)),
    )
    told = told_more(Problem.of(turns), "More.").messages
    assert told[:2] == turns[:2]
    assert told[2].content == (TextPart(text="How many?\n\nMore."), image)
