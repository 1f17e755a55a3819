"""The client of embedding models against servers on loopback: what is asked, and everything that can come back wrong."""

from __future__ import annotations

from typing import Any

import pytest

from symposia.core.calls import EmbedReply, EmbedRequest
from symposia.core.errors import (
    AuthError,
    BrokenReplyError,
    ConfigError,
    ContextLengthError,
    MissingKeyError,
    ModelError,
    ModelTimeoutError,
    RateLimitError,
    RejectedError,
    ServerError,
    UnreachableError,
)
from symposia.core.model_spec import Ability, ModelSpec, Price
from symposia.core.usage import Usage
from symposia.models.ability_check import check_abilities
from symposia.models.embedding import EmbedClient
from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.testing import Canned, LoopbackServer, ReplyServer

TEXTS = ("nine", "eighteen and a half")
REQUEST = EmbedRequest(texts=TEXTS)


def spec_at(url: str, **changes: Any) -> ModelSpec:
    fields: dict[str, Any] = {"endpoint": f"{url}/v1", "abilities": frozenset({Ability.EMBED})}
    return ModelSpec(name="vectors", **(fields | changes))


def said(*vectors: Any, **changes: Any) -> dict[str, Any]:
    data = [{"index": index, "embedding": vector} for index, vector in enumerate(vectors)]
    return {"model": "vectors-1", "data": data, "usage": {"prompt_tokens": 7}, **changes}


async def ask(spec: ModelSpec, *, api_key: str | None = None, timeout: float = 5) -> EmbedReply:
    client = EmbedClient()
    try:
        return await client.embed(spec, REQUEST, api_key=api_key, timeout=timeout, tag="run/embed/0")
    finally:
        await client.close()


async def test_what_is_asked_and_what_it_means() -> None:
    turned = said([1.0, 2.0], [3, 4.5])
    turned["data"].reverse()  # the index says whose a vector is, not its place
    async with ReplyServer(Canned(json=turned)) as server:
        spec = spec_at(server.url, served_name="text-vectors", extra={"dimensions": 2}, price=Price(input=2.0, output=0.0))
        reply = await ask(spec, api_key="k")
    (asked,) = server.requests
    assert (asked.method, asked.path, asked.headers["authorization"]) == ("POST", "/v1/embeddings", "Bearer k")
    assert asked.body == {"model": "text-vectors", "input": list(TEXTS), "dimensions": 2}
    assert (reply.model, reply.vectors, reply.prompt_tokens) == ("vectors-1", ((1.0, 2.0), (3.0, 4.5)), 7)
    assert spec.cost(reply) == Usage(calls=1, prompt_tokens=7, dollars=14e-6)


async def test_untold_usage_is_the_upper_bound() -> None:
    async with ReplyServer(Canned(json=said([1.0], [2.0], usage=None))) as server:
        assert (await ask(spec_at(server.url))).prompt_tokens == REQUEST.prompt_bound() == len("".join(TEXTS)) + 32


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ([], "is not a JSON object"),
        ({}, "holds no list of 2"),
        (said([1.0]), "holds no list of 2"),
        (said([1.0], [2.0], [3.0]), "holds no list of 2"),
        ({"data": ["a", "b"]}, "does not say which text"),
        ({"data": [{"index": 0, "embedding": [1]}, {"index": 0, "embedding": [1]}]}, "does not say which text"),
        ({"data": [{"index": 0, "embedding": [1]}, {"index": 2, "embedding": [1]}]}, "does not say which text"),
        (said([1.0], "AAAA"), "something else than a list of numbers"),
        (said([1.0], []), "something else than a list of numbers"),
        (said([1.0], ["2"]), "no finite number"),
        (said([1.0], [True]), "no finite number"),
        (said([1.0], [float("nan")]), "no finite number"),
        (said([1.0], [1.0, 2.0]), "not all of one length"),
    ],
)
async def test_what_is_no_vector_for_each_text_is_refused(body: Any, says: str) -> None:
    async with ReplyServer(Canned(json=body)) as server:
        with pytest.raises(BrokenReplyError, match=says):
            await ask(spec_at(server.url))


@pytest.mark.parametrize(
    ("canned", "error"),
    [
        (Canned(status=401, json={"error": {"message": "no"}}), AuthError),
        (Canned(status=429, json={"error": {"message": "slow down"}}), RateLimitError),
        (Canned(status=500, body=b"oops"), ServerError),
        (
            Canned(status=400, json={"error": {"message": "the maximum context length is 8192 tokens"}}),
            ContextLengthError,
        ),
        (Canned(status=400, json={"error": {"message": "input must not be empty"}}), RejectedError),
        (Canned(body=b"<html>"), BrokenReplyError),
        (Canned(fault="drop"), BrokenReplyError),
        (Canned(fault="stall"), ModelTimeoutError),
    ],
)
async def test_what_servers_refuse_is_an_error_of_the_tree(canned: Canned, error: type[ModelError]) -> None:
    async with ReplyServer(canned) as server:
        with pytest.raises(error):
            await ask(spec_at(server.url), timeout=0.3 if canned.fault == "stall" else 5)


async def test_nobody_there_and_no_endpoint() -> None:
    with pytest.raises(UnreachableError):
        await ask(spec_at("http://127.0.0.1:9"))
    with pytest.raises(ConfigError, match="vectors has no endpoint"):
        await ask(ModelSpec(name="vectors"))


async def test_the_gateway_tries_again_and_reads_the_key() -> None:
    gateway = ModelGateway(environ={"A_KEY": "k"}, retry=RetryPolicy(base=0.001))
    heard: list[str | None] = []

    async def attempt(error: ModelError | None) -> None:
        heard.append(error and error.code)

    async with ReplyServer(Canned(status=503), Canned(json=said([1.0], [2.0]))) as server:
        spec = spec_at(server.url, key_env="A_KEY")
        reply = await gateway.embed(spec, REQUEST, tag="t", on_attempt=attempt)
        assert reply.vectors == ((1.0,), (2.0,))
        assert [asked.headers["authorization"] for asked in server.requests] == ["Bearer k"] * 2
        with pytest.raises(MissingKeyError):
            await gateway.embed(spec_at(server.url, key_env="OTHER"), REQUEST, tag="t")
    await gateway.close()
    assert heard == [None, "server"]


async def test_the_ability_is_checked() -> None:
    gateway = ModelGateway()
    async with LoopbackServer() as server:
        (checked,) = await check_abilities(gateway, server.spec(abilities=frozenset({Ability.EMBED})), timeout=5)
    await gateway.close()
    assert (checked.ok, checked.detail) == (True, "2 vectors of 64 numbers")
