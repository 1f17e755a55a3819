from __future__ import annotations

import asyncio

import pytest

from symposia.core.errors import RunNotFoundError, StoreError
from symposia.core.records import ControlKind
from symposia.memory.store import this_process


async def test_controls_are_numbered_and_wait_their_turn(store, make):
    run, other = [await store.create_run(make.spec()) for _ in range(2)]
    asked = await asyncio.gather(*(store.add_control(run.id, kind, "ann") for kind in ControlKind))
    assert [record.seq for record in asked] == [*range(1, len(ControlKind) + 1)]
    assert (await store.add_control(other.id, ControlKind.STOP, "bob")).seq == 1
    assert await store.pending_controls(run.id) == asked


async def test_a_control_is_consumed_once_and_then_cannot_be_taken_back(store, make):
    run = await store.create_run(make.spec())
    lease = await store.acquire(run.id, owner=this_process())
    wish = await store.add_control(run.id, ControlKind.PAUSE, "ann")
    assert await store.consume_control(lease, wish.seq)
    assert await store.consume_control(lease, wish.seq), "asking again after a crash is fine"
    assert not await store.withdraw_control(run.id, wish.seq)
    assert await store.pending_controls(run.id) == []


async def test_a_control_that_was_taken_back_is_not_consumed(store, make):
    run = await store.create_run(make.spec())
    lease = await store.acquire(run.id, owner=this_process())
    wish = await store.add_control(run.id, ControlKind.STOP, "ann")
    assert await store.withdraw_control(run.id, wish.seq)
    assert await store.withdraw_control(run.id, wish.seq)
    assert not await store.consume_control(lease, wish.seq)
    assert await store.pending_controls(run.id) == []


async def test_no_run_and_no_control(store, make):
    with pytest.raises(RunNotFoundError):
        await store.add_control("nothing", ControlKind.STOP, "ann")
    run = await store.create_run(make.spec())
    with pytest.raises(StoreError, match="has no control 5"):
        await store.withdraw_control(run.id, 5)
