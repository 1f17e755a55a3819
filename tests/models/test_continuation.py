"""Answers written in pieces: what goes over the wire, and that the pieces make up the whole."""

import pytest

from symposia.core.calls import ChatRequest, Fidelity, FinishReason, Prefix
from symposia.core.errors import BrokenReplyError, ConfigError, ModelError, RejectedError
from symposia.core.model_spec import Ability
from symposia.core.problem import Message
from symposia.models import reading
from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.testing import LoopbackServer, ScriptedModel, fake_spec

WHOLE = "Fourteen times twelve is 168.\n\nLess 95 is 73.\n\n\nThe answer is 73."
ASK = ChatRequest(messages=(Message(role="user", content="How many?"),), max_tokens=200, prefix=Prefix(), stop=("\n\n",))
ABLE = frozenset({Ability.CHAT, Ability.PREFIX, Ability.LOGPROBS, Ability.N, Ability.SEED})


@pytest.fixture
async def gateway():
    gateway = ModelGateway(retry=RetryPolicy(max_attempts=1, unreachable_attempts=1))
    yield gateway
    await gateway.close()


@pytest.fixture(params=["vllm", "llama.cpp"])
def engine(request):
    return request.param


async def write(gateway, spec, ask=ASK):
    """The answer piece by piece, until it ends by itself; the pieces' choices and the fidelities."""
    prefix, choices, fidelities = Prefix(), [], []
    while not choices or choices[-1].stop is not None:
        reply = await gateway.complete(spec, ask.model_copy(update={"prefix": prefix}), tag="run/step")
        choices.append(reply.choices[0])
        fidelities.append(reply.fidelity)
        prefix = prefix.then(reply.choices[0])
    return prefix, choices, fidelities


WAYS = [(engine, fidelity) for engine in ("vllm", "llama.cpp") for fidelity in Fidelity]


# The fake does not repeat a prefix in chat, as llama.cpp does.
@pytest.mark.parametrize(("engine", "fidelity"), [way for way in WAYS if way != ("llama.cpp", Fidelity.CHAT)])
@pytest.mark.parametrize("transport", ["direct", "litellm"])
@pytest.mark.filterwarnings("ignore:.*ReadOnly. qualifier", "ignore:.*conflict with protected", "ignore:.*instance is deprecated")
async def test_pieces_make_up_the_answer(gateway, engine, fidelity, transport):
    async with LoopbackServer([WHOLE]) as server:
        spec = server.spec(engine=engine, fidelity=fidelity, abilities=ABLE, transport=transport)
        prefix, choices, fidelities = await write(gateway, spec)
    assert prefix.text == WHOLE
    assert [choice.stop for choice in choices] == ["\n\n", "\n\n", None]
    assert [choice.finish_reason for choice in choices] == [FinishReason.STOP] * 3
    assert all(choice.text.endswith("\n\n") for choice in choices[:2])
    assert set(fidelities) == {fidelity}
    assert bool(prefix.tokens) == (fidelity is not Fidelity.CHAT)


async def test_tokens_go_out_as_they_came(gateway, engine):
    async with LoopbackServer([WHOLE]) as server:
        spec = server.spec(engine=engine, abilities=ABLE)
        prefix, _, _ = await write(gateway, spec)
    assert prefix.tokens == tuple(map(ord, WHOLE))  # without the token that ended the answer


async def test_text_without_tokens_is_cut_anew_and_says_so(gateway, engine):
    async with LoopbackServer([WHOLE]) as server:
        spec = server.spec(engine=engine, abilities=ABLE)
        begun = Prefix(text="Fourteen times twelve is 168.\n\n")
        reply = await gateway.complete(spec, ASK.model_copy(update={"prefix": begun}), tag="t")
    assert reply.choices[0].text == "Less 95 is 73.\n\n"
    assert reply.fidelity is Fidelity.TEXT
    assert begun.then(reply.choices[0]).tokens == ()  # ids of a part are ids of nothing


async def test_cut_at_the_limit_is_neither_step_nor_end(gateway, engine):
    async with LoopbackServer([WHOLE]) as server:
        spec = server.spec(engine=engine, abilities=ABLE)
        reply = await gateway.complete(spec, ASK.model_copy(update={"max_tokens": 8}), tag="t")
    (choice,) = reply.choices
    assert (choice.text, choice.stop, choice.finish_reason) == ("Fourteen", None, FinishReason.LENGTH)
    assert len(choice.tokens) == 8


async def test_several_samples(gateway):
    async with LoopbackServer(["one", "two", "three"]) as server:
        vllm = server.spec(engine="vllm", abilities=ABLE)
        reply = await gateway.complete(vllm, ASK.model_copy(update={"n": 3}), tag="t")
        assert [choice.text for choice in reply.choices] == ["one", "two", "three"]
        with pytest.raises(RejectedError, match="3 samples"):
            await gateway.complete(server.spec(engine="llama.cpp", abilities=ABLE), ASK.model_copy(update={"n": 3}), tag="t")


async def test_logprobs_and_usage(gateway, engine):
    async with LoopbackServer(["abc"]) as server:
        spec = server.spec(engine=engine, abilities=ABLE)
        reply = await gateway.complete(spec, ASK.model_copy(update={"logprobs": 0}), tag="t")
    (choice,) = reply.choices
    assert [(token.token, token.logprob) for token in choice.logprobs] == [("a", -0.5), ("b", -0.5), ("c", -0.5)]
    assert choice.logprob == -1.5
    assert reply.prompt_tokens == len("\x02How many?\x03")
    assert not reply.usage_estimated


async def test_thinking_marks_stay_in_the_text(gateway, engine):
    async with LoopbackServer(["<think>\nhm\n\nhm</think>\n\n42"]) as server:
        prefix, choices, _ = await write(gateway, server.spec(engine=engine, abilities=ABLE))
    assert prefix.text == "<think>\nhm\n\nhm</think>\n\n42"
    assert all(choice.thinking == "" for choice in choices)


async def test_conversation_is_rendered_once(gateway, engine, monkeypatch):
    rendered = []
    async with LoopbackServer([WHOLE]) as server:
        spec = server.spec(engine=engine, abilities=ABLE)
        post = gateway._continuation._http.json

        async def count(call, path, body):
            rendered.extend([path] if "messages" in body else [])
            return await post(call, path, body)

        monkeypatch.setattr(gateway._continuation._http, "json", count)
        await write(gateway, spec)
    assert len(rendered) == 1


def test_llamacpp_repeats_the_prefix_in_chat():
    spec = fake_spec(engine="llama.cpp", fidelity=Fidelity.CHAT)
    payload = {"choices": [{"message": {"content": "Some more. Some"}, "finish_reason": "stop"}]}
    read = reading.reply(payload, spec, ASK.model_copy(update={"prefix": Prefix(text="Some")}), 0.1)
    assert read.choices[0].text == " more. Some"


async def test_unknown_server_says_what_to_do(gateway):
    spec = fake_spec(engine=None, fidelity=Fidelity.TOKENS)
    with pytest.raises(ConfigError, match=r"cannot continue answers by tokens.*fidelity = 'chat'"):
        await gateway.complete(spec, ASK, tag="t")


@pytest.mark.parametrize("changes", [{"stop": ("\n\n",)}, {}])
async def test_scripted_model_continues_too(changes):
    model = ScriptedModel([WHOLE])
    gateway = ModelGateway(transports={"direct": model})
    prefix, _, fidelities = await write(gateway, fake_spec(), ASK.model_copy(update=changes))
    assert (prefix.text, set(fidelities)) == (WHOLE, {Fidelity.CHAT})


def test_what_cannot_be_written_in_pieces_is_refused():
    with pytest.raises(ValueError, match="cannot be written in pieces"):
        ChatRequest(messages=ASK.messages, max_tokens=5, prefix=Prefix(), json_schema={"type": "object"})


GARBAGE = [
    {"choices": [{"text": 3, "token_ids": []}]},
    {"choices": [{"text": "a", "token_ids": "b"}]},
    {"choices": [{"text": "a"}]},
    {"content": "a", "tokens": ["b"]},
    {"content": None},
    {"error": {"message": "out of memory", "code": 500}},
    [],
]


@pytest.mark.parametrize("payload", GARBAGE)
async def test_garbage_is_no_piece(gateway, engine, payload, monkeypatch):
    async with LoopbackServer([WHOLE]) as server:
        spec = server.spec(engine=engine, abilities=ABLE)
        post = gateway._continuation._http.json

        async def garbled(call, path, body):
            return payload if "prompt" in body and path != "/tokenize" else await post(call, path, body)

        monkeypatch.setattr(gateway._continuation._http, "json", garbled)
        with pytest.raises(ModelError, match="fake"):
            await gateway.complete(spec, ASK, tag="t")


async def test_a_stop_that_the_tokens_do_not_hold_is_broken(gateway, engine, monkeypatch):
    async with LoopbackServer([WHOLE]) as server:
        spec = server.spec(engine=engine, abilities=ABLE)
        post = gateway._continuation._http.json

        async def lying(call, path, body):
            return {"prompt": "other", "content": "other"} if path == "/detokenize" else await post(call, path, body)

        monkeypatch.setattr(gateway._continuation._http, "json", lying)
        with pytest.raises(BrokenReplyError, match="do not hold"):
            await gateway.complete(spec, ASK, tag="t")
