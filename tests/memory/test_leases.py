from __future__ import annotations

import asyncio
import os
import socket

import psutil
import pytest

from symposia.core.errors import LeaseHeldError, LeaseLostError, RunNotFoundError
from symposia.core.records import Lease
from symposia.core.result import RunState
from symposia.memory.leases import is_live
from symposia.memory.store import Store, this_process

ME = this_process()
ELSEWHERE = "elsewhere:1:1"


async def test_acquire_marks_the_run_running_and_names_the_owner(store, make):
    run = await store.create_run(make.spec())
    lease = await store.acquire(run.id, owner=ME)
    assert lease == Lease(run_id=run.id, owner=ME, fence=1)
    found = await store.run(run.id)
    assert found.state is RunState.RUNNING
    assert found.owner == f"{socket.gethostname()}:{os.getpid()}"


async def test_a_live_lease_is_refused_to_everybody(store, make):
    run = await store.create_run(make.spec())
    await store.acquire(run.id, owner=ME)
    for owner in (ELSEWHERE, ME):
        with pytest.raises(LeaseHeldError, match=f"run {run.id} is being executed by {socket.gethostname()}:{os.getpid()} "):
            await store.acquire(run.id, owner=owner)


async def test_no_run_no_lease(store):
    with pytest.raises(RunNotFoundError):
        await store.acquire("nothing", owner=ME)


async def test_two_stores_on_one_file_take_a_lease_once(place, make):
    async with await Store.open(place) as one, await Store.open(place) as two:
        ids = [(await one.create_run(make.spec())).id for _ in range(20)]
        for run_id in ids:
            taken = await asyncio.gather(
                *(store.acquire(run_id, owner=owner) for store, owner in ((one, ME), (two, ELSEWHERE))), return_exceptions=True
            )
            assert sorted(type(found).__name__ for found in taken) == ["Lease", "LeaseHeldError"]


async def test_an_expired_lease_is_taken_over_and_fences_the_old_holder_out(place, make):
    async with await Store.open(place) as one, await Store.open(place) as two:
        run = await one.create_run(make.spec())
        old = await one.acquire(run.id, owner=ELSEWHERE, ttl=0.05)
        await one.record(old, [make.entry(0)])
        await asyncio.sleep(0.06)
        assert (await two.run(run.id)).state is RunState.INTERRUPTED
        await one.record(old, [make.entry(1)])  # expired, but nobody took it: still its own
        new = await two.acquire(run.id, owner=ME)
        assert new.fence == old.fence + 1
        for write in (
            lambda: one.record(old, [make.entry(2)]),
            lambda: one.heartbeat(old),
            lambda: one.set_state(old, RunState.PAUSED),
            lambda: one.release(old, RunState.INTERRUPTED, 1.0),
            lambda: one.finish(old, RunState.FINISHED, make.result(run.id), 1.0),
            lambda: one.flush(old),
            lambda: one.consume_control(old, 1),
        ):
            with pytest.raises(LeaseLostError, match=f"run {run.id} is no longer executed by this process"):
                await write()
        one.append(old, [make.warned()])
        await one.flush()
        assert await two.events(run.id) == []
        assert [entry.key for entry in await two.journal(run.id)] == [make.entry(0).key, make.entry(1).key]
        found = await two.run(run.id)
        assert (found.state, found.result) == (RunState.RUNNING, None)


async def test_a_stale_lease_fails_alone_in_its_batch(store, make):
    runs = [await store.create_run(make.spec()) for _ in range(3)]
    leases = [await store.acquire(run.id, owner=ME) for run in runs]
    stale = leases[1].model_copy(update={"fence": 7})
    store.append(stale, [make.warned(1)])
    store.append(leases[2], [make.warned(2)])
    done = await asyncio.gather(
        *(store.record(lease, [make.entry()]) for lease in (leases[0], stale, leases[2])), return_exceptions=True
    )
    assert isinstance(done[1], LeaseLostError)
    assert isinstance(done[0], list)
    assert isinstance(done[2], list)
    assert [len(await store.journal(run.id)) for run in runs] == [1, 0, 1]
    assert [len(await store.events(run.id)) for run in runs] == [0, 0, 1]


async def test_heartbeats_keep_a_lease(store, make):
    run = await store.create_run(make.spec())
    lease = await store.acquire(run.id, owner=ELSEWHERE, ttl=0.05)
    await store.heartbeat(lease, ttl=30)
    await asyncio.sleep(0.06)
    with pytest.raises(LeaseHeldError):
        await store.acquire(run.id, owner=ME)


async def test_release_frees_at_once_and_may_be_said_twice(store, make):
    run = await store.create_run(make.spec())
    lease = await store.acquire(run.id, owner=ME)
    await store.finish(lease, RunState.FINISHED, make.result(run.id), 3.0)
    await store.release(lease, RunState.INTERRUPTED, 1.0)
    found = await store.run(run.id)
    assert (found.state, found.elapsed) == (RunState.FINISHED, 3.0), "a release after the end changes nothing"
    with pytest.raises(LeaseLostError):
        await store.record(lease, [make.entry()])
    again = await store.acquire(run.id, owner=ME)
    assert again.fence == lease.fence + 1
    with pytest.raises(LeaseLostError):
        await store.release(lease, RunState.PAUSED, 1.0)


async def test_the_lease_of_a_dead_process_of_this_host_is_free_at_once(store, make, spawn, until):
    child = spawn("print(this_process(), flush=True); sys.stdin.read()")
    try:
        owner = child.stdout.readline().strip()
        run = await store.create_run(make.spec())
        await store.acquire(run.id, owner=owner, ttl=600)
        assert (await store.run(run.id)).state is RunState.RUNNING
        with pytest.raises(LeaseHeldError):
            await store.acquire(run.id, owner=ME)
        child.kill()
        await until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
        found = await store.run(run.id)  # a zombie, which nobody has waited for yet, executes nothing
        assert (found.state, found.owner) == (RunState.INTERRUPTED, None)
    finally:
        child.kill()
        child.communicate()
    assert (await store.acquire(run.id, owner=ME)).fence == 2


@pytest.mark.parametrize(
    ("owner", "live"),
    [
        (ME, True),
        (ME.rsplit(":", 1)[0] + ":12345", False),  # the pid was given to another process
        (f"{socket.gethostname()}:999999999:1", False),
        ("elsewhere:999999999:1", True),  # cannot be told from here
        ("no-process", True),
        (f"{socket.gethostname()}:x:y", True),
        (None, False),
    ],
    ids=["me", "pid reused", "pid gone", "another host", "no process", "odd process", "nobody"],
)
def test_who_counts_as_alive(owner, live):
    assert is_live(owner, 2.0, 1.0) is live
    assert is_live(owner, 1.0, 1.0) is False


async def test_a_paused_run_whose_process_died_is_interrupted_but_a_released_one_is_paused(store, make):
    run = await store.create_run(make.spec())
    lease = await store.acquire(run.id, owner=ELSEWHERE, ttl=60)
    await store.set_state(lease, RunState.PAUSED)
    assert (await store.run(run.id)).state is RunState.PAUSED
    await store.heartbeat(lease, ttl=0)
    assert (await store.run(run.id)).state is RunState.INTERRUPTED
    await store.release(lease, RunState.PAUSED, 0.0)
    assert (await store.run(run.id)).state is RunState.PAUSED


async def test_a_beat_in_the_batch_of_the_end_does_not_revive_the_lease(store, make):
    run = await store.create_run(make.spec())
    lease = await store.acquire(run.id, owner=ME)
    end = store.finish(lease, RunState.FINISHED, make.result(run.id), 1.0)
    done = await asyncio.gather(end, store.heartbeat(lease), return_exceptions=True)
    assert [type(found) for found in done] == [type(None), LeaseLostError]
    assert (await store.run(run.id)).owner is None
