"""Reading replies and refusals: strict where a mistake could pass for an answer, never quoting a key."""

import contextlib
import json
import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.core.calls import ChatRequest, FinishReason
from symposia.core.errors import (
    AuthError,
    BrokenReplyError,
    ContextLengthError,
    ModelError,
    ModelTimeoutError,
    RateLimitError,
    RejectedError,
    ServerError,
)
from symposia.core.problem import ImagePart, ImageUrl, Message, TextPart, ToolCall, ToolFunction
from symposia.core.thinking import split_thinking
from symposia.models import reading, wire
from symposia.models.http_errors import error_for, error_from_body, excerpt, redact
from symposia.models.streaming import Assembly
from symposia.testing import fake_spec

SPEC = fake_spec("mine", key_env="MY_KEY")
ASK = ChatRequest(messages=(Message(role="user", content="q"),), max_tokens=10, n=2)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["choices", "message", "content", "index", "usage", "prompt_tokens", "tool_calls", "delta", "error", "logprobs"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


def payload(*texts, **fields):
    choices = [{"index": index, "message": {"content": text}, "finish_reason": "stop"} for index, text in enumerate(texts)]
    return {"model": "m", "choices": choices} | fields


def test_choices_are_ordered_by_their_index():
    mixed = payload("a", "b")
    mixed["choices"].reverse()
    assert [choice.text for choice in reading.reply(mixed, SPEC, ASK, 0.1).choices] == ["a", "b"]


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        "text",
        {},
        {"choices": []},
        {"choices": "text"},
        {"choices": ["text"]},
        {"choices": [{"text": "completions, not chat"}]},
        {"choices": [{"message": {"content": 3}}]},
        {"choices": [{"message": {"content": [{"text": "parts"}]}}]},
        {"choices": [{"message": {"content": "a", "reasoning": 3}}]},
        {"choices": [{"message": {"content": "a", "tool_calls": [{"function": "f"}]}}]},
        {"choices": [{"message": {"content": "a", "tool_calls": 3}}]},
    ],
)
def test_what_is_no_reply(broken):
    with pytest.raises(BrokenReplyError, match="mine"):
        reading.reply(broken, SPEC, ASK, 0.1)


@given(JSON)
def test_nothing_but_errors_of_the_tree_comes_out(value):
    for read in (lambda: reading.reply(value, SPEC, ASK, 0.1), lambda: assemble([value])):
        with contextlib.suppress(ModelError):
            assert read().choices


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 5, "completion_tokens": 7}, (5, 0, 7, False)),
        ({"prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 4}}, (5, 4, 7, False)),
        ({"prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": {"cached_tokens": 9}}, (5, 5, 7, False)),
        ({"prompt_tokens": 5, "completion_tokens": 7, "prompt_tokens_details": None}, (5, 0, 7, False)),
        (None, (ASK.prompt_bound(), 0, 20, True)),
        ({"prompt_tokens": 5}, (ASK.prompt_bound(), 0, 20, True)),
        ({"prompt_tokens": -5, "completion_tokens": "7"}, (ASK.prompt_bound(), 0, 20, True)),
    ],
)
def test_usage(usage, counts):
    reply = reading.reply(payload("a", usage=usage), SPEC, ASK, 0.1)
    assert (reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens, reply.usage_estimated) == counts


@pytest.mark.parametrize(
    ("said", "meant"),
    [("stop", "stop"), ("length", "length"), ("content_filter", "content_filter"), ("abort", "other"), (None, "other")],
)
def test_finish_reason(said, meant):
    told = payload("a")
    told["choices"][0]["finish_reason"] = said
    assert reading.reply(told, SPEC, ASK, 0.1).choices[0].finish_reason is FinishReason(meant)


@pytest.mark.parametrize(
    ("logprobs", "total"),
    [
        ({"content": [{"logprob": -1}, {"logprob": -0.5}]}, -1.5),
        ({"content": [{"logprob": -math.inf}]}, None),
        ({"content": [{"logprob": None}]}, None),
        ({"content": []}, None),
        ({"content": None}, None),
        (None, None),
    ],
)
def test_logprob(logprobs, total):
    told = payload("a")
    told["choices"][0]["logprobs"] = logprobs
    assert reading.reply(told, SPEC, ASK, 0.1).choices[0].logprob == total


@pytest.mark.parametrize(
    ("content", "thinking", "text"),
    [
        ("<think>a</think>b", "a", "b"),
        ("\n<think>\na\n</think>\n\nb", "a", "b"),
        ("a</think>b", "a", "b"),
        ("<think>a", "a", ""),
        ("<think>a</think>b <think>c</think>", "a", "b <think>c</think>"),
        ("b", "", "b"),
        ("  b", "", "  b"),
        ("", "", ""),
    ],
)
def test_split_thinking(content, thinking, text):
    assert split_thinking(content) == (thinking, text)


def test_every_kind_of_message_goes_out():
    call = ToolCall(id="c", function=ToolFunction(name="f", arguments="{}"))
    messages = (
        Message(role="system", content="s"),
        Message(role="user", content=(TextPart(text="look"), ImagePart(image_url=ImageUrl(url="data:image/png;base64,AA")))),
        Message(role="assistant", tool_calls=(call,)),
        Message(role="tool", content="4", tool_call_id="c"),
    )
    sent = wire.body(SPEC, ASK.model_copy(update={"messages": messages}), stream=True)
    assert sent["messages"] == [
        {"role": "system", "content": "s"},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "look"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA", "detail": "auto"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "content": "4", "tool_call_id": "c"},
    ]
    assert sent["stream_options"] == {"include_usage": True}


def assemble(chunks, expect=0):
    assembly = Assembly(SPEC, lambda index, text: None)
    for chunk in chunks:
        assembly.feed(chunk)
    return reading.reply(assembly.payload(expect=expect), SPEC, ASK, 0.1)


def delta(index=0, finish=None, **fields):
    return {"choices": [{"index": index, "delta": fields, "finish_reason": finish}]}


def test_tool_call_in_pieces():
    pieces = [{"index": 0, "id": "c", "function": {"name": "f"}}, {"index": 0, "function": {"arguments": '{"a"'}}]
    pieces.append({"index": 0, "function": {"arguments": ": 1}"}})
    reply = assemble([*(delta(tool_calls=[piece]) for piece in pieces), delta(finish="tool_calls")])
    assert reply.choices[0].tool_calls == (ToolCall(id="c", function=ToolFunction(name="f", arguments='{"a": 1}')),)


@pytest.mark.parametrize(
    ("chunks", "expect", "match"),
    [
        ([delta(content="a")], 0, "broke off after"),
        ([delta(content="a"), delta(1, content="b"), delta(finish="stop")], 0, "broke off after"),
        ([delta(content="a", finish="stop")], 2, "broke off with its choices"),
        ([], 0, "no choices"),
        (["text"], 0, "not an object"),
        ([{"choices": ["text"]}], 0, "not an object"),
        ([delta(content=3)], 0, "not text"),
        ([delta(tool_calls=["f"])], 0, "tool call"),
        ([delta(content="a"), {"error": {"message": "engine died"}}], 0, "engine died"),
    ],
)
def test_broken_streams(chunks, expect, match):
    with pytest.raises(BrokenReplyError, match=match):
        assemble(chunks, expect)


@pytest.mark.parametrize(
    ("status", "text", "error"),
    [
        (401, "", AuthError),
        (403, "no access to the model", AuthError),
        (429, "", RateLimitError),
        (408, "", ModelTimeoutError),
        (504, "", ModelTimeoutError),
        (500, "", ServerError),
        (503, "", ServerError),
        (400, "", RejectedError),
        (404, "", RejectedError),
        (301, "", RejectedError),
        (400, "the request exceeds the available context size, try increasing it", ContextLengthError),
        (400, "This model's maximum context length is 4096 tokens", ContextLengthError),
        (400, "prompt is too long: 200001 tokens > 200000 maximum", ContextLengthError),
        (400, "input length and `max_tokens` exceed context limit", ContextLengthError),
        (400, "The input token count (9) exceeds the maximum number of tokens allowed", ContextLengthError),
        (413, "context_length_exceeded", ContextLengthError),
        (404, "context length", RejectedError),
    ],
)
def test_status(status, text, error):
    found = error_for(status, {}, text, SPEC)
    assert type(found) is error
    assert "mine" in found.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "3"}, 3),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"Retry-After": "30", "retry-after-ms": "250"}, 0.25),
        ({"Retry-After": "30", "retry-after-ms": "soon"}, 30),
        ({"Retry-After": "-4"}, 0),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "inf"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers, seconds):
    assert error_for(429, headers, "", SPEC).retry_after == seconds


def test_retry_after_as_a_date():
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    waited = error_for(429, {"Retry-After": at}, "", SPEC).retry_after
    assert waited is not None
    assert 55 < waited <= 60
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=60), usegmt=True)
    assert error_for(429, {"Retry-After": past}, "", SPEC).retry_after == 0


@pytest.mark.parametrize(
    "text",
    [
        "Incorrect API key provided: sk-proj-abcdef123456.",
        "Authorization: Bearer abcdef123456",
        '{"api_key": "abcdef123456"}',
        "gsk_abcdef123456",
        "token=abcdef123456",
        "AIzaabcdef123456",
    ],
)
def test_keys_are_blotted_out(text):
    assert "abcdef" not in redact(text)
    for status in (400, 401, 403, 429, 500):
        assert "abcdef" not in str(error_for(status, {}, text, SPEC))
    assert "abcdef" not in str(error_from_body({"error": text}, SPEC))


def test_the_key_itself_is_blotted_out_whatever_it_looks_like():
    found = error_for(400, {}, json.dumps({"error": {"message": "bad key 'hunter2'"}}), SPEC, secret="hunter2")
    assert "hunter2" not in str(found)


def test_excerpts_are_short_and_printable():
    assert excerpt("a\x1b[31mb\r\n\tc") == "a [31mb c"
    assert len(excerpt({"text": "x" * 5000})) == 120
    assert excerpt(b"\xff\xfe") == "\ufffd\ufffd"
