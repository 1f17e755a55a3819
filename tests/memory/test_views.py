from __future__ import annotations

import asyncio

import pytest

from symposia.core.errors import RunNotFoundError, StoreError
from symposia.core.events import EVENT
from symposia.core.records import Fold, RunGlance
from symposia.core.result import RunState
from symposia.memory.store import Store, this_process


async def test_glances_tell_what_the_records_tell(store, make):
    queued = await store.create_run(make.spec())
    held = await store.create_run(make.spec())
    lease = await store.acquire(held.id, owner=this_process())
    store.append(lease, [make.warned(index) for index in range(3)])
    await store.flush(lease)
    gone = await store.create_run(make.spec())
    await store.acquire(gone.id, owner="elsewhere:1:1", ttl=0)
    ended = await store.create_run(make.spec())
    done = await store.acquire(ended.id, owner=this_process())
    await store.finish(done, RunState.FINISHED, make.result(ended.id), 2.5)

    glances = await store.glances(10)
    assert [(each.id, each.state, each.events) for each in glances] == [
        (ended.id, RunState.FINISHED, 0),
        (gone.id, RunState.INTERRUPTED, 0),
        (held.id, RunState.RUNNING, 3),
        (queued.id, RunState.QUEUED, 0),
    ]
    for glance, record in zip(glances, await store.runs(), strict=True):
        same = set(RunGlance._fields) - {"events"}
        assert {name: getattr(glance, name) for name in same} == {name: getattr(record, name) for name in same}


async def test_glances_go_on_after_the_last_one_and_leave_experiments_out(store, make):
    await store.create_experiment("spring", {})
    made = [(await store.create_run(make.spec())).id for _ in range(5)]
    await store.create_run(make.spec(experiment="spring"))
    first = await store.glances(3)
    rest = await store.glances(3, after=first[-1])
    assert [each.id for each in (*first, *rest)] == made[::-1]
    assert await store.glances(3, after=rest[-1]) == []


async def test_records_come_in_the_order_asked_without_those_that_are_gone(store, make):
    a, b = [await store.create_run(make.spec(question)) for question in ("one?", "two?")]
    assert await store.records([b.id, "nothing", a.id]) == [b, a]
    assert await store.records([]) == []


async def test_raw_events_say_what_events_say(store, make):
    run = await store.create_run(make.spec())
    lease = await store.acquire(run.id, owner=this_process())
    store.append(lease, [make.warned(index) for index in range(5)])
    await store.flush(lease)
    raw = await store.raw_events(run.id, after=1, limit=3)
    assert [(each.seq, each.at, EVENT.validate_json(each.body)) for each in raw] == [
        (each.seq, each.at, each.event) for each in await store.events(run.id, after=1, limit=3)
    ]
    assert [each.seq for each in raw] == [2, 3, 4]


async def test_a_fold_is_overwritten_and_of_use_in_its_version_only(store, make):
    run, other = [await store.create_run(make.spec()) for _ in range(2)]
    assert await store.fold(run.id, "live", 1) is None
    await store.put_fold(run.id, "live", 1, 10, b"\0ten")
    await store.put_fold(run.id, "live", 1, 20, b"\xfftwenty")
    await store.put_fold(run.id, "trace", 1, 5, b"")
    assert await store.fold(run.id, "live", 1) == Fold(20, b"\xfftwenty")
    assert await store.fold(run.id, "trace", 1) == Fold(5, b"")
    assert await store.fold(other.id, "live", 1) is None
    await store.put_fold(run.id, "live", 2, 3, b"new")
    assert await store.fold(run.id, "live", 1) is None
    assert await store.fold(run.id, "live", 2) == Fold(3, b"new")


async def test_folds_go_with_their_run_and_are_in_no_copy(store, make):
    run = await store.create_run(make.spec())
    await store.put_fold(run.id, "live", 1, 10, b"ten")
    lines = [line async for line in store.export_run(run.id)]
    copy = await store.import_run(lines)
    fork = await store.fork_run(make.spec(), [])
    for each in (copy, fork):
        assert await store.fold(each.id, "live", 1) is None
    await store.remove_runs([run.id])
    with pytest.raises(RunNotFoundError):
        await store.put_fold(run.id, "live", 1, 10, b"ten")
    assert await store.fold(run.id, "live", 1) is None


async def test_a_fold_of_no_run_fails_nobody_else(store, make):
    run = await store.create_run(make.spec())
    lease = await store.acquire(run.id, owner=this_process())
    fold, kept = await asyncio.gather(
        store.put_fold("nothing", "live", 1, 1, b""), store.record(lease, [make.entry()]), return_exceptions=True
    )
    assert isinstance(fold, RunNotFoundError)
    assert kept == await store.journal(run.id) == [make.entry()]


async def test_a_store_that_cannot_be_written_can_be_looked_at(filed: Store, make):
    run = await filed.create_run(make.spec())
    await filed.put_fold(run.id, "live", 1, 10, b"ten")
    pages = await filed._database.write(lambda it: it.exec_driver_sql("PRAGMA page_count").scalar())
    await filed._database.write(lambda it: it.exec_driver_sql(f"PRAGMA max_page_count={pages}"))
    with pytest.raises(StoreError, match="no space left"):
        await filed.put_fold(run.id, "live", 1, 20, b"x" * 1_000_000)
    assert await filed.fold(run.id, "live", 1) == Fold(10, b"ten")
    assert [each.id for each in await filed.glances(5)] == [run.id]
