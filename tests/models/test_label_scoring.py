"""Probabilities of labels over ``/generative_scoring``: what is asked, what it means, and everything that can come back wrong."""

from __future__ import annotations

import math
from typing import Any

import pytest

from symposia.core.calls import ChatRequest, LabelRequest, Reply
from symposia.core.errors import BrokenReplyError, ConfigError, ContextLengthError, LabelTokensError, ModelError
from symposia.core.model_spec import Ability, ModelSpec
from symposia.core.problem import Message
from symposia.models.ability_check import check_abilities
from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.models.label_scoring import LabelClient
from symposia.models.scoring import ScoreClient
from symposia.testing import Answer, LoopbackServer

SHARED = "You examine. The solution: "


def request(*texts: str, labels: tuple[str, ...] = ("Yes", "No")) -> LabelRequest:
    return LabelRequest(conversations=tuple((Message(role="user", content=SHARED + text),) for text in texts), labels=labels)


def judged(prompt: str, sample: int) -> Answer:
    yes = 0.7 if prompt.endswith("right") else 0.1
    return {"content": "FAKE", "labels": {"Yes": math.log(yes), "No": math.log(0.2), "yes": math.log(0.05)}}


def served(server: LoopbackServer, **changes: Any) -> ModelSpec:
    return server.spec(**({"engine": "vllm", "abilities": frozenset({Ability.CHAT, Ability.SCORING})} | changes))


async def ask(spec: ModelSpec, asked: LabelRequest, *, timeout: float = 5) -> Reply:
    client = ScoreClient()
    try:
        return await client.labels(spec, asked, api_key="secret", timeout=timeout, tag="run/score/0")
    finally:
        await client.close()


async def test_each_conversation_has_the_probabilities_of_its_labels() -> None:
    with LoopbackServer(judged).running() as server:
        reply = await ask(served(server), request("it is right", "it is wrong", labels=("Yes", "No", "yes")))
    told = [{label: round(math.exp(value), 9) for label, value in choice.labels.items()} for choice in reply.choices]
    assert told == [{"Yes": 0.7, "No": 0.2, "yes": 0.05}, {"Yes": 0.1, "No": 0.2, "yes": 0.05}]
    assert [choice.text for choice in reply.choices] == ["", ""]
    assert reply.completion_tokens == 0


async def test_what_conversations_share_is_sent_once_and_cut_into_tokens_as_a_chat() -> None:
    with LoopbackServer(judged).running() as server:
        reply = await ask(served(server), request("it is right", "it is wrong"))
        bodies = server.scored
    assert [body["label_token_ids"] for body in bodies] == [[0xE000], [0xE001]], "a request for each label"
    for body in bodies:
        assert body["query"] == [2, *map(ord, SHARED + "it is ")]
        assert body["items"] == [[*map(ord, "right"), 3], [*map(ord, "wrong"), 3]]
        assert body["apply_softmax"] is False, "else nothing would tell how likely the model writes neither"
    assert reply.prompt_tokens == 2 * 2 * len("\x02" + SHARED + "it is right\x03")
    assert reply.prompt_tokens <= request("it is right", "it is wrong").prompt_bound()


@pytest.mark.parametrize("texts", [("one",), ("one", "one"), ("on", "one")])
async def test_no_item_is_empty(texts: tuple[str, ...]) -> None:
    with LoopbackServer(judged).running() as server:
        await ask(served(server), request(*texts))
        assert all(body["items"] and all(body["items"]) for body in server.scored)


async def test_a_label_of_several_tokens_is_refused() -> None:
    with LoopbackServer(judged).running() as server:
        with pytest.raises(LabelTokensError, match=r"the label 'Maybe' is 5 tokens of fake \(use labels of one token\)"):
            await ask(served(server), request("a", labels=("Yes", "Maybe")))
        assert server.scored == []


async def test_a_chat_that_asks_vllm_for_such_a_label_fails_alike() -> None:
    with LoopbackServer(judged).running() as server:
        gateway = ModelGateway()
        asked = ChatRequest(messages=(Message(role="user", content="a"),), max_tokens=1, labels=("Yes", "Maybe"))
        with pytest.raises(LabelTokensError):
            await gateway.complete(served(server), asked, tag="t")
        await gateway.close()


async def test_a_server_that_is_no_vllm_is_not_asked() -> None:
    with LoopbackServer(judged).running() as server, pytest.raises(ConfigError, match="no vLLM serves it"):
        await ask(served(server, engine="llama.cpp"), request("a"))


def scores(*values: Any, **changes: Any) -> dict[str, Any]:
    return {"data": [{"index": index, "score": value} for index, value in enumerate(values)]} | changes


BROKEN: dict[str, tuple[Any, type[ModelError], str]] = {
    "no object": ([1], BrokenReplyError, "holds no scores"),
    "no scores": ({"data": None}, BrokenReplyError, "holds no scores"),
    "too few": (scores(0.5), BrokenReplyError, "judged 1 places, 2 were sent"),
    "no number": (scores(0.5, "high"), BrokenReplyError, "no probability"),
    "no probability": (scores(0.5, 1.5), BrokenReplyError, "no probability"),
    "not finite": (scores(0.5, math.nan), BrokenReplyError, "no probability"),
    "one twice": ({"data": [{"index": 0, "score": 0.5}] * 2}, BrokenReplyError, "which score is whose"),
    "cut": (scores(0.5, 0.5, usage={"prompt_tokens": 5, "completion_tokens": 2}), ContextLengthError, "too long for it"),
}


class Answering:
    """The server's answers, without one."""

    def __init__(self, payload: Any) -> None:
        self._payload = payload

    async def json(self, call: Any, path: str, body: Any) -> Any:
        return {"tokens": [1, 2, 3] if "messages" in body else [7]} if path == "/tokenize" else self._payload


@pytest.mark.parametrize("what", BROKEN)
async def test_a_broken_reply_is_said_and_never_stretched_to_fit(what: str) -> None:
    payload, error, said = BROKEN[what]
    client: Any = LabelClient(Answering(payload))  # type: ignore[arg-type]
    call: Any = type("Call", (), {"spec": ModelSpec(name="fake", engine="vllm")})
    with pytest.raises(error, match=said):
        await client.labels(call, request("a", "b"))


async def test_scores_are_told_apart_by_their_index() -> None:
    client: Any = LabelClient(Answering({"data": scores(0.25, 0.5)["data"][::-1]}))  # type: ignore[arg-type]
    call: Any = type("Call", (), {"spec": ModelSpec(name="fake", engine="vllm")})
    reply = await client.labels(call, request("a", "b", labels=("Yes",)))
    assert [choice.labels for choice in reply.choices] == [{"Yes": math.log(0.25)}, {"Yes": math.log(0.5)}]


async def test_a_probability_of_zero_is_not_told() -> None:
    client: Any = LabelClient(Answering(scores(0.0)))  # type: ignore[arg-type]
    call: Any = type("Call", (), {"spec": ModelSpec(name="fake", engine="vllm")})
    assert (await client.labels(call, request("a"))).choices[0].labels == {}


async def test_the_ability_is_checked() -> None:
    with LoopbackServer(judged).running() as server:
        gateway = ModelGateway(retry=RetryPolicy(max_attempts=1))
        (checked,) = await check_abilities(gateway, served(server, abilities=frozenset({Ability.SCORING})), timeout=5)
        (failed,) = await check_abilities(
            gateway, served(server, abilities=frozenset({Ability.SCORING}), engine="llama.cpp"), timeout=5
        )
        await gateway.close()
    assert (checked.ok, checked.detail) == (True, "labels of 2 of 2 conversations")
    assert not failed.ok
