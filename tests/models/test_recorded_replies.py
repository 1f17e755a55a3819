"""Replies of real APIs, in shapes as published, played from a loopback server: what a caller sees of each.

A file of ``tests/data/replies`` holds one reply: ``body`` or, where it was streamed, ``chunks``; ``ways`` says which transports
can meet it, ``expect`` what must come out (``usage``: prompt, cached, completion and thinking tokens; None is anything).
"""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from symposia.core.calls import ChatRequest, Choice, FinishReason, Reply, ToolSpec
from symposia.core.errors import BrokenReplyError, ModelError, RateLimitError, RejectedError
from symposia.core.model_spec import ModelSpec
from symposia.core.problem import Message
from symposia.models import reading
from symposia.models.direct_transport import DirectTransport
from symposia.models.gateway import ModelGateway
from symposia.models.litellm_transport import LiteLLMTransport
from symposia.testing import fake_spec

# The filters that LiteLLM installs when it is imported; pytest takes them away after the test that imported it.
pytestmark = [
    pytest.mark.filterwarnings(f"ignore:.*{text}")
    for text in ("ReadOnly. qualifier", "conflict with protected namespace", "attribute on the instance is deprecated")
]

FOLDER = Path(__file__).parents[1] / "data" / "replies"
RECORDS: dict[str, dict[str, Any]] = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}
TRANSPORTS = {"direct": DirectTransport, "litellm": LiteLLMTransport}


class Replay:
    """Answers every request with one recorded reply, and keeps what was asked."""

    def __init__(self, record: dict[str, Any]) -> None:
        self.record = record
        self.asked: list[dict[str, Any]] = []

    async def __aenter__(self):
        app = web.Application()
        app.router.add_post("/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def spec(self, way: str = "litellm", model: str | None = None) -> ModelSpec:
        provider, name = self.record["provider"], self.record["model"]
        base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return ModelSpec(
            name="mine",
            litellm=model or f"{provider}/{name}",
            served_name=name,
            endpoint=base if provider == "anthropic" else f"{base}/v1",
            transport="direct" if way == "direct" else "litellm",
            key_env="MY_KEY",
        )

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(await request.json())
        record = self.record
        if "body" in record:
            return web.json_response(record["body"], status=record["status"], headers=record.get("headers"))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"} | record.get("headers", {}))
        await response.prepare(request)
        for chunk in record["chunks"]:
            await response.write(
                event(chunk) if response.content_type == "text/event-stream" else json.dumps(chunk).encode() + b"\n"
            )
        await response.write_eof()
        return response


def event(chunk: object) -> bytes:
    """A server-sent event: a comment, ``[DONE]``, or JSON, which Anthropic's API names by its type."""
    if isinstance(chunk, str):
        return f"{chunk}\n\n".encode() if chunk.startswith(":") else f"data: {chunk}\n\n".encode()
    assert isinstance(chunk, dict)
    name = f"event: {chunk['type']}\n" if "type" in chunk else ""
    return f"{name}data: {json.dumps(chunk)}\n\n".encode()


@pytest.fixture
async def transports():
    made = {name: transport() for name, transport in TRANSPORTS.items()}
    yield made
    for transport in made.values():
        await transport.close()


def ask(**changes: Any) -> ChatRequest:
    messages = (Message(role="system", content="s"), Message(role="user", content="What is 6 times 7?"))
    fields = {name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()}
    return ChatRequest.model_validate({"messages": messages, "max_tokens": 4096} | fields)


async def send(transport, spec: ModelSpec, request: ChatRequest, heard: dict[int, str] | None = None) -> Reply:
    def listen(index: int, text: str) -> None:
        assert heard is not None
        heard[index] = heard.get(index, "") + text

    on_text = None if heard is None else listen
    return await transport.complete(spec, request, api_key="dummy", timeout=20, tag="run/propose.0.0", on_text=on_text)


def check(choice: Choice, expect: dict[str, Any], place: int) -> None:
    text = expect["texts"][place] if "texts" in expect else expect["text"]
    assert choice.text.strip() == text  # LiteLLM cuts thinking out of some contents, the blank lines around it stay
    assert choice.thinking.strip() == expect.get("thinking", "")
    assert choice.refusal == expect.get("refusal", "")
    assert choice.finish_reason is FinishReason(expect.get("finish_reason", "stop"))
    assert choice.stop == expect.get("stop")
    assert [[token.token, token.logprob] for token in choice.logprobs] == (
        expect["logprobs"][place] if "logprobs" in expect else []
    )
    wanted = expect.get("tool_calls", [])
    assert [[call.function.name, call.function.arguments] for call in choice.tool_calls] == [call[1:] for call in wanted]
    for call, (name, *_) in zip(choice.tool_calls, wanted, strict=True):
        assert call.id == name or (name is None and call.id)  # LiteLLM makes one where the API has none


CASES = [pytest.param(name, way, id=f"{name}-{way}") for name, record in RECORDS.items() for way in record["ways"]]


@pytest.mark.parametrize(("name", "way"), CASES)
async def test_recorded_reply(transports, name, way):
    record = RECORDS[name]
    expect, heard = record["expect"], {} if "chunks" in record else None
    async with Replay(record) as server:
        sending = send(transports[way], server.spec(way), ask(**record.get("request", {})), heard)
        if "error" in expect:
            with pytest.raises(ModelError) as caught:
                await sending
            assert (caught.value.code, caught.value.retry_after) == (expect["error"], expect.get("retry_after"))
            assert len(server.asked) == 1
            return
        reply = await sending
    assert len(server.asked) == 1
    for place, choice in enumerate(reply.choices):
        check(choice, expect, place)
    assert len(reply.choices) == len(expect.get("texts", ["text"]))
    assert [[token.token, token.logprob] for token in reply.prompt_logprobs] == expect.get("prompt_logprobs", [])
    told = [reply.prompt_tokens, reply.cached_tokens, reply.completion_tokens, reply.thinking_tokens]
    assert reply.usage_estimated is ("usage" not in expect)
    for count, wanted in zip(told, expect.get("usage", told), strict=True):
        assert wanted in {None, count}
    if heard is not None:  # what was told live is the text, or was until the filter came
        assert heard == {index: choice.text or choice.refusal for index, choice in enumerate(reply.choices) if index in heard}
        assert expect.get("text", "") == "" or heard


def test_every_record_says_where_its_shape_was_seen():
    providers = set()
    for name, record in RECORDS.items():
        assert {"provider", "model", "published", "request_notes", "status", "ways", "expect"} <= record.keys(), name
        assert ("body" in record) != ("chunks" in record), name
        assert record["published"], name
        providers.add(record["provider"])
    assert providers >= {"openai", "anthropic", "gemini", "deepseek", "mistral", "xai", "openrouter", "groq", "moonshot"}


@pytest.mark.parametrize("name", ["anthropic-refusal", "gemini-blocked", "gemini-safety", "azure-filtered"])
async def test_a_block_is_an_outcome_and_is_charged(transports, name):
    async with Replay(RECORDS[name]) as server:
        reply = await send(transports["litellm"], server.spec(), ask())
    assert reply.choices[0].text == ""
    assert reply.prompt_tokens > 0
    assert not reply.usage_estimated


@pytest.mark.parametrize(
    ("name", "way"), [("azure-blocked", "direct"), ("azure-blocked", "litellm"), ("gemini-blocked", "litellm")]
)
async def test_a_refused_prompt_is_not_tried_again(name, way):
    gateway = ModelGateway(environ={"MY_KEY": "dummy"})
    async with Replay(RECORDS[name]) as server:
        with contextlib.suppress(RejectedError):
            await gateway.complete(server.spec(way), ask(), tag="t", on_text=lambda index, text: None)
        assert len(server.asked) == 1
    await gateway.close()


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("model_length", FinishReason.LENGTH),
        ("model_context_window_exceeded", FinishReason.LENGTH),
        ("insufficient_system_resource", FinishReason.LENGTH),
        ("sensitive", FinishReason.FILTER),
    ],
)
def test_ends_with_names_of_their_own(said, meant):
    payload = {"choices": [{"message": {"content": "It is"}, "finish_reason": said}]}
    assert reading.reply(payload, fake_spec("mine"), ask(), 0.1).choices[0].finish_reason is meant


@pytest.mark.parametrize("said", ["error", "network_error"])
def test_a_text_that_an_error_ended_is_no_reply(said):
    payload = {"choices": [{"message": {"content": "It is"}, "finish_reason": said}]}
    with pytest.raises(BrokenReplyError, match="ended with an error"):
        reading.reply(payload, fake_spec("mine"), ask(), 0.1)


def test_a_filter_leaves_no_answer_behind():
    call = {"id": "c", "function": {"name": "f", "arguments": '{"a": 1'}}
    payload = {"choices": [{"message": {"content": "42", "tool_calls": [call]}, "finish_reason": "content_filter"}]}
    (choice,) = reading.reply(payload, fake_spec("mine"), ask(), 0.1).choices
    assert (choice.text, choice.refusal, choice.tool_calls) == ("", "42", ())


ANSWERS = {"anthropic": "anthropic-cut", "gemini": "gemini-cache", "openai": "openai-reasoning"}
TOOL = ToolSpec(name="add", parameters={"type": "object", "properties": {"a": {"type": "integer"}}})
THINK_LOW = {"type": "enabled", "budget_tokens": 1024}
WARM = {"temperature": 0.7, "top_p": 0.95}
ABSENT = object()
SENT = [
    # An ordinary model gets what was asked.
    ("openai/gpt-4o-mini", WARM, {"max_tokens": 4096, "temperature": 0.7, "top_p": 0.95}),
    ("openai/gpt-4o-mini", {}, {"temperature": 0.0, "top_p": ABSENT, "reasoning_effort": ABSENT}),
    # OpenAI's reasoning models take max_completion_tokens, an effort, and no temperature of ours.
    ("openai/o4-mini", {"effort": "low"} | WARM, {"max_completion_tokens": 4096, "max_tokens": ABSENT, "temperature": ABSENT}),
    ("openai/gpt-5-mini", WARM, {"max_completion_tokens": 4096, "temperature": ABSENT, "top_p": ABSENT}),
    ("openai/gpt-5-mini", {"effort": "high"}, {"reasoning_effort": "high", "temperature": ABSENT, "max_tokens": ABSENT}),
    ("openai/gpt-5.1", {}, {"temperature": 0.0}),  # thinks only where asked to
    ("openai/gpt-5.1", {"effort": "low"}, {"temperature": ABSENT, "reasoning_effort": "low"}),
    # Claude thinks within a budget below max_tokens, at its own temperature.
    ("anthropic/claude-sonnet-4-5", {}, {"temperature": 0.0, "max_tokens": 4096, "thinking": ABSENT}),
    ("anthropic/claude-sonnet-4-5", {"effort": "low"} | WARM, {"thinking": THINK_LOW, "temperature": ABSENT, "top_p": ABSENT}),
    (
        "anthropic/claude-sonnet-4-5",
        {"effort": "high", "max_tokens": 3000},
        {"thinking": {"type": "enabled", "budget_tokens": 1500}},
    ),
    ("anthropic/claude-sonnet-4-5", {"effort": "high", "max_tokens": 1100}, {"thinking": THINK_LOW, "max_tokens": 1100}),
    ("anthropic/claude-sonnet-4-5", {"stop": ("##",)}, {"stop_sequences": ["##"]}),
    (
        "anthropic/claude-opus-4-7",
        {"effort": "high", "max_tokens": 900},
        {"output_config": {"effort": "high"}, "temperature": ABSENT},
    ),
    ("anthropic/claude-opus-4-7", WARM, {"temperature": ABSENT, "top_p": ABSENT}),
    (
        "gemini/gemini-2.5-flash",
        {"effort": "low"},
        {
            "generationConfig.thinkingConfig": {"thinkingBudget": 1024, "includeThoughts": True},
            "generationConfig.temperature": 0.0,
        },
    ),
    ("gemini/gemini-3-pro-preview", {"effort": "high"}, {"generationConfig.thinkingConfig.thinkingLevel": "high"}),
    ("gemini/gemini-2.5-flash", {"max_tokens": 77}, {"generationConfig.max_output_tokens": 77}),
    # LiteLLM does not know that these take an effort; their APIs do.
    ("xai/grok-3-mini", {"effort": "low"}, {"reasoning_effort": "low", "max_tokens": 4096}),
    ("groq/qwen/qwen3-32b", {"effort": "none"}, {"reasoning_effort": "none"}),
    ("openrouter/openai/gpt-5-mini", {"effort": "low"}, {"reasoning_effort": "low", "usage": {"include": True}}),
    ("deepseek/deepseek-reasoner", {"effort": "low"}, {"thinking": {"type": "enabled"}}),
    # Kimi refuses every temperature but its own; the older ones do not.
    ("moonshot/kimi-k2.6", WARM, {"temperature": ABSENT, "top_p": ABSENT, "max_tokens": 4096}),
    ("moonshot/moonshot-v1-8k", WARM, {"temperature": 0.7, "top_p": 0.95}),
    ("mistral/mistral-small-latest", {"tools": (TOOL,), "tool_choice": "required"}, {"tool_choice": "any"}),
]


@pytest.mark.parametrize(("model", "changes", "fields"), SENT, ids=[f"{model}-{list(changes)}" for model, changes, _ in SENT])
async def test_what_goes_out_is_what_the_api_takes(transports, model, changes, fields):
    record = RECORDS[ANSWERS.get(model.partition("/")[0], "openai-reasoning")]
    async with Replay(record) as server:
        await send(transports["litellm"], server.spec(model=model), ask(**changes))
        (body,) = server.asked
    for path, wanted in fields.items():
        found: Any = body
        for name in path.split("."):
            found = found.get(name, ABSENT)
        assert found == wanted, path


async def test_claude_is_not_asked_to_think_without_room(transports):
    async with Replay(RECORDS["anthropic-cut"]) as server:
        with pytest.raises(RejectedError, match="cannot think within 1024 tokens"):
            await send(transports["litellm"], server.spec(), ask(effort="low", max_tokens=1024))
        assert server.asked == []


async def test_what_a_model_does_not_take_is_refused_and_not_dropped(transports):
    async with Replay(RECORDS["openai-reasoning"]) as server:
        with pytest.raises(RejectedError, match="stop"):
            await send(transports["litellm"], server.spec(), ask(stop=("##",)))
        assert server.asked == []


async def test_retry_after_in_gemini_s_body_is_no_header(transports):
    record = RECORDS["gemini-quota"] | {"headers": {"Retry-After": "2"}}
    async with Replay(record) as server:
        with pytest.raises(RateLimitError) as caught:
            await send(transports["litellm"], server.spec(), ask())
    assert caught.value.retry_after == 2  # the header wins
