"""A greedy answer cut at every step and continued is the uncut one, on both engines, with a plain and a thinking template."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest

from symposia.core.calls import ChatRequest, Fidelity, Prefix
from symposia.core.model_spec import ModelSpec
from symposia.core.problem import Message
from symposia.models.catalogue import Catalogue
from symposia.models.engines.engine import EngineOptions
from symposia.models.engines.llamacpp import LlamaCppEngine
from symposia.models.gateway import ModelGateway
from symposia.models.weights import models_folder

from .conftest import MODEL, TEMPLATE

pytestmark = pytest.mark.integration

QUESTIONS = (
    "A baker fills 14 trays with 12 rolls each and sells 95 rolls. How many are left? Write one short line for each step.",
    "List three primes and say of each, on a line of its own, why it is one.",
    "Explain in five short lines how to make tea.",
)
LENGTH = 72
NEEDED = 0.95


@pytest.fixture
async def gateway() -> AsyncIterator[ModelGateway]:
    gateway = ModelGateway()
    yield gateway
    await gateway.close()


@contextlib.asynccontextmanager
async def llamacpp() -> AsyncIterator[ModelSpec]:
    spec = Catalogue.load().get(MODEL)
    assert spec.weights is not None
    async with LlamaCppEngine() as engine:
        options = EngineOptions(parallel=1, context=2048, arguments=(f"--chat-template={TEMPLATE}",))
        await engine.start(spec, models_folder() / spec.weights.file, options)
        yield engine.served


async def cuts(gateway: ModelGateway, spec: ModelSpec, *, thinking: bool) -> list[tuple[str, str]]:
    """Each answer put together at a cut, and the uncut answer it should be."""
    extra = {"chat_template_kwargs": {"enable_thinking": thinking}}
    pairs = []
    for question in QUESTIONS:
        ask = ChatRequest(messages=(Message(role="user", content=question),), max_tokens=LENGTH, prefix=Prefix(), extra=extra)
        whole = (await gateway.complete(spec, ask, tag="whole")).choices[0].text
        prefix, left = Prefix(), LENGTH
        while left > 0:
            step = ask.model_copy(update={"prefix": prefix, "stop": ("\n",), "max_tokens": left})
            reply = await gateway.complete(spec, step, tag="step")
            assert reply.fidelity is Fidelity.TOKENS
            (piece,) = reply.choices
            prefix, left = prefix.then(piece), left - len(piece.tokens)
            if piece.stop is None or left <= 0:
                break
            rest = await gateway.complete(spec, ask.model_copy(update={"prefix": prefix, "max_tokens": left}), tag="rest")
            pairs.append((prefix.text + rest.choices[0].text, whole))
    return pairs


async def check(gateway: ModelGateway, spec: ModelSpec, *, thinking: bool) -> None:
    pairs = await cuts(gateway, spec, thinking=thinking)
    same = sum(joined == whole for joined, whole in pairs)
    for joined, whole in pairs:
        if joined != whole:
            at = next((place for place, (a, b) in enumerate(zip(joined, whole, strict=False)) if a != b), len(joined))
            print(f"differs at character {at} of {len(whole)}: {joined[at : at + 30]!r} for {whole[at : at + 30]!r}")
    print(f"{spec.engine}, thinking={thinking}: {same} of {len(pairs)} cuts give the uncut answer")
    assert len(pairs) >= 5
    assert same >= NEEDED * len(pairs)


@pytest.mark.parametrize("thinking", [False, True], ids=["plain", "thinking"])
async def test_cut_and_continued_is_uncut_on_vllm(thinking: bool, gateway: ModelGateway, vllm_server: ModelSpec) -> None:
    await check(gateway, vllm_server, thinking=thinking)


@pytest.mark.parametrize("thinking", [False, True], ids=["plain", "thinking"])
async def test_cut_and_continued_is_uncut_on_llamacpp(thinking: bool, gateway: ModelGateway) -> None:
    async with llamacpp() as spec:
        await check(gateway, spec, thinking=thinking)
