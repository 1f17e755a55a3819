"""The scripted model: answers by prompt and sample, counts, failures, and FAKE in every reply."""

import asyncio

import pytest

from symposia.core.calls import ChatRequest, FinishReason
from symposia.core.errors import ModelTimeoutError, ServerError
from symposia.core.problem import Message
from symposia.core.random import sample_seed
from symposia.testing import ScriptedModel, fake_spec


async def ask(model, text="one two", *, spec=None, timeout=5.0, on_text=None, **changes):
    request = ChatRequest.model_validate({"messages": (Message(role="user", content=text),), "max_tokens": 50} | changes)
    return await model.complete(spec or fake_spec(), request, api_key=None, timeout=timeout, tag="t", on_text=on_text)


async def test_answers_by_prompt_and_sample():
    model = ScriptedModel(lambda prompt, sample: f"{prompt} {sample}")
    reply = await ask(model, n=2, seed=sample_seed(0, "node", 0, 4))
    assert [choice.text for choice in reply.choices] == ["one two 4", "one two 5"]
    assert (reply.model, reply.prompt_tokens, reply.completion_tokens) == ("FAKE/fake", 2, 6)
    assert not reply.usage_estimated


async def test_the_seed_counts_even_where_it_is_not_sent():
    reply = await ask(ScriptedModel(["a", "b"]), spec=fake_spec(abilities=()), seed=1025)
    assert reply.choices[0].text == "b"


async def test_max_tokens():
    reply = await ask(ScriptedModel(["one two three"]), max_tokens=2)
    assert (reply.choices[0].text, reply.choices[0].finish_reason) == ("one two", FinishReason.LENGTH)


async def test_counts_by_prompt_and_model():
    model = ScriptedModel()
    await ask(model, "red")
    await ask(model, "green", spec=fake_spec("verifier"))
    assert (model.count(), model.count("green"), model.count(model="verifier"), model.count("red", model="verifier")) == (
        2,
        1,
        1,
        0,
    )


async def test_failures_on_demand():
    model = ScriptedModel(fail=lambda call: ServerError("third") if call.index == 2 else None)
    model.fail_next(ServerError("first"))
    for text in ("first", None, "third", None):
        if text is None:
            assert (await ask(model)).choices
        else:
            with pytest.raises(ServerError, match=text):
                await ask(model)


async def test_time():
    model = ScriptedModel(latency=(5.0, 6.0))
    with pytest.raises(ModelTimeoutError):
        await ask(model, timeout=0.05)
    task = asyncio.create_task(ask(model))
    await asyncio.sleep(0.01)
    assert model.in_flight == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [call.cancelled for call in model.calls] == [False, True]
    assert (model.in_flight, model.max_in_flight) == (0, 1)


async def test_streaming():
    heard = []
    reply = await ask(ScriptedModel(["one two"]), on_text=lambda index, text: heard.append((index, text)))
    assert heard == [(0, "one"), (0, " two")]
    assert reply.choices[0].text == "one two"
