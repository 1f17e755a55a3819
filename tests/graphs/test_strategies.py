"""Every registered strategy keeps to its card: calls by role and count, cost formula, refusals."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import MissingAbilityError, ProblemError, UnknownNameError
from symposia.core.model_spec import Ability, ModelSpec
from symposia.core.problem import Message, Problem
from symposia.core.result import StopReason
from symposia.graphs.registry import STRATEGIES
from symposia.models.gateway import ModelGateway
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedModel, fake_spec

SEPARATE = (Ability.CHAT, Ability.SEED)
Opener = Callable[..., AbstractAsyncContextManager[Session]]


@pytest.fixture
def opened(tmp_path: Path) -> Opener:
    @asynccontextmanager
    async def opener(model: ScriptedModel, *abilities: Ability) -> AsyncIterator[Session]:
        settings = load_settings(environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml")
        gateway = ModelGateway(transports={"direct": model})
        models = {"fake": fake_spec(abilities=abilities or SEPARATE)}
        async with Session(settings=settings, store=":memory:", gateway=gateway, models=models) as session:
            yield session

    return opener


CARDS: list[tuple[str, dict[str, Any], tuple[Ability, ...], int]] = [
    ("greedy", {}, SEPARATE, 1),
    ("self-consistency", {"n": 7}, SEPARATE, 7),
    ("self-consistency", {"n": 7}, (*SEPARATE, Ability.N), 1),
    ("self-consistency", {"n": 7, "batched": False}, (*SEPARATE, Ability.N), 7),
    ("self-consistency", {"n": 1}, (*SEPARATE, Ability.N), 1),
    ("self-consistency", {"n": 12, "stop": "beta", "window": 1}, SEPARATE, 4),
    ("self-consistency", {"n": 12, "stop": "beta", "window": 1, "confidence": 0.75}, SEPARATE, 1),
    ("self-consistency", {"n": 3, "stop": "beta"}, (*SEPARATE, Ability.N), 3),
]


@pytest.mark.parametrize(("name", "options", "abilities", "calls"), CARDS)
async def test_calls_are_those_of_the_card(opened, name: str, options: dict, abilities, calls: int) -> None:
    model = ScriptedModel([r"\boxed{1}"])
    strategy = STRATEGIES.get(name)
    async with opened(model, *abilities) as session:
        result = await session.solve("?", team="fake", strategy=name, options=options)
    assert len(model.calls) == calls
    assert set(result.usage) == {"policy"}
    bounds = strategy.cost(strategy.configure(options), {"policy": fake_spec(abilities=abilities)}, Problem.of("?"))
    assert bounds.least <= calls <= bounds.most


async def test_beta_uses_all_its_samples_where_nothing_agrees(opened) -> None:
    model = ScriptedModel(lambda prompt, sample: rf"\boxed{{{sample}}}")
    async with opened(model) as session:
        result = await session.solve("?", team="fake", options={"n": 9, "stop": "beta"})
    strategy = STRATEGIES.get("self-consistency")
    bounds = strategy.cost(strategy.configure({"n": 9, "stop": "beta"}), {"policy": fake_spec()}, Problem.of("?"))
    assert len(model.calls) == bounds.most == 9
    assert result.stop_reason is StopReason.FINISHED
    assert result.answer == "0", "a tie goes to the first by index"


async def test_every_sample_has_a_seed_of_its_own_and_the_asked_sampling(opened) -> None:
    model = ScriptedModel([r"\boxed{1}"])
    async with opened(model) as session:
        await session.solve("?", team="fake", options={"n": 5, "temperature": 0.3, "top_p": 0.9, "max_tokens": 77})
    requests = [call.request for call in model.calls]
    assert len({request.seed for request in requests}) == 5
    assert {(request.temperature, request.top_p, request.max_tokens) for request in requests} == {(0.3, 0.9, 77)}
    assert [call.sample for call in sorted(model.calls, key=lambda call: call.sample)] == [0, 1, 2, 3, 4]


async def test_greedy_is_cold(opened) -> None:
    model = ScriptedModel([r"\boxed{1}"])
    async with opened(model) as session:
        await session.solve("?", team="fake", strategy="greedy")
    assert model.calls[0].request.temperature == 0


async def test_the_role_prompt_stands_beside_the_users_own(opened) -> None:
    model = ScriptedModel([r"\boxed{1}"])
    mine = [Message(role="system", content="Answer like a pirate."), Message(role="user", content="2+2?")]
    async with opened(model) as session:
        await session.solve(mine, team="fake", strategy="greedy")
    (system, user) = model.calls[0].request.messages
    assert system.text.startswith("Answer like a pirate.\n\n")
    assert r"\boxed{}" in system.text
    assert user.text == "2+2?"


async def test_thinking_is_never_voted_on(opened) -> None:
    model = ScriptedModel([r"<think>\boxed{7}</think>It is \boxed{9}."])
    async with opened(model) as session:
        result = await session.solve("?", team="fake", strategy="greedy")
    assert result.answer == "9"
    assert result.candidate is not None
    assert result.candidate.thinking == r"\boxed{7}"


async def test_equal_answers_are_one_vote_however_they_are_written(opened) -> None:
    texts = [r"\boxed{\frac{1}{2}}", r"\boxed{x+1}", r"\boxed{0.5}", r"\boxed{1+x}", r"\boxed{1/2}", "no idea"]
    model = ScriptedModel(texts)
    async with opened(model) as session:
        result = await session.solve("?", team="fake", options={"n": 6})
        replayed = await session.replay(result.run_id)
    assert result.answer == "1/2"
    assert result.confidence == pytest.approx(3 / 5)
    assert replayed.selections == result.selections


def check(name: str, problem: Problem, policy: ModelSpec) -> None:
    strategy = STRATEGIES.get(name)
    strategy.check(problem, strategy.configure({}), {"policy": policy}, STRATEGIES.all())


def test_self_consistency_refuses_what_it_cannot_compare() -> None:
    with pytest.raises(ProblemError, match="greedy"):
        check("self-consistency", Problem.of("Write a poem.", answer_kind="text"), fake_spec())


def test_a_missing_ability_is_an_error_that_names_it() -> None:
    blind = ModelSpec(name="blind", abilities=frozenset())
    with pytest.raises(MissingAbilityError, match="chat"):
        check("greedy", Problem.of("?"), blind)


def test_the_registry_finds_ours_and_names_the_nearest() -> None:
    assert {"greedy", "self-consistency"} <= set(STRATEGIES.names())
    with pytest.raises(UnknownNameError, match="self-consistency"):
        STRATEGIES.get("self_consistency")


@pytest.mark.parametrize("name", STRATEGIES.names())
def test_every_option_is_documented_and_every_default_valid(name: str) -> None:
    strategy = STRATEGIES.get(name)
    fields = strategy.config.model_json_schema()["properties"]
    assert all(field.get("description") for field in fields.values())
    assert strategy.configure({}) == strategy.config()
    assert strategy.configure(strategy.config().model_dump(mode="json")) == strategy.config()


async def test_a_text_that_was_cut_gives_no_answer_by_its_last_number(opened) -> None:
    heard = []
    model = ScriptedModel(["First 16 eggs minus 3 is 13 and then", "The answer is 18."])
    async with opened(model) as session:
        result = await session.solve("?", team="fake", options={"n": 2, "max_tokens": 5}, listener=heard.append)
    assert (result.answer, result.truncated, result.unparsed) == ("18", 1, 1)
    assert "1 of 2 texts were cut at max_tokens" in [event.message for event in heard if event.type == "warned"]
