"""Running experiments: what ended is never paid again, whatever ended it."""

from __future__ import annotations

import asyncio
import dataclasses
from collections import Counter
from contextlib import AsyncExitStack

import pytest

from symposia.core.budget import Budget
from symposia.core.errors import ConfigError, ServerError, SplitClosedError, UnreachableError
from symposia.core.model_spec import Price
from symposia.core.result import StopReason
from symposia.research.experiments import runner as running
from symposia.research.experiments.arms import run_id
from symposia.research.experiments.experiment import Experiment, run_experiment
from symposia.research.experiments.records import Arm
from symposia.research.experiments.runner import IN_A_ROW, Ending
from symposia.research.experiments.standing import Standing
from symposia.research.experiments.stored import collect_experiment
from symposia.testing import ScriptedModel

from .conftest import adder

CALLS = 6 * (1 + 4)
"""Of the small experiment: greedy and four samples on six problems."""


def evident(evidence):
    """What must be the same however an experiment came to its end: all but times and what lost calls took."""
    return [dataclasses.replace(trial, seconds=0.0, lost_tokens=0, calls=0) for trial in evidence.trials], evidence.samples


async def test_an_experiment_from_what_was_asked_to_its_evidence(opened, asked) -> None:
    model, standing = ScriptedModel(adder), Standing()
    async with opened(model) as session:
        evidence = await run_experiment(session, asked(), standing=standing)
        again = await collect_experiment(session, "sums")
    assert [arm.label for arm in evidence.arms] == ["greedy", "self-consistency"]
    assert [(trial.arm, trial.credit) for trial in evidence.trials[:2]] == [("greedy", 1.0), ("self-consistency", 1.0)]
    assert [sample.credit for sample in evidence.samples[1:5]] == [1.0, 1.0, 1.0, 0.0]
    assert [sample.group for sample in evidence.samples[1:5]] == [0, 0, 0, 1]
    assert (len(evidence.problems), len(evidence.trials), len(evidence.samples), len(model.calls)) == (6, 12, CALLS, CALLS)
    assert again == evidence, "read from the store it is the same"
    assert (standing.settled, standing.total, standing.arms["greedy"].accuracy) == (12, 12, 1.0)


async def test_problems_are_begun_one_after_the_other_with_all_arms(opened, asked) -> None:
    model = ScriptedModel(adder)
    async with opened(model) as session:
        await run_experiment(session, asked(in_flight=1, seeds=[0, 1]))
    questions = [call.prompt.rsplit("What is ", 1)[1] for call in model.calls]
    assert questions == sorted(questions, key=questions.index), "an experiment that is stopped has the same problems for all arms"


@pytest.mark.parametrize("after", [1, 7, 20, 29])
async def test_a_killed_experiment_goes_on_and_pays_nothing_twice(opened, asked, after) -> None:
    begun = asyncio.Event()

    def reply(prompt: str, sample: int) -> str:
        if len(broken.calls) > after:
            begun.set()
        return adder(prompt, sample)

    broken = ScriptedModel(reply, latency=0.002)
    async with opened(broken) as session:
        task = asyncio.create_task(run_experiment(session, asked(in_flight=2)))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        journal = [entry for run in await session.store.runs(experiment="sums") for entry in await session.store.journal(run.id)]
    done = {entry.request["seed"] for entry in journal if entry.status == "done"}
    assert 0 < len(done) < CALLS
    model = ScriptedModel(adder)
    async with opened(model) as session:
        evidence = await run_experiment(session, asked(in_flight=2))
    assert len(model.calls) == CALLS - sum(entry.status == "done" for entry in journal)
    async with opened(ScriptedModel(adder), store=":memory:") as session:
        whole = await run_experiment(session, asked())
    assert evident(evidence) == evident(whole)


async def test_a_finished_experiment_asks_nothing(opened, asked) -> None:
    async with opened(ScriptedModel(adder)) as session:
        first = await run_experiment(session, asked())
    model = ScriptedModel(adder)
    async with opened(model) as session:
        assert await run_experiment(session, asked()) == first
    assert model.calls == []


async def test_more_problems_seeds_arms_and_models_are_added(opened, asked) -> None:
    model = ScriptedModel(adder)
    async with opened(model) as session:
        await run_experiment(session, asked(limit=2))
        await run_experiment(session, asked(limit=3))
        assert len(model.calls) == 3 * 5
        await run_experiment(session, asked(limit=3, seeds=[0, 7]))
        assert len(model.calls) == 3 * 5 * 2
        labelled = [{"name": "self-consistency", "label": "two", "options": {"n": 2, "batched": False}}]
        await run_experiment(session, asked(limit=1, strategies=labelled))
        assert len(model.calls) == 3 * 5 * 2 + 2
        evidence = await run_experiment(session, asked(limit=1, models=["other"]))
        assert len(model.calls) == 3 * 5 * 2 + 2 + 5
    trials = Counter(trial.arm for trial in evidence.trials)
    assert trials == {"greedy": 6, "self-consistency": 6, "two": 1, "greedy@other": 1, "self-consistency@other": 1}
    assert evidence.plan["seeds"] == [0, 7]


async def test_a_model_that_vanished_ends_the_experiment_and_is_gone_on_with(opened, asked, data) -> None:
    file = data(12)
    gone = ScriptedModel(adder, fail=lambda call: UnreachableError("nobody answers") if call.index > 20 else None)
    async with opened(gone) as session:
        with pytest.raises(UnreachableError, match=f"{IN_A_ROW} runs in a row failed with fake.*nobody answers") as caught:
            await run_experiment(session, asked(file, in_flight=1))
        assert caught.value.exit_code == 5
        left = await collect_experiment(session, "sums")
        assert len(gone.calls) < 60, "it does not go through all problems in vain"
        failed = [trial for trial in left.trials if trial.status == "failed"]
        assert len(failed) == IN_A_ROW
        no_evidence = {(trial.problem, trial.arm) for trial in failed}
        assert not no_evidence & {(sample.problem, sample.arm) for sample in left.samples}
    async with opened(ScriptedModel(adder)) as session:
        evidence = await run_experiment(session, asked(file))
    assert {trial.status for trial in evidence.trials} == {"answered"}
    assert len(evidence.trials) == 24


async def test_a_vote_that_lost_samples_to_a_failing_server_is_no_evidence(opened, asked) -> None:
    """Three of four samples answer: a vote of three is not what was asked for. The missing one alone is asked again."""
    flaky = ScriptedModel(adder, fail=lambda call: ServerError("500") if call.sample == 2 and "0 plus 1" in call.prompt else None)
    async with opened(flaky) as session:
        evidence = await run_experiment(session, asked())
    broken = [trial for trial in evidence.trials if trial.status == "failed"]
    assert [(trial.arm, trial.failures) for trial in broken] == [("self-consistency", {"server": 1})]
    model = ScriptedModel(adder)
    async with opened(model) as session:
        mended = await run_experiment(session, asked())
    assert len(model.calls) == 1
    assert {trial.status for trial in mended.trials} == {"answered"}
    assert len(mended.samples) == CALLS


async def test_two_processes_share_the_work_and_end_with_the_same(opened, asked, data) -> None:
    file = data(12)
    models = [ScriptedModel(adder, latency=(0.001, 0.01), seed=seed) for seed in (1, 2)]
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(opened(model)) for model in models]
        one, other = await asyncio.gather(*(run_experiment(session, asked(file, in_flight=2)) for session in sessions))
    assert one == other
    assert sum(len(model.calls) for model in models) == 12 * 5, "no call is made by both"
    assert all(model.calls for model in models)


async def test_a_soft_stop_lets_calls_come_back(opened, asked, monkeypatch) -> None:
    monkeypatch.setattr(running, "GRACE", 0.2)
    model = ScriptedModel(adder, latency=0.02)
    async with opened(model) as session:
        async with await Experiment.prepare(session, asked(in_flight=2)) as experiment:
            runner = await experiment.runner()
            task = asyncio.create_task(runner.run())
            while len(model.calls) < 8:
                await asyncio.sleep(0.002)
            runner.halt(StopReason.STEERED)
            assert await task is Ending.STOPPED
        assert not any(call.cancelled for call in model.calls), "what was in flight came back"
        made = len(model.calls)
        assert made < CALLS
        evidence = await run_experiment(session, asked())
    assert len(model.calls) == CALLS
    assert len(evidence.trials) == 12


async def test_a_stop_cuts_off_what_does_not_come_back(opened, asked, monkeypatch) -> None:
    monkeypatch.setattr(running, "GRACE", 0.05)
    model = ScriptedModel(adder, latency=30)
    async with opened(model) as session, await Experiment.prepare(session, asked(in_flight=2)) as experiment:
        runner = await experiment.runner()
        task = asyncio.create_task(runner.run())
        while not model.in_flight:
            await asyncio.sleep(0.002)
        runner.halt()
        assert await task is Ending.STOPPED
        assert experiment.evidence(runner).trials == ()
    assert model.calls[0].cancelled


async def test_a_cap_cuts_no_run_short_and_can_be_raised(opened, asked) -> None:
    model = ScriptedModel(adder)
    async with opened(model) as session:
        async with await Experiment.prepare(session, asked(cap="calls=13")) as experiment:
            runner = await experiment.runner()
            assert await runner.run() is Ending.CAP
            assert "may take up to 4 calls, where 2 are left" in runner.why
            evidence = experiment.evidence(runner)
        assert len(model.calls) == 11, "two problems with all arms, and greedy on the third"
        assert {trial.stop_reason for trial in evidence.trials} == {"finished"}
        evidence = await run_experiment(session, asked(cap="calls=30"))
        assert len(model.calls) == CALLS
        assert len(evidence.trials) == 12
        (ledger,) = await session.store.ledgers()
        assert (ledger.caps, ledger.spent.calls) == (Budget(calls=30), 30)


async def test_two_processes_keep_one_cap(opened, asked, data) -> None:
    file = data(12)
    models = [ScriptedModel(adder, latency=(0.001, 0.01), seed=seed) for seed in (1, 2)]
    async with AsyncExitStack() as stack:
        sessions = [await stack.enter_async_context(opened(model)) for model in models]
        spec = asked(file, cap="calls=33", in_flight=3)
        both = await asyncio.gather(*(run_experiment(session, spec) for session in sessions))
    assert sum(len(model.calls) for model in models) <= 33
    assert {trial.stop_reason for evidence in both for trial in evidence.trials} == {"finished"}, "none was cut by the cap"


async def test_a_cap_in_dollars_needs_prices_and_a_cap_needs_the_beginning(opened, asked) -> None:
    model = ScriptedModel(adder)
    async with opened(model) as session:
        with pytest.raises(ConfigError, match="the price of fake is unknown"):
            await run_experiment(session, asked(cap="dollars=1"))
        assert await session.store.experiments() == []
        await run_experiment(session, asked(limit=1))
        with pytest.raises(ConfigError, match="begun without a cap"):
            await run_experiment(session, asked(limit=1, cap="calls=99"))
    async with opened(model, store=":memory:", price=Price(input=1.0, output=2.0)) as session:
        evidence = await run_experiment(session, asked(cap="dollars=1"))
        assert all(trial.dollars for trial in evidence.trials)


async def test_changed_data_are_refused_with_what_changed(opened, asked, data) -> None:
    model = ScriptedModel(adder)
    async with opened(model) as session:
        await run_experiment(session, asked())
        made = len(model.calls)

        def regrade(rows) -> None:
            rows[0]["answer"] = "999"

        for change, said in (
            (regrade, "1 problem with another gold answer"),
            (lambda rows: rows.pop(0), "1 problem removed"),
            (lambda rows: rows.insert(0, {"question": "What is 900 plus 902?", "answer": "1802"}), "problem added|beyond those"),
            (lambda rows: rows.pop(), "problems beyond those that it uses differ"),
        ):
            with pytest.raises(ConfigError, match=f"the data of experiment sums changed: .*({said})"):
                await run_experiment(session, asked(data(change=change)))
            with pytest.raises(ConfigError, match="the data of experiment sums changed"):
                await collect_experiment(session, "sums")
        assert len(model.calls) == made, "nothing was spent"
        data()
        await run_experiment(session, asked())


async def test_changed_arms_are_refused_by_name(opened, asked) -> None:
    async with opened(ScriptedModel(adder)) as session:
        await run_experiment(session, asked(limit=1))
        eight = [{"name": "self-consistency", "options": {"n": 8, "batched": False}}]
        with pytest.raises(ConfigError, match="arm self-consistency of experiment sums changed: n 4 → 8"):
            await run_experiment(session, asked(limit=1, strategies=eight))
        with pytest.raises(ConfigError, match="experiment sums has another grader: numeric → exact"):
            await run_experiment(session, asked(limit=1, task={"grader": "exact"}))


async def test_the_configuration_behind_an_arm_may_not_change_unseen(opened, asked) -> None:
    async with opened(ScriptedModel(adder)) as session:
        await run_experiment(session, asked(limit=1))
        session.settings = session.settings.model_copy(update={"strategies": {"greedy": {"max_tokens": 77}}})
        with pytest.raises(
            ConfigError, match="arm greedy of experiment sums would go on with other options: max_tokens 1024 → 77"
        ):
            await run_experiment(session, asked(limit=1))


async def test_a_test_split_is_opened_with_a_reason_that_is_recorded(opened, asked) -> None:
    model = ScriptedModel(adder)
    async with opened(model) as session:
        with pytest.raises(SplitClosedError):
            await run_experiment(session, asked(task={"split": "test"}))
        assert (await session.store.openings(), model.calls) == ([], [])
        evidence = await run_experiment(session, asked(task={"split": "test", "open_test": "the final figure"}))
        (opening,) = await session.store.openings()
        assert (opening.reason, opening.task, opening.experiment) == ("the final figure", "sums", "sums")
        assert opening.fingerprint == evidence.plan["fingerprint"]
        assert len(evidence.problems) == 1
        with pytest.raises(ConfigError, match="experiment sums has another split: test → dev"):
            await run_experiment(session, asked())
        await collect_experiment(session, "sums")
        assert len(await session.store.openings()) == 1, "reading one's own results opens nothing anew"


async def test_runs_that_were_recorded_before_are_found_and_finished(opened, asked) -> None:
    """A recording made with plain runs under the ids of cells: what ended is evidence, what was cut off goes on."""
    spec = asked(limit=2)
    arm = Arm(label="any", strategy="self-consistency", options={"n": 4, "batched": False}, team={"policy": "fake"})
    model = ScriptedModel(adder)
    async with opened(model) as session:
        async with await Experiment.prepare(session, spec) as experiment:
            items = experiment.items
        ids = [run_id("sums", arm, 0, item.id) for item in items]
        options = {"strategy": arm.strategy, "team": arm.team, "seed": 0}
        await session.solve(items[0].problem, run_id=ids[0], options=arm.options, **options)
        await session.create(items[1].problem, run_id=ids[1], options=arm.options, **options)
        evidence = await run_experiment(session, spec)
        assert len(model.calls) == 2 * 5
        assert {trial.run_id for trial in evidence.trials} > set(ids)
        assert await session.store.runs() == [], "they belong to the experiment now"
        assert await collect_experiment(session, "sums") == evidence
        await session.solve(items[1].problem, run_id=run_id("sums", arm, 1, items[0].id), options={"n": 2}, **options)
        with pytest.raises(ConfigError, match="is there already, with another config"):
            await run_experiment(session, asked(limit=1, seeds=[1]))


def test_the_id_of_a_run_never_changes() -> None:
    """Recordings that were made with it would be paid again."""
    arm = Arm(label="x", strategy="greedy", options={"max_tokens": 1024, "logprobs": True}, team={"policy": "m"})
    assert run_id("first", arm, 0, "0123456789ab") == "first-6b30424c925b8034"


async def test_replay_works_on_every_run_of_an_experiment(opened, asked) -> None:
    model = ScriptedModel(adder)
    async with opened(model) as session:
        evidence = await run_experiment(session, asked(limit=1))
        for trial in evidence.trials:
            assert (await session.replay(trial.run_id)).answer == trial.answer
    assert len(model.calls) == 5
