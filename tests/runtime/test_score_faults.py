"""Calls of reward models where the budget or the server fails: no cap is passed, and the other solutions keep their scores."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from symposia.core.calls import ScoreRequest
from symposia.core.model_spec import ModelSpec, Price, RewardForm
from symposia.core.problem import Message
from symposia.core.result import StopReason
from symposia.core.usage import Usage
from symposia.models.reward_forms import OUTCOME_SCALAR, QWEN_PRM, VALUE
from symposia.models.scoring import ScoreClient
from symposia.runtime.fit import clamp, upper_bound
from symposia.runtime.ledger import Room
from symposia.testing import Fault, RewardServer

from .judging import PROBLEM, WHOLE, N, bound, digits, essence, opened, values, verify

# --- budgets ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [True, False], ids=["usage told", "usage untold"])
@pytest.mark.parametrize(
    ("caps", "made"),
    [
        ("calls=3", 3),
        (f"prompt_tokens={2 * bound()}", 2),
        (f"tokens={3 * bound()}", 3),
        (f"dollars={3.5 * bound() / 1e6}", 3),
        ("completion_tokens=1", N),
    ],
)
async def test_no_score_call_passes_a_budget(tmp_path: Path, caps: str, made: int, told: bool) -> None:
    def untold(path: str, body: dict[str, Any]) -> Fault | None:
        rows = "[[0.5, 0.5], [0.4, 0.6]]"
        return None if told else Fault.answer(200, f'{{"data": [{{"data": {rows}}}]}}')

    price = Price(input=1.0, output=10.0)
    async with (
        RewardServer(QWEN_PRM, digits, answer=untold) as server,
        opened(tmp_path, server.spec("prm", price=price)) as session,
    ):
        result = await verify(session, budget=caps)
        budget = (await session.store.run(result.run_id)).spec.budget
        assert essence(await session.replay(result.run_id)) == essence(result)
    usage = result.total_usage
    assert usage.calls == len(server.requests) >= made
    assert (usage.calls == made) or told, "what a call did not need is given back"
    assert budget.calls is None or usage.calls <= budget.calls
    assert budget.prompt_tokens is None or usage.prompt_tokens <= budget.prompt_tokens
    assert budget.tokens is None or usage.prompt_tokens <= budget.tokens
    assert budget.dollars is None or usage.dollars <= budget.dollars
    assert result.stop_reason is (StopReason.FINISHED if usage.calls == N else StopReason.BUDGET)
    assert [len(candidate.scores) for candidate in result.candidates] == [1] * usage.calls + [0] * (N - usage.calls)


async def test_a_budget_too_small_for_one_call_asks_nothing(tmp_path: Path) -> None:
    async with RewardServer(QWEN_PRM, digits) as server, opened(tmp_path, server.spec("prm")) as session:
        result = await verify(session, budget=f"prompt_tokens={bound() - 1}")
    assert (result.stop_reason, result.exit_code, server.requests) == (StopReason.BUDGET, 4, [])


@pytest.mark.parametrize("form", [QWEN_PRM, VALUE.model_copy(update={"system": "Be exact. " * 200}), OUTCOME_SCALAR])
async def test_what_a_form_writes_around_a_solution_is_reserved_too(form: RewardForm) -> None:
    """A token of this server is a byte: no tokenizer makes more."""
    client = ScoreClient()
    asked = ScoreRequest(messages=(Message(role="user", content="Was heißt „½“?"),), steps=("Es heißt ½.\n\n", "Ja."))
    async with RewardServer(form) as server:
        for request in (asked, asked.model_copy(update={"hidden_states": True})):
            reply = await client.score(server.spec(), request, api_key=None, timeout=5, tag="t")
            assert reply.prompt_tokens <= server.spec().prompt_bound(request)
    await client.close()


def test_a_solution_is_judged_whole_or_not_at_all() -> None:
    spec = ModelSpec(name="prm", reward=QWEN_PRM, price=Price(input=1.0, output=10.0))
    request = ScoreRequest(messages=PROBLEM.messages, steps=("a", "b"))
    cost = upper_bound(spec, request, 100, 60)
    assert (cost.calls, cost.prompt_tokens, cost.completion_tokens) == (1, 100, 0)
    assert cost.dollars == pytest.approx(1e-4)
    room = {"calls": 1.0, "tokens": 100.0, "prompt_tokens": 100.0, "completion_tokens": 0.0, "dollars": 1e-4}
    assert clamp(spec, request, 100, Room(**room)) == request
    for short in ({"calls": 0.0}, {"tokens": 99.0}, {"prompt_tokens": 99.0}, {"dollars": 0.5e-4}):
        assert clamp(spec, request, 100, Room(**(room | short))) is None


async def test_a_deadline_closes_the_requests_at_the_server(tmp_path: Path) -> None:
    async with (
        RewardServer(QWEN_PRM, digits, pace=30) as server,
        opened(tmp_path, server.spec("prm"), call_timeout=60) as session,
    ):
        result = await verify(session, budget="seconds=0.3")
        assert (result.stop_reason, values(result)) == (StopReason.DEADLINE, [None] * N)
        async with asyncio.timeout(5):
            while server.in_flight:
                await asyncio.sleep(0.001)
    assert (server.cancelled, server.answered, len(server.requests)) == (N, 0, N)
    assert (result.total_usage.lost_calls, result.total_usage.calls) == (N, N)


# --- faults -----------------------------------------------------------------------------------------------------------------

ROWS = "[[0.1, 0.9], [0.2, 0.8], [0.3, 0.7]]"
FAULTS = {
    "429": Fault.rate_limit(),
    "429 with Retry-After": Fault.rate_limit(0.02),
    "500": Fault.server_error(),
    "HTML with 502": Fault.html(502),
    "reset": Fault.reset(),
    "drop": Fault.drop(),
    "abort": Fault.abort(),
    "truncated JSON": Fault.truncated(),
    "HTML with 200": Fault.html(),
    "a number too many": Fault.answer(200, f'{{"data": [{{"data": {ROWS}}}]}}'),
    "no numbers": Fault.answer(200, '{"data": []}'),
    "not finite": Fault.answer(200, ROWS.replace("0.9", "1e999").join(('{"data": [{"data": ', "}]}"))),
}
UNBILLED = {"429", "429 with Retry-After", "500", "HTML with 502"}
"""After the others the server may have computed: the call stays charged as lost."""


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_is_asked_again(tmp_path: Path, name: str) -> None:
    left = [FAULTS[name]]

    def once(_: str, body: dict[str, Any]) -> Fault | None:
        return left.pop() if left and "is 2." in body["messages"][-1]["content"] else None

    async with RewardServer(QWEN_PRM, digits, answer=once) as server, opened(tmp_path, server.spec("prm")) as session:
        result = await verify(session)
        assert essence(await session.replay(result.run_id)) == essence(result)
    lost = int(name not in UNBILLED)
    assert values(result) == pytest.approx(WHOLE)
    assert (result.stop_reason, result.failures) == (StopReason.FINISHED, {})
    assert (result.total_usage.calls, result.total_usage.lost_calls) == (N + lost, lost)
    assert len(server.requests) == N + 1


@pytest.mark.parametrize("name", FAULTS)
async def test_a_fault_for_good_is_a_score_without_a_value(tmp_path: Path, name: str) -> None:
    def always(_: str, body: dict[str, Any]) -> Fault | None:
        return FAULTS[name] if "is 2." in body["messages"][-1]["content"] else None

    async with RewardServer(QWEN_PRM, digits, answer=always) as server, opened(tmp_path, server.spec("prm")) as session:
        result = await verify(session)
        assert essence(await session.replay(result.run_id)) == essence(result)
    assert values(result) == [None if number == 2 else pytest.approx(value) for number, value in enumerate(WHOLE)]
    assert result.candidates[2].scores[0].rationale
    assert sum(result.failures.values()) == 1
    assert result.total_usage.lost_calls == (0 if name in UNBILLED else 2)


async def test_a_call_that_takes_too_long_is_lost_and_closed(tmp_path: Path) -> None:
    def stalled(_: str, body: dict[str, Any]) -> Fault | None:
        return Fault.stall() if "is 2." in body["messages"][-1]["content"] else None

    async with (
        RewardServer(QWEN_PRM, digits, answer=stalled) as server,
        opened(tmp_path, server.spec("prm"), call_timeout=1) as session,
    ):
        result = await verify(session)
        async with asyncio.timeout(5):
            while server.in_flight:
                await asyncio.sleep(0.001)
    assert (values(result)[2], result.failures, result.total_usage.lost_calls) == (None, {"timeout": 1}, 1)
    assert server.cancelled == 1


async def test_a_lost_call_is_not_repeated_without_budget(tmp_path: Path) -> None:
    left = [Fault.reset()]

    def once(*_: Any) -> Fault | None:
        return left.pop() if left else None

    async with (
        RewardServer(QWEN_PRM, digits, answer=once) as server,
        opened(tmp_path, server.spec("prm", concurrency=1)) as session,
    ):
        result = await verify(session, budget=f"calls={N}")
    assert len(server.requests) == N
    assert result.total_usage.calls == N
    assert sum(value is None for value in values(result)) == 1


async def test_a_server_that_is_gone_costs_nothing_and_is_said(tmp_path: Path) -> None:
    async with RewardServer(QWEN_PRM, digits) as server:
        spec = server.spec("prm")
    async with opened(tmp_path, spec) as session:
        result = await verify(session)
    assert (values(result), result.failures) == ([None] * N, {"unreachable": N})
    assert all("nobody answers for prm" in candidate.scores[0].rationale for candidate in result.candidates)
    assert result.total_usage == Usage()
