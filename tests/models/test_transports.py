"""Replies through every way to a model: what a caller sees must not depend on the transport."""

import pytest

from symposia.core.calls import FinishReason, ToolSpec
from symposia.core.errors import (
    AuthError,
)
from symposia.core.model_spec import Ability
from symposia.core.random import sample_seed
from symposia.testing import Fault, LoopbackServer

from .ways import ask, send, spec_of

# The filters that LiteLLM installs when it is imported; pytest takes them away after the test that imported it.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:.*{text}")
    for text in ("ReadOnly. qualifier", "conflict with protected namespace", "attribute on the instance is deprecated")
]


async def test_reply(transport, way, stream):
    async with LoopbackServer(["Seven."], model="llama", cached_tokens=3) as server:
        reply = await send(transport, spec_of(server, way), ask("one two three four five"), stream=stream)
    assert [choice.text for choice in reply.choices] == ["Seven."]
    assert reply.choices[0].finish_reason is FinishReason.STOP
    assert reply.model == "llama"
    assert (reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens) == (5, 3, 1)
    assert not reply.usage_estimated
    assert 0 < reply.seconds < 20


async def test_request_as_sent(transport, way):
    request = ask(stop=("\n\n",), temperature=0.7, n=2, seed=7, effort="low", extra={"top_k": 20, "min_p": 0.1})
    async with LoopbackServer() as server:
        await send(transport, spec_of(server, way, extra={"top_k": 5, "priority": 1}), request)
        (recorded,) = server.requests
    assert recorded.tag == "run/propose.0.3"
    expected = {
        "model": "fake",
        "messages": [{"role": "user", "content": "What is 6 times 7?"}],
        "max_tokens": 50,
        "temperature": 0.7,
        "top_p": 1.0,
        "n": 2,
        "stop": ["\n\n"],
        "seed": 7,
        "reasoning_effort": "low",
        "top_k": 20,
        "min_p": 0.1,
        "priority": 1,
    }
    if way == "litellm-openai":
        del expected["top_p"]
    assert recorded.body == expected


async def test_plain_request_sends_no_more_than_needed(transport, way):
    async with LoopbackServer() as server:
        await send(transport, spec_of(server, way))
        (recorded,) = server.requests
    assert recorded.body.keys() - {"top_p"} == {"model", "messages", "max_tokens", "temperature"}


async def test_seed_goes_only_to_models_that_take_one(transport, way):
    async with LoopbackServer() as server:
        await send(transport, spec_of(server, way, abilities=frozenset({Ability.CHAT})), ask(seed=7))
        assert "seed" not in server.requests[0].body


async def test_key(transport, way):
    async with LoopbackServer(api_key="s3cret-value") as server:
        await send(transport, spec_of(server, way), api_key="s3cret-value")
        assert server.requests[0].headers["authorization"] == "Bearer s3cret-value"


async def test_wrong_key_is_never_quoted(transport, way, stream):
    async with LoopbackServer(api_key="right") as server:
        with pytest.raises(AuthError) as caught:
            await send(transport, spec_of(server, way, key_env="MY_KEY"), api_key="wr0ng-value", stream=stream)
    assert "MY_KEY" in str(caught.value)
    assert "wr0ng" not in str(caught.value)


async def test_samples(transport, way, stream):
    async with LoopbackServer(lambda prompt, sample: f"{prompt} {sample}") as server:
        reply = await send(transport, spec_of(server, way), ask("q", n=3, seed=sample_seed(1, "p", 0, 5)), stream=stream)
    assert [choice.text for choice in reply.choices] == ["q 5", "q 6", "q 7"]


async def test_streamed_pieces_are_the_text(transport, way):
    pieces: dict[int, list[str]] = {0: [], 1: []}
    async with LoopbackServer(["one two three", "four five"]) as server:
        spec = spec_of(server, way)
        for n in (1, 2):
            for texts in pieces.values():
                texts.clear()
            reply = await send(transport, spec, ask(n=n), on_text=lambda index, text: pieces[index].append(text))
            assert ["".join(pieces[index]) for index in range(n)] == [choice.text for choice in reply.choices]
            assert all(choice.finish_reason is FinishReason.STOP for choice in reply.choices)


async def test_length_and_logprob(transport, way, stream):
    async with LoopbackServer(["one two three four"]) as server:
        reply = await send(transport, spec_of(server, way), ask(max_tokens=3, extra={"logprobs": True}), stream=stream)
    (choice,) = reply.choices
    assert (choice.text, choice.finish_reason, choice.logprob) == ("one two three", FinishReason.LENGTH, -1.5)
    assert reply.completion_tokens == 3


@pytest.mark.parametrize(
    ("message", "thinking", "text"),
    [
        ({"reasoning": "hm hm", "content": "42"}, "hm hm", "42"),
        ({"reasoning_content": "hm hm", "content": "42"}, "hm hm", "42"),
        ({"content": "<think>\nhm hm\n</think>\n\n42"}, "hm hm", "42"),
        ({"content": "hm hm\n</think>\n\n42"}, "hm hm", "42"),
        ({"content": "<think>hm and then the tokens ran"}, "hm and then the tokens ran", ""),
        ({"content": "a < b, 42"}, "", "a < b, 42"),
    ],
)
async def test_thinking_is_kept_apart(transport, way, stream, message, thinking, text):
    async with LoopbackServer(lambda prompt, sample: message) as server:
        reply = await send(transport, spec_of(server, way), stream=stream)
    assert (reply.choices[0].thinking.strip(), reply.choices[0].text.strip()) == (thinking, text)


async def test_tool_calls(transport, way, stream):
    call = {"id": "c1", "type": "function", "function": {"name": "add", "arguments": '{"a": 1}'}}
    async with LoopbackServer(lambda prompt, sample: {"content": None, "tool_calls": [call]}) as server:
        reply = await send(transport, spec_of(server, way), stream=stream)
    (choice,) = reply.choices
    assert [made.model_dump() for made in choice.tool_calls] == [call]
    assert (choice.text, choice.finish_reason) == ("", FinishReason.TOOL_CALLS)


async def test_refusal_is_no_answer(transport, way, stream):
    async with LoopbackServer(lambda prompt, sample: {"content": None, "refusal": "I cannot help with that."}) as server:
        reply = await send(transport, spec_of(server, way), stream=stream)
    (choice,) = reply.choices
    assert (choice.text, choice.refusal) == ("", "I cannot help with that.")


TOOL = ToolSpec(name="add", description="Adds.", parameters={"type": "object", "properties": {"a": {"type": "integer"}}})
SENT_TOOL = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": TOOL.parameters}}
SCHEMA = {"type": "object", "properties": {"x": {"type": "integer"}}}
SENT_SCHEMA = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"logprobs": 0}, {"logprobs": True}),
        ({"logprobs": 3}, {"logprobs": True, "top_logprobs": 3}),
        ({"labels": ("Yes", "No")}, {"logprobs": True, "top_logprobs": 20}),
        ({"prompt_logprobs": True}, {"prompt_logprobs": 0}),
        ({"json_schema": SCHEMA}, {"response_format": SENT_SCHEMA}),
        ({"tools": (TOOL,)}, {"tools": [SENT_TOOL]}),
        ({"tools": (TOOL,), "tool_choice": "required"}, {"tools": [SENT_TOOL], "tool_choice": "required"}),
        (
            {"tools": (TOOL,), "tool_choice": "add"},
            {"tools": [SENT_TOOL], "tool_choice": {"type": "function", "function": {"name": "add"}}},
        ),
    ],
)
async def test_what_is_asked_beside_the_answer(transport, way, changes, fields):
    async with LoopbackServer() as server:
        await send(transport, spec_of(server, way), ask(**changes))
        (recorded,) = server.requests
    extra = {key: value for key, value in recorded.body.items() if key not in {"model", "messages", "max_tokens", "temperature"}}
    extra.pop("top_p", None)
    assert extra == fields


async def test_logprobs_token_by_token(transport, way, stream):
    async with LoopbackServer(lambda prompt, sample: {"content": "Yes indeed", "labels": {"Yes": -0.25, "No": -1.5}}) as server:
        reply = await send(transport, spec_of(server, way), ask(logprobs=2), stream=stream)
    (choice,) = reply.choices
    assert [(token.token, token.logprob) for token in choice.logprobs] == [("Yes", -0.5), (" indeed", -0.5)]
    assert choice.logprobs[0].top == {"Yes": -0.25, "No": -1.5}
    assert choice.labels == {}


async def test_labels(transport, way, stream):
    async with LoopbackServer(lambda prompt, sample: {"content": "No", "labels": {"No": -0.25, "Yes": -1.5}}) as server:
        reply = await send(transport, spec_of(server, way), ask(labels=("Yes", "No", "Maybe")), stream=stream)
    (choice,) = reply.choices
    assert choice.labels == {"Yes": -1.5, "No": -0.5}  # what was sampled is told by its own entry
    assert choice.logprobs == ()


async def test_stop_string_is_told(transport, way, stream):
    async with LoopbackServer(["one. two"]) as server:
        reply = await send(transport, spec_of(server, way), ask(stop=(".",)), stream=stream)
    (choice,) = reply.choices
    assert (choice.text, choice.stop) == ("one", ".")


@pytest.mark.parametrize("n", [1, 2])
async def test_missing_usage_is_bounded_from_above(transport, way, stream, n):
    request = ask(n=n)
    async with LoopbackServer(usage=False) as server:
        reply = await send(transport, spec_of(server, way), request, stream=stream)
    assert reply.usage_estimated
    assert (reply.prompt_tokens, reply.completion_tokens) == (request.prompt_bound(), 50 * n)


@pytest.mark.parametrize(("count", "kept"), [(1, 1), (3, 2)])
async def test_other_number_of_choices_than_asked_for(transport, way, stream, count, kept):
    async with LoopbackServer(lambda prompt, sample: f"text {sample}", faults=[Fault.choices(count)]) as server:
        reply = await send(transport, spec_of(server, way), ask(n=2), stream=stream)
    assert [choice.text for choice in reply.choices] == ["text 0", "text 1"][:kept]


async def test_more_choices_than_the_one_asked_for(transport, way, stream):
    async with LoopbackServer(lambda prompt, sample: f"text {sample}", faults=[Fault.choices(3)]) as server:
        reply = await send(transport, spec_of(server, way), stream=stream)
    assert [choice.text for choice in reply.choices] == ["text 0"]
