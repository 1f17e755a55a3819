"""``divergence`` keeps to its card: a cold and a hot sample, and a vote only where they differ."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from symposia.core.errors import ConfigError, ProblemError, RejectedError
from symposia.core.model_spec import Ability
from symposia.core.problem import Problem
from symposia.core.result import Result, Status, StopReason
from symposia.graphs.registry import STRATEGIES
from symposia.runtime.session import Session
from symposia.testing import ScriptedModel

from .hosts import Opener

PLAIN = (Ability.CHAT, Ability.SEED)


def says(cold: object, hot: object, *further: object) -> Callable[[str, int], str]:
    """Answers by call, in their order; None for a text without any."""
    answers = iter([cold, hot, *further])

    def reply(prompt: str, sample: int) -> str:
        answer = next(answers)
        return "FAKE: no idea." if answer is None else rf"FAKE. \boxed{{{answer}}}"

    return reply


async def solve(session: Session, **options: Any) -> Result:
    return await session.solve("?", strategy="divergence", team="fake", options=options)


async def test_where_cold_and_hot_agree_two_calls_are_all(opened: Opener) -> None:
    model = ScriptedModel(says(7, 7))
    async with opened(model, abilities=PLAIN) as session:
        result = await solve(session, hot=1.3)
        assert (await session.replay(result.run_id)).candidates == result.candidates
    assert [call.request.temperature for call in model.calls] == [0.0, 1.3]
    assert len({call.request.seed for call in model.calls}) == 2
    assert [one.id for one in result.candidates] == ["divergence/probe.0.0#0", "divergence/probe.0.1#0"]
    assert (result.answer, result.confidence, result.votes[0].count) == ("7", 1.0, 2)
    assert result.stop_reason is StopReason.AGREED


async def test_where_they_differ_all_vote(opened: Opener) -> None:
    model = ScriptedModel(says(1, 2, 2, 3, 2))
    async with opened(model, abilities=PLAIN) as session:
        result = await solve(session, more=3)
    assert [call.request.temperature for call in model.calls] == [0.0, 1.0, 0.7, 0.7, 0.7]
    assert [one.id.split("/")[1] for one in result.candidates[2:]] == [f"propose.1.{index}#0" for index in range(3)]
    assert (result.answer, result.confidence, result.stop_reason) == ("2", 0.6, StopReason.FINISHED)


async def test_a_tie_is_the_cold_ones(opened: Opener) -> None:
    async with opened(ScriptedModel(says(1, 2, 3, 2, 1)), abilities=PLAIN) as session:
        assert (await solve(session, more=3)).answer == "1"


async def test_further_samples_are_one_request_where_the_model_can(opened: Opener) -> None:
    model = ScriptedModel(lambda prompt, sample: rf"\boxed{{{sample}}}")
    async with opened(model, abilities=(*PLAIN, Ability.N)) as session:
        result = await solve(session)
    assert [call.request.n for call in model.calls] == [1, 1, 6]
    assert len(result.candidates) == 8


@pytest.mark.parametrize("lost", ["failed", "unreadable"])
@pytest.mark.parametrize("which", [0, 1])
async def test_a_lost_probe_agrees_with_nothing(opened: Opener, lost: str, which: int) -> None:
    probes: list[object] = [7, 7]
    probes[which] = None
    model = ScriptedModel(
        says(*probes, 7, 8) if lost == "unreadable" else says(7, 7, 8),
        fail=lambda call: RejectedError("FAKE") if lost == "failed" and call.index == which else None,
    )
    async with opened(model, abilities=PLAIN) as session:
        result = await solve(session, more=2)
    assert len(model.calls) == 4
    assert (result.answer, result.confidence) == ("7", pytest.approx(2 / 3))


async def test_two_unreadable_answers_are_not_equal(opened: Opener) -> None:
    async with opened(ScriptedModel(says(None, None, None, 5)), abilities=PLAIN) as session:
        result = await solve(session, more=2)
    assert (result.answer, result.stop_reason) == ("5", StopReason.FINISHED)


@pytest.mark.parametrize(("calls", "answer"), [(1, "1"), (2, "1"), (4, "2")])
async def test_a_budget_ends_it_with_the_best_there_is(opened: Opener, calls: int, answer: str) -> None:
    async with opened(ScriptedModel(says(1, 2, 2, 2)), abilities=PLAIN) as session:
        result = await session.solve("?", strategy="divergence", team="fake", budget=calls)
    assert (result.answer, len(result.candidates), result.stop_reason) == (answer, calls, StopReason.BUDGET)


async def test_where_every_call_fails_the_run_fails(opened: Opener) -> None:
    async with opened(ScriptedModel(fail=lambda call: RejectedError("FAKE")), abilities=PLAIN) as session:
        assert (await solve(session, more=1)).status is Status.FAILED


async def test_a_stopped_run_goes_on(opened: Opener) -> None:
    """Only the hot answer is there when a person stops it: it decides nothing later on."""
    delays = iter([30.0, 0.0, *[0.0] * 9])
    model = ScriptedModel(
        lambda prompt, sample: rf"\boxed{{{1 if model.calls[-1].request.temperature == 0 else 2}}}",
        latency=lambda _: next(delays),
    )
    async with opened(model, abilities=PLAIN) as session:
        record = await session.create(Problem.of("?"), team="fake", strategy="divergence", options={"more": 3})
        execution = await session.execution(record.id)
        running = asyncio.create_task(execution.execute())
        while len(model.calls) < 2 or model.in_flight > 1:
            await asyncio.sleep(0.001)
        execution.control.halt(StopReason.STEERED)
        stopped = await running
        resumed = await session.resume(record.id)
    assert (stopped.stop_reason, stopped.answer) == (StopReason.STEERED, "2")
    assert (len(resumed.candidates), resumed.answer, resumed.stop_reason) == (5, "2", StopReason.FINISHED)
    assert resumed.candidates[0].answer is not None
    assert resumed.candidates[0].answer.text == "1", "the cold one comes first"


async def test_it_refuses_what_cannot_be_compared(opened: Opener) -> None:
    async with opened(ScriptedModel()) as session:
        with pytest.raises(ProblemError, match="cannot compare answers of kind code"):
            await session.solve("?", strategy="divergence", team="fake", answer_kind="code")
    with pytest.raises(ConfigError, match="hot"):
        STRATEGIES.get("divergence").configure({"hot": 0})
