"""Runs that are created and executed by one process at once, and what shares a batch with them."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest

from symposia.core.errors import LeaseHeldError, LeaseLostError, NameTakenError, StoreError, UnknownNameError
from symposia.core.records import ControlKind, Lease
from symposia.core.result import RunState
from symposia.memory import runs
from symposia.memory.store import Store, this_process

ME = this_process()
ELSEWHERE = "elsewhere:1:1"


async def test_a_run_is_created_and_held_in_one(store, make):
    record, lease = await store.begin_run(make.spec(seed=7), owner=ME, id="mine")
    assert lease == Lease(run_id="mine", owner=ME, fence=1)
    assert (record.state, record.owner) == (RunState.RUNNING, f"{socket.gethostname()}:{os.getpid()}")
    assert await store.run("mine") == record
    with pytest.raises(LeaseHeldError):
        await store.acquire("mine", owner=ELSEWHERE)
    await store.record(lease, [make.entry()])
    await store.finish(lease, RunState.FINISHED, make.result("mine"), 1.0)
    assert (await store.run("mine")).result == make.result("mine")


async def test_a_lease_from_the_beginning_ends_by_the_databases_clock(store, make):
    record, old = await store.begin_run(make.spec(), owner=ELSEWHERE, ttl=0.05)
    await asyncio.sleep(0.06)
    assert (await store.run(record.id)).state is RunState.INTERRUPTED
    assert (await store.acquire(record.id, owner=ME)).fence == 2
    with pytest.raises(LeaseLostError):
        await store.record(old, [make.entry()])


async def test_of_many_that_begin_one_run_one_does_and_their_neighbours_too(place, make):
    async with await Store.open(place) as one, await Store.open(place) as other:
        stores = [one, other] * 4
        same = (store.begin_run(make.spec(), owner=ME, id="same") for store in stores)
        own = (store.begin_run(make.spec(), owner=ME, id=f"own{index}") for index, store in enumerate(stores))
        done = await asyncio.gather(*same, *own, return_exceptions=True)
        assert sorted(isinstance(found, NameTakenError) for found in done[:8]) == [False] + 7 * [True]
        assert [found[0].id for found in done[8:]] == [f"own{index}" for index in range(8)]
        assert len(await one.runs()) == 9


async def test_what_cannot_begin_leaves_nothing(store, make):
    with pytest.raises(StoreError, match="cannot be the id"):
        await store.begin_run(make.spec(), owner=ME, id="a b")
    with pytest.raises(UnknownNameError, match="unknown experiment 'spring'"):
        await store.begin_run(make.spec(experiment="spring"), owner=ME, id="mine")
    assert await store.runs() == []
    assert await store.known_run("mine") is None


async def test_a_drawn_id_that_is_taken_is_drawn_again(store, make, monkeypatch):
    ids = iter(["same", "same", "other"])
    monkeypatch.setattr(runs, "new_id", lambda: next(ids))
    assert [(await store.begin_run(make.spec(), owner=ME))[1].run_id for _ in range(2)] == ["same", "other"]


async def test_what_is_known_is_found_by_its_whole_id_only(store, make):
    record = await store.create_run(make.spec(), id="abcd")
    assert await store.known_run("abcd") == record
    assert await store.known_run("abc") is None


async def test_after_the_end_in_one_batch_nothing_more_is_written(store, make):
    record, lease = await store.begin_run(make.spec(), owner=ME)
    end = store.finish(lease, RunState.FINISHED, make.result(record.id), 1.0)
    release = store.release(lease, RunState.INTERRUPTED, 9.0)
    done = await asyncio.gather(end, release, store.record(lease, [make.entry()]), return_exceptions=True)
    assert [type(found) for found in done] == [type(None), type(None), LeaseLostError]
    found = await store.run(record.id)
    assert (found.state, found.elapsed, found.result) == (RunState.FINISHED, 1.0, make.result(record.id))
    assert await store.journal(record.id) == []


async def test_many_ends_in_one_batch_are_each_their_own(store, make):
    begun = await asyncio.gather(*(store.begin_run(make.spec(), owner=ME) for _ in range(20)))
    stale = begun[0][1].model_copy(update={"fence": 9})
    ends = [store.finish(lease, RunState.FINISHED, make.result(record.id), 1.0) for record, lease in begun]
    done = await asyncio.gather(store.heartbeat(stale), *ends, store.heartbeat(stale), return_exceptions=True)
    assert [type(found) for found in done] == [LeaseLostError, *20 * [type(None)], LeaseLostError]
    assert [run.result.run_id for run in await store.runs()] == [run.id for run in await store.runs()]


async def test_controls_of_several_runs_are_read_together(store, make):
    ids = [(await store.create_run(make.spec())).id for _ in range(3)]
    first = [await store.add_control(ids[0], kind, "ann") for kind in (ControlKind.PAUSE, ControlKind.RESUME)]
    third = await store.add_control(ids[2], ControlKind.STOP, "bob")
    assert await store.pending_controls_of(ids) == {ids[0]: first, ids[2]: [third]}
    assert await store.pending_controls_of(ids[1:2]) == {}
