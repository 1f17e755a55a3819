"""Waves through whole runs: order, budgets, failures, stops and replays, on a scripted model."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from symposia.core.budget import Budget
from symposia.core.errors import BrokenReplyError, RateLimitError, RejectedError, ReplayDiverged, ServerError
from symposia.core.model_spec import Ability, Price
from symposia.core.problem import Problem
from symposia.core.records import EntryStatus
from symposia.core.result import Result, RunState, Status, StopReason
from symposia.runtime.session import Session
from symposia.testing import ScriptedCall, ScriptedModel

SEPARATE = {"abilities": (Ability.CHAT, Ability.SEED)}
SAMPLES = [18, 20, 18, 18, 7, 18, 18, 18, 20, 18, 18, 18]


def answers(prompt: str, sample: int) -> str:
    return f"We think about it {'step by step ' * (sample % 5)}and get \\boxed{{{SAMPLES[sample % len(SAMPLES)]}}}."


def essence(result: Result, *, usage: bool = True) -> dict[str, Any]:
    """A result without what may differ between runs of one seed: id and seconds (and cost, where calls were cancelled)."""
    skip = {"run_id", "seconds"} | (set() if usage else {"usage"})
    return result.model_dump(exclude=skip)


@pytest.mark.parametrize("options", [{"n": 12}, {"n": 12, "stop": "beta"}, {"n": 12, "stop": "beta", "window": 12}])
async def test_latency_never_changes_a_result(opened, options: dict[str, Any]) -> None:
    seen = []
    for shuffle in range(15):
        model = ScriptedModel(answers, latency=lambda rng: rng.choice([0, 0, 0.001, 0.003]), seed=shuffle)
        async with opened(model, **SEPARATE) as session:
            result = await session.solve("6 + 12?", team="fake", options=options)
        seen.append(essence(result, usage=options.get("stop") != "beta"))
    assert all(one == seen[0] for one in seen)
    assert seen[0]["answer"] == "18"


async def test_window_changes_speed_and_never_the_answer(opened) -> None:
    outcomes = []
    for window in (1, 2, 4, 12):
        async with opened(ScriptedModel(answers), **SEPARATE) as session:
            result = await session.solve("?", team="fake", options={"n": 12, "stop": "beta", "window": window})
        outcomes.append((result.answer, len(result.candidates), result.confidence, result.stop_reason))
    assert set(outcomes) == {("18", 8, 0.75, StopReason.AGREED)}


async def test_one_request_for_n_draws_the_same_samples_as_n_requests(opened) -> None:
    batched, separate = ScriptedModel(answers), ScriptedModel(answers)
    async with opened(batched) as session:
        one = await session.solve("?", team="fake", options={"n": 8})
    async with opened(separate, **SEPARATE) as session:
        many = await session.solve("?", team="fake", options={"n": 8})
    assert len(batched.calls) == 1
    assert len(separate.calls) == 8
    assert [c.text for c in one.candidates] == [c.text for c in many.candidates]
    assert one.selections["majority"].support == many.selections["majority"].support


async def test_late_finishers_are_kept_and_never_vote(opened) -> None:
    model = ScriptedModel(["\\boxed{1}"], latency=0.001)
    async with opened(model, **SEPARATE) as session:
        result = await session.solve("?", team="fake", options={"n": 12, "stop": "beta", "window": 12})
        pool = await session.store.candidates(result.run_id)
    assert len(result.candidates) == 4
    assert all(candidate.counted for candidate in result.candidates)
    assert sum(candidate.counted for candidate in pool) == 4
    assert result.total_usage.calls == 12


async def test_survivors_carry_on(opened) -> None:
    def fail(call: ScriptedCall) -> Exception | None:
        return RejectedError("FAKE refusal") if call.sample % 3 == 0 else None

    async with opened(ScriptedModel(answers, fail=fail), **SEPARATE) as session:
        result = await session.solve("?", team="fake", options={"n": 9})
    assert result.status is Status.ANSWERED
    assert len(result.candidates) == 6
    assert result.failures == {"rejected": 3}
    assert result.total_usage.calls == 6


async def test_all_calls_failing_is_a_failed_run_and_can_be_tried_again(opened) -> None:
    broken = True

    def fail(call: ScriptedCall) -> Exception | None:
        return ServerError("FAKE 500") if broken else None

    async with opened(ScriptedModel(answers, fail=fail), **SEPARATE) as session:
        result = await session.solve("?", team="fake", options={"n": 3})
        assert (result.status, result.stop_reason, result.exit_code) == (Status.FAILED, StopReason.ERROR, 5)
        assert result.error == "FAKE 500"
        broken = False
        again = await session.resume(result.run_id)
    assert again.status is Status.ANSWERED
    assert again.failures == {}


async def test_a_call_that_may_have_been_billed_stays_charged(opened) -> None:
    model = ScriptedModel(answers)
    model.fail_next(BrokenReplyError("FAKE reset"))
    async with opened(model, **SEPARATE) as session:
        result = await session.solve("?", team="fake", strategy="greedy", options={"max_tokens": 64})
    usage = result.total_usage
    assert (usage.calls, usage.lost_calls, usage.lost_completion_tokens) == (2, 1, 64)
    assert result.status is Status.ANSWERED


async def test_a_refusal_by_the_provider_costs_nothing(opened) -> None:
    model = ScriptedModel(answers)
    model.fail_next(RateLimitError("FAKE 429", retry_after=0.001))
    async with opened(model, **SEPARATE) as session:
        result = await session.solve("?", team="fake", strategy="greedy", budget=1)
    assert result.total_usage.calls == 1
    assert result.status is Status.ANSWERED


async def test_no_retry_of_a_lost_call_without_budget(opened) -> None:
    model = ScriptedModel(answers)
    model.fail_next(BrokenReplyError("FAKE reset"))
    async with opened(model, **SEPARATE) as session:
        result = await session.solve("?", team="fake", strategy="greedy", budget=1)
    assert len(model.calls) == 1
    assert (result.status, result.exit_code, result.failures) == (Status.FAILED, 4, {"budget": 1})
    assert result.total_usage.lost_calls == 1


@pytest.mark.parametrize(
    "caps", ["calls=3", "completion_tokens=60", "tokens=300", "dollars=0.0004", "calls=5,completion_tokens=45"]
)
async def test_a_budget_ends_the_wave_with_what_it_bought(opened, caps: str) -> None:
    budget = Budget.parse(caps)
    model = ScriptedModel(answers, latency=(0, 0.002))
    async with opened(model, price=Price(input=1.0, output=10.0), **SEPARATE) as session:
        result = await session.solve("?", team="fake", options={"n": 12, "max_tokens": 20}, budget=budget)
        replayed = await session.replay(result.run_id)
    usage = result.total_usage
    assert result.stop_reason is StopReason.BUDGET
    assert 0 < len(result.candidates) < 12
    assert budget.calls is None or usage.calls <= budget.calls
    assert budget.completion_tokens is None or usage.completion_tokens <= budget.completion_tokens
    assert budget.tokens is None or usage.completion_tokens + usage.prompt_tokens <= budget.tokens
    assert budget.dollars is None or usage.dollars <= budget.dollars
    assert essence(replayed) == essence(result)


async def test_budgets_cut_the_same_whatever_arrives_first(opened) -> None:
    seen = []
    for shuffle in range(10):
        model = ScriptedModel(answers, latency=(0, 0.003), seed=shuffle)
        async with opened(model, **SEPARATE) as session:
            result = await session.solve("?", team="fake", options={"n": 12, "max_tokens": 20}, budget="completion_tokens=90")
        seen.append(essence(result))
    assert all(one == seen[0] for one in seen)


async def test_a_batch_is_cut_to_what_fits(opened) -> None:
    model = ScriptedModel(answers)
    async with opened(model) as session:
        result = await session.solve("?", team="fake", options={"n": 8, "max_tokens": 100}, budget="completion_tokens=350")
    assert [call.request.n for call in model.calls] == [3]
    assert len(result.candidates) == 3


async def test_budget_gone_before_an_answer(opened) -> None:
    async with opened(ScriptedModel(["no idea"]), **SEPARATE) as session:
        result = await session.solve("?", team="fake", options={"n": 12}, budget=2)
    assert (result.status, result.exit_code) == (Status.NO_ANSWER, 4)


async def test_deadline_keeps_what_came_back_and_replays(opened) -> None:
    def fast_or_slow(rng: random.Random) -> float:
        return 0.01 if rng.random() < 0.5 else 60

    model = ScriptedModel(answers, latency=fast_or_slow, seed=1)
    async with opened(model, call_timeout=120, **SEPARATE) as session:
        result = await session.solve("?", team="fake", options={"n": 12}, budget="seconds=0.5")
        assert result.stop_reason is StopReason.DEADLINE
        assert result.status is Status.ANSWERED
        assert 0 < len(result.candidates) < 12
        assert result.total_usage.lost_calls == 12 - len(result.candidates)
        replayed = await session.replay(result.run_id)
    assert essence(replayed) == essence(result)
    assert len(model.calls) == 12


async def test_replay_needs_no_model(opened) -> None:
    model = ScriptedModel(answers)
    async with opened(model, **SEPARATE) as session:
        for options in ({"n": 5}, {"n": 12, "stop": "beta"}):
            result = await session.solve("?", team="fake", options=options)
            made = len(model.calls)
            assert essence(await session.replay(result.run_id)) == essence(result)
            assert len(model.calls) == made


async def test_replay_diverges_where_the_run_asks_for_something_else(opened) -> None:
    async with opened(ScriptedModel(answers), **SEPARATE) as session:
        result = await session.solve("?", team="fake", options={"n": 3})
        record = await session.store.run(result.run_id)
        prompts = dict.fromkeys(record.spec.prompts, "another prompt")
        changed = record.model_copy(update={"spec": record.spec.model_copy(update={"prompts": prompts})})
        execution = session._execution(changed, lease=None, models=record.spec.models, listener=None)
        with pytest.raises(ReplayDiverged, match="another request"):
            await execution.execute()
        longer = record.model_copy(update={"spec": record.spec.model_copy(update={"config": {**record.spec.config, "n": 4}})})
        execution = session._execution(longer, lease=None, models=record.spec.models, listener=None)
        with pytest.raises(ReplayDiverged, match="holds nothing"):
            await execution.execute()


async def _soft_stopped(session: Session, model: ScriptedModel, after: int) -> Result:
    record = await session.create(Problem.of("?"), team="fake", options={"n": 12})
    execution = await session.execution(record.id)
    running = asyncio.create_task(execution.execute())
    while sum(not call.cancelled for call in model.calls) - model.in_flight < after:
        await asyncio.sleep(0.001)
    execution.control.halt(StopReason.STEERED)
    return await running


async def test_the_error_of_a_run_is_that_of_its_last_call_not_of_the_last_to_arrive(opened) -> None:
    delays = [0.05, 0.03, 0.0]
    model = ScriptedModel(answers, latency=lambda _: delays.pop(0), fail=lambda call: RejectedError(f"no {call.sample}"))
    async with opened(model, **SEPARATE) as session:
        result = await session.solve("?", team="fake", options={"n": 3})
        assert (result.status, result.error) == (Status.FAILED, "no 2")
        assert (await session.replay(result.run_id)).error == "no 2"


async def test_a_soft_stop_keeps_the_best_so_far_and_goes_on_later(opened) -> None:
    slow = ScriptedModel(answers, latency=(0.01, 0.08))
    async with opened(slow, **SEPARATE) as session:
        stopped = await _soft_stopped(session, slow, 5)
        assert (stopped.status, stopped.stop_reason, stopped.exit_code) == (Status.CANCELLED, StopReason.STEERED, 130)
        assert stopped.answer == "18"
        finished = len(stopped.candidates)
        assert 0 < finished < 12
        record = await session.store.run(stopped.run_id)
        assert record.state is RunState.INTERRUPTED
        made = len(slow.calls)
        resumed = await session.resume(stopped.run_id)
    assert len(slow.calls) - made == 12 - finished
    assert resumed.status is Status.ANSWERED
    async with opened(ScriptedModel(answers), **SEPARATE) as session:
        whole = await session.solve("?", team="fake", options={"n": 12})
    assert essence(resumed, usage=False) == essence(whole, usage=False)


async def test_pause_and_stop_by_control_rows(opened) -> None:
    model = ScriptedModel(answers, latency=0.02)
    async with opened(model, **SEPARATE) as session:
        options = {"n": 64, "stop": "beta", "window": 1, "confidence": 0.9999999}
        record = await session.create(Problem.of("?"), team="fake", options=options)
        execution = await session.execution(record.id)
        running = asyncio.create_task(execution.execute())
        await session.store.add_control(record.id, "pause", "tester")
        while (await session.store.run(record.id)).state is not RunState.PAUSED:
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)
        made = len(model.calls)
        await asyncio.sleep(0.2)
        assert len(model.calls) == made
        await session.store.add_control(record.id, "resume", "tester")
        while len(model.calls) == made:
            await asyncio.sleep(0.01)
        await session.store.add_control(record.id, "stop", "tester")
        result = await asyncio.wait_for(running, 5)
    assert result.stop_reason is StopReason.STEERED


async def test_cancelling_the_task_leaves_a_resumable_run(opened) -> None:
    model = ScriptedModel(answers, latency=lambda rng: 0.001 if rng.random() < 0.5 else 30)
    async with opened(model, call_timeout=60, **SEPARATE) as session:
        record = await session.create(Problem.of("?"), team="fake", options={"n": 6})
        running = asyncio.create_task((await session.execution(record.id)).execute())
        while model.in_flight == 0 or len(model.calls) < 6:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert (await session.store.run(record.id)).state is RunState.INTERRUPTED
        model._latency = 0.0
        result = await session.resume(record.id)
    assert result.status is Status.ANSWERED
    assert len(result.candidates) == 6


async def test_every_call_is_journaled_once_with_its_charge(opened) -> None:
    async with opened(ScriptedModel(answers), **SEPARATE) as session:
        result = await session.solve("?", team="fake", options={"n": 5})
        entries = await session.store.journal(result.run_id)
    calls = [entry for entry in entries if entry.role]
    assert [entry.status for entry in calls] == [EntryStatus.DONE] * 5
    assert sum(entry.charge.completion_tokens for entry in calls) == result.total_usage.completion_tokens


async def test_events_are_each_there_once_and_numbered(opened) -> None:
    async with opened(ScriptedModel(answers), **SEPARATE) as session:
        result = await session.solve("?", team="fake", options={"n": 5})
        before = await session.store.events(result.run_id)
        await session.replay(result.run_id)
        assert await session.store.events(result.run_id) == before
    assert [stored.seq for stored in before] == list(range(1, len(before) + 1))
    kinds = [stored.event.type for stored in before]
    assert kinds.count("candidate_added") == kinds.count("call_finished") == 5
    assert (kinds[0], kinds[-1]) == ("run_started", "run_finished")
