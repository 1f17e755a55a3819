from __future__ import annotations

import time

import pytest
from sqlalchemy import func, select

from symposia.core.errors import LeaseHeldError, RunNotFoundError
from symposia.core.records import ControlKind
from symposia.core.result import RunState
from symposia.memory import schema
from symposia.memory.store import Store, this_process


async def filled(store: Store, make, run_id: str, *, done: bool = True):
    """A run with something in every table, finished or being executed."""
    run = await store.create_run(make.spec(), id=run_id)
    lease = await store.acquire(run.id, owner=this_process())
    await store.record(lease, [make.entry(0, text="x" * 2000), make.entry(1)])
    store.append(lease, [make.warned(), make.added(0)])
    await store.add_control(run.id, ControlKind.PAUSE, "me")
    await store.put_fold(run.id, "live", 1, 1, b"view")
    store.put_delta(run.id, "key", "text")
    await store.flush(lease)
    if done:
        await store.finish(lease, RunState.FINISHED, make.result(run.id), 1.0)
    return lease


TABLES = (schema.journal, schema.events, schema.candidates, schema.controls, schema.folds, schema.deltas)


async def rows(store: Store, run_id: str) -> dict[str, int]:
    """Rows that name a run, by table."""

    def count(connection):
        return {table.name: connection.execute(select(func.count()).where(table.c.run_id == run_id)).scalar() for table in TABLES}

    return await store._database.read(count)


async def test_a_removed_run_leaves_nothing_and_others_stay(store, make):
    await filled(store, make, "gone")
    await filled(store, make, "stays")
    before = await rows(store, "stays")
    assert all(count for name, count in before.items() if name != "deltas")
    await store.remove_runs(["gone"])
    assert set((await rows(store, "gone")).values()) == {0}
    assert await rows(store, "stays") == before
    with pytest.raises(RunNotFoundError):
        await store.run("gone")


async def test_texts_being_written_go_too(store, make):
    lease = await filled(store, make, "mine", done=False)
    await store.set_state(lease, RunState.PAUSED)
    store.put_delta("mine", "another", "text")
    await store.release(lease, RunState.INTERRUPTED, 1.0)
    store.put_delta("mine", "straggler", "text")
    await store.flush()
    await store.remove_runs(["mine"])
    assert await store.deltas("mine") == {}


async def test_a_run_that_is_executed_is_refused_and_so_are_the_others(store, make):
    await filled(store, make, "finished")
    await filled(store, make, "running", done=False)
    with pytest.raises(LeaseHeldError, match="run stop running"):
        await store.remove_runs(["finished", "running"])
    assert (await store.run("finished")).state is RunState.FINISHED


async def test_an_unknown_run_is_refused(store, make):
    await filled(store, make, "known")
    with pytest.raises(RunNotFoundError, match="nothing was removed"):
        await store.remove_runs(["known", "unknown"])
    assert await store.run("known")


async def test_which_runs_are_old(store, make):
    for number in range(4):
        await filled(store, make, f"done{number}")
    queued = await store.create_run(make.spec())
    finished = {RunState.FINISHED}
    assert [run.id for run in await store.old_runs(finished)] == ["done3", "done2", "done1", "done0"]
    assert [run.id for run in await store.old_runs(finished, keep=3)] == ["done0"]
    assert await store.old_runs(finished, before=time.time() - 60) == []
    assert len(await store.old_runs(finished, before=time.time() + 60, keep=1)) == 3
    assert [run.id for run in await store.old_runs({RunState.QUEUED})] == [queued.id]


async def test_a_run_whose_process_is_gone_counts_as_interrupted(store, make):
    run = await store.create_run(make.spec())
    await store.acquire(run.id, owner="elsewhere:1:1", ttl=-1)
    assert await store.old_runs({RunState.RUNNING}) == []
    (found,) = await store.old_runs({RunState.INTERRUPTED})
    assert found.id == run.id


async def test_the_file_gets_smaller(filed, make, path):
    for number in range(30):
        await filled(filed, make, f"run{number}")
    await filed.remove_runs([f"run{number}" for number in range(30)])
    await filed.compact()
    small = path.stat().st_size
    for number in range(30):
        await filled(filed, make, f"run{number}")
    await filed.remove_runs([f"run{number}" for number in range(30)])
    freed = await filed.compact()
    assert freed > 30_000
    assert path.stat().st_size <= small
    assert b"x" * 2000 not in b"".join(file.read_bytes() for file in path.parent.iterdir()), "what was removed is not left lying"


async def test_a_fork_and_its_journal_are_one(store, make):
    entries = [make.entry(0), make.entry(1, "lost"), make.entry(1, attempt=1)]
    fork = await store.fork_run(make.spec(), entries)
    assert fork.state is RunState.QUEUED
    assert await store.journal(fork.id) == entries
    lease = await store.acquire(fork.id, owner=this_process())
    await store.record(lease, [make.entry(2)])
    assert [entry.key for entry in await store.journal(fork.id)] == [entry.key for entry in [*entries, make.entry(2)]]
    with pytest.raises(Exception, match="cannot be used"):
        await store.fork_run(make.spec(), [make.entry(0), make.entry(0)])
    assert len(await store.runs()) == 1
