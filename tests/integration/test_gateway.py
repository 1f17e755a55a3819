"""What the gateway asks beside the text, of a real vLLM: the same through LiteLLM and over HTTP."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator

import pytest

from symposia.core.calls import ChatRequest, Fidelity, Prefix
from symposia.core.errors import ConfigError
from symposia.core.model_spec import ModelSpec
from symposia.core.problem import Message
from symposia.models.gateway import ModelGateway

pytestmark = [
    pytest.mark.integration,
    *(
        pytest.mark.filterwarnings(f"ignore:.*{text}")  # what LiteLLM's import says
        for text in ("ReadOnly. qualifier", "conflict with protected namespace", "attribute on the instance is deprecated")
    ),
]

ASK = ChatRequest(messages=(Message(role="user", content="Is 7 a prime number? Answer Yes or No."),), max_tokens=8)


@pytest.fixture
async def gateway() -> AsyncIterator[ModelGateway]:
    gateway = ModelGateway()
    yield gateway
    await gateway.close()


@pytest.fixture(params=["direct", "litellm"])
def model(request, vllm_server: ModelSpec) -> ModelSpec:
    return vllm_server.model_copy(update={"transport": request.param})


async def test_label_logprobs(gateway: ModelGateway, model: ModelSpec) -> None:
    unlikely = "\u00e9"
    labels = ("Yes", "No", unlikely)
    (choice,) = (await gateway.complete(model, ASK.model_copy(update={"labels": labels, "max_tokens": 1}), tag="t")).choices
    assert set(choice.labels) == set(labels), "by token id, so that unlikely ones are told too"
    assert all(value < 0 and math.isfinite(value) for value in choice.labels.values())
    assert choice.labels[unlikely] < choice.labels["Yes"]
    told = (await gateway.complete(model, ASK.model_copy(update={"logprobs": 5}), tag="t")).choices[0].logprobs[0]
    first = told.top | {told.token: told.logprob}
    for label in labels:
        if label in first:
            assert choice.labels[label] == pytest.approx(first[label], abs=0.05)


async def test_label_of_two_tokens_is_refused(gateway: ModelGateway, model: ModelSpec) -> None:
    with pytest.raises(ConfigError, match=r"'Yes indeed' is \d tokens"):
        await gateway.complete(model, ASK.model_copy(update={"labels": ("Yes indeed",)}), tag="t")


async def test_logprobs_of_prompt_and_completion(gateway: ModelGateway, model: ModelSpec) -> None:
    reply = await gateway.complete(model, ASK.model_copy(update={"logprobs": 2, "prompt_logprobs": True}), tag="t")
    (choice,) = reply.choices
    assert len(choice.logprobs) == reply.completion_tokens
    assert choice.logprob == pytest.approx(sum(token.logprob for token in choice.logprobs))
    assert len(reply.prompt_logprobs) == reply.prompt_tokens - 1
    assert "prime" in "".join(token.token for token in reply.prompt_logprobs)


async def test_samples_and_cached_prompt(gateway: ModelGateway, model: ModelSpec) -> None:
    long = ASK.model_copy(update={"messages": (Message(role="user", content="Count these words. " * 60),), "temperature": 1.0})
    reply = await gateway.complete(model, long.model_copy(update={"n": 3}), tag="t")
    assert len(reply.choices) == 3
    again = await gateway.complete(model, long, tag="t")
    assert again.prompt_tokens == reply.prompt_tokens
    assert again.cached_tokens > 0.8 * again.prompt_tokens, "what was read from the prefix cache is told"


async def test_json_of_a_schema(gateway: ModelGateway, model: ModelSpec) -> None:
    schema = {"type": "object", "properties": {"prime": {"type": "boolean"}}, "required": ["prime"]}
    reply = await gateway.complete(model, ASK.model_copy(update={"json_schema": schema, "max_tokens": 40}), tag="t")
    assert isinstance(json.loads(reply.choices[0].text)["prime"], bool)


async def test_continued_by_tokens_whatever_the_transport(gateway: ModelGateway, model: ModelSpec) -> None:
    asked = ASK.model_copy(update={"prefix": Prefix(), "labels": ("Yes", "No"), "n": 2, "temperature": 1.0})
    reply = await gateway.complete(model, asked, tag="t")
    assert reply.fidelity is Fidelity.TOKENS
    assert len(reply.choices) == 2
    assert all(choice.tokens and set(choice.labels) == {"Yes", "No"} for choice in reply.choices)
