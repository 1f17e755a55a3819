from __future__ import annotations

import pytest
from pydantic import ValidationError

from symposia import AnswerKind, Message, Problem
from symposia.core.errors import ProblemError
from symposia.core.problem import MAX_QUESTION_CHARS, ImagePart, ImageUrl, TextPart, ToolCall, ToolFunction

_IMAGE = ImagePart(image_url=ImageUrl(url="data:image/png;base64,AA=="))


def test_a_string_is_one_user_message() -> None:
    problem = Problem.of("What is 2+2?")
    assert problem.messages == (Message(role="user", content="What is 2+2?"),)
    assert (problem.question, problem.answer_kind, problem.language) == ("What is 2+2?", AnswerKind.EXPRESSION, "en")


def test_messages_and_problems_are_taken_and_overridden() -> None:
    messages = [Message(role="system", content="Be short."), Message(role="user", content="a"), Message(role="user", content="b")]
    problem = Problem.of(messages, answer_kind="number")
    assert (problem.question, problem.answer_kind) == ("b", AnswerKind.NUMBER)
    assert Problem.of(problem, language="de") == problem.model_copy(update={"language": "de"})
    assert Problem.of(problem) == problem


def test_a_message_of_parts_reads_as_their_text() -> None:
    message = Message(role="user", content=(TextPart(text="one"), _IMAGE, TextPart(text="two")))
    assert message.text == "one\ntwo"
    assert Message(role="assistant").text == ""


def test_a_picture_alone_is_a_question() -> None:
    assert Problem.of((Message(role="user", content=(_IMAGE,)),)).question == ""


@pytest.mark.parametrize("question", ["", " \n\t", [Message(role="system", content="Be short.")], []])
def test_what_asks_nothing_is_refused(question: str | list[Message]) -> None:
    with pytest.raises(ProblemError, match="the question is empty"):
        Problem.of(question)


def test_the_longest_question_is_the_longest() -> None:
    Problem.of("x" * MAX_QUESTION_CHARS)
    with pytest.raises(ProblemError, match="200,001 characters, more than the 200,000 allowed"):
        Problem.of("x" * (MAX_QUESTION_CHARS + 1))


def test_unknown_kinds_and_fields_are_refused() -> None:
    with pytest.raises(ValueError, match="'numbr' is not a valid AnswerKind"):
        Problem.of("x", answer_kind="numbr")
    with pytest.raises(ValidationError):
        Problem.model_validate({"messages": [{"role": "user", "content": "x"}], "gold": "4"})


def test_messages_go_out_as_the_protocol_spells_them() -> None:
    call = ToolCall(id="1", function=ToolFunction(name="f", arguments="{}"))
    asked = Message(role="assistant", tool_calls=(call,))
    assert Message(role="user", content="hi").wire() == {"role": "user", "content": "hi"}
    assert asked.wire() == {
        "role": "assistant",
        "content": None,
        "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
    parts = Message(role="user", content=(TextPart(text="hi"), _IMAGE)).wire()["content"]
    assert isinstance(parts, list)
    assert [part["type"] for part in parts] == ["text", "image_url"]


def test_a_problem_survives_json() -> None:
    problem = Problem.of((Message(role="user", content=(TextPart(text="hi"), _IMAGE)),), language="fr")
    assert Problem.model_validate_json(problem.model_dump_json()) == problem
