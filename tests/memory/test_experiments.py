"""Experiments and the runs that belong to them; openings of test splits."""

from __future__ import annotations

import asyncio

import pytest

from symposia.core.errors import ConfigError, LeaseHeldError, NameTakenError, RunNotFoundError, UnknownNameError
from symposia.core.result import RunState
from symposia.memory import experiments
from symposia.memory.store import Store, this_process

ME = this_process()


async def made(store: Store, make, run_id: str, experiment: str | None = "spring"):
    return await store.create_run(make.spec(experiment=experiment), id=run_id)


async def ended(store: Store, make, run_id: str, experiment: str = "spring") -> None:
    await made(store, make, run_id, experiment)
    lease = await store.acquire(run_id, owner=ME)
    store.append(lease, [make.warned(), make.added()])
    await store.finish(lease, RunState.FINISHED, make.result(run_id), 1.0)


async def test_an_experiment_is_made_once_found_and_changed(store):
    plan = {"tasks": ["arith"], "samples": 8, "note": None}
    record = await store.create_experiment("spring", plan)
    assert (record.name, record.plan, record.runs) == ("spring", plan, {})
    assert await store.experiment("spring") == record
    with pytest.raises(NameTakenError, match="there is an experiment 'spring' already"):
        await store.create_experiment("spring", {})
    await store.create_experiment("autumn", {})
    assert [found.name for found in await store.experiments()] == ["spring", "autumn"]
    changed = await store.update_experiment("spring", {"samples": 16})
    assert changed == record.model_copy(update={"plan": {"samples": 16}}) == await store.experiment("spring")


async def test_of_many_that_make_one_experiment_at_once_one_does(place):
    async with await Store.open(place) as one, await Store.open(place) as other:
        tries = (store.create_experiment("spring", {}) for _ in range(5) for store in (one, other))
        done = await asyncio.gather(*tries, return_exceptions=True)
    assert sorted(isinstance(result, NameTakenError) for result in done) == [False] + 9 * [True]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a" * 65, "é"])
async def test_a_name_that_would_be_trouble_is_refused(store, name):
    with pytest.raises(ConfigError, match="cannot be the name of an experiment"):
        await store.create_experiment(name, {})


async def test_no_experiment_is_a_clear_error(store, make):
    await store.create_experiment("spring", {})
    nearest = r"unknown experiment 'sprin' .*did you mean 'spring'"
    for wrong in (
        store.experiment("sprin"),
        store.update_experiment("sprin", {}),
        store.remove_experiment("sprin"),
        made(store, make, "r1", "sprin"),
    ):
        with pytest.raises(UnknownNameError, match=nearest):
            await wrong
    with pytest.raises(RunNotFoundError):
        await store.run("r1")


async def test_runs_are_counted_by_the_state_in_which_people_see_them(store, make):
    await store.create_experiment("spring", {})
    await store.create_experiment("empty", {})
    for index in range(3):
        await ended(store, make, f"done{index}")
    for run_id in ("waits", "runs", "abandoned"):
        await made(store, make, run_id)
    await store.acquire("runs", owner=ME)
    await store.acquire("abandoned", owner="elsewhere:1:1", ttl=-1)
    await made(store, make, "alone", None)
    counts = {record.name: record.runs for record in await store.experiments()}
    states = {RunState.FINISHED: 3, RunState.QUEUED: 1, RunState.RUNNING: 1, RunState.INTERRUPTED: 1}
    assert counts == {"spring": states, "empty": {}}
    assert (await store.experiment("spring")).runs == states


async def test_lists_hold_the_runs_of_one_experiment_or_of_none(store, make):
    await store.create_experiment("spring", {})
    await ended(store, make, "r1")
    await made(store, make, "r2")
    await made(store, make, "alone", None)
    assert [run.id for run in await store.runs()] == ["alone"]
    assert [run.id for run in await store.runs(experiment="spring")] == ["r2", "r1"]
    assert [run.id for run in await store.runs(experiment="spring", state=RunState.FINISHED)] == ["r1"]
    states = [RunState.FINISHED, RunState.QUEUED]
    assert [run.id for run in await store.old_runs(states)] == ["alone"]
    assert [run.id for run in await store.old_runs(states, experiment="spring", keep=1)] == ["r1"]
    assert (await store.run("r2")).spec.experiment == "spring"


async def test_finished_runs_come_in_pages_oldest_first(store, make, monkeypatch):
    monkeypatch.setattr(experiments, "_PAGE", 2)
    await store.create_experiment("spring", {})
    await store.create_experiment("autumn", {})
    names = ["z", "b", "y", "a", "x"]
    for run_id in names:
        await ended(store, make, run_id)
    await made(store, make, "waits")
    await ended(store, make, "other", "autumn")
    found = [one async for one in store.finished("spring")]
    assert [one.run_id for one in found] == names
    assert found[0].result == make.result("z")
    assert [one async for one in store.finished("winter")] == []


async def test_an_experiment_goes_with_its_runs_and_nothing_else(store, make, monkeypatch):
    monkeypatch.setattr(experiments, "_PAGE", 2)
    await store.create_experiment("spring", {})
    await store.create_experiment("autumn", {})
    for index in range(5):
        await ended(store, make, f"r{index}")
    await ended(store, make, "other", "autumn")
    await made(store, make, "alone", None)
    await store.remove_experiment("spring")
    assert [record.name for record in await store.experiments()] == ["autumn"]
    for index in range(5):
        assert await store.events(f"r{index}") == []
        with pytest.raises(RunNotFoundError):
            await store.run(f"r{index}")
    assert len(await store.events("other")) == 2
    assert (await store.run("alone")).id == "alone"


async def test_an_experiment_with_a_run_that_is_executed_stays_whole(store, make):
    await store.create_experiment("spring", {})
    await ended(store, make, "r1")
    await made(store, make, "r2")
    lease = await store.acquire("r2", owner=ME)
    with pytest.raises(LeaseHeldError, match="run r2 is being executed"):
        await store.remove_experiment("spring")
    assert len(await store.runs(experiment="spring")) == 2
    await store.release(lease, RunState.INTERRUPTED, 0.0)
    await store.remove_experiment("spring")
    assert await store.experiments() == []


async def test_a_copied_run_belongs_to_no_experiment(store, make):
    await store.create_experiment("spring", {})
    await ended(store, make, "r1")
    lines = [line async for line in store.export_run("r1")]
    copy = await store.import_run(lines)
    assert copy.spec.experiment is None
    assert [run.id for run in await store.runs()] == [copy.id]


async def test_openings_stay_when_their_experiment_goes(store, monkeypatch):
    monkeypatch.setenv("SOME_API_KEY", "sk-secret-1234567890")
    await store.create_experiment("spring", {})
    first = await store.record_opening(
        who="ann", task="arith", fingerprint="f00", experiment="spring", reason="final numbers; sk-secret-1234567890"
    )
    second = await store.record_opening(who="bob", task="other", fingerprint="f01")
    assert (first.who, first.task, first.fingerprint, first.experiment) == ("ann", "arith", "f00", "spring")
    assert (second.experiment, second.reason) == (None, "")
    assert first.reason == "final numbers; [redacted]"
    await store.remove_experiment("spring")
    assert await store.openings() == [first, second]
    assert await store.openings("other") == [second]
    assert first.at <= second.at
