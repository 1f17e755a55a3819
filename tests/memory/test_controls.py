from __future__ import annotations

import asyncio

import pytest

from symposia.core.budget import Budget
from symposia.core.errors import ConfigError, LeaseLostError, RunNotFoundError, StoreError
from symposia.core.records import ControlKind
from symposia.core.result import RunState
from symposia.memory.store import this_process

PLAIN = (ControlKind.PAUSE, ControlKind.PAUSE_NOW, ControlKind.RESUME, ControlKind.STOP)
"""Kinds that say nothing beside themselves."""


async def test_controls_are_numbered_and_wait_their_turn(store, make):
    run, other = [await store.create_run(make.spec()) for _ in range(2)]
    asked = await asyncio.gather(*(store.add_control(run.id, kind, "ann") for kind in PLAIN))
    assert [record.seq for record in asked] == [*range(1, len(PLAIN) + 1)]
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


async def test_a_wish_keeps_what_it_says_but_no_secret(store, make):
    run = await store.create_run(make.spec())
    told = await store.add_control(
        run.id, ControlKind.STEER, "ann", text="the key is sk-abcdefghijklmnopqrstuvwxyz123456; be brief"
    )
    caps = await store.add_control(run.id, ControlKind.RETUNE, "ann", budget=Budget(calls=5, dollars=0.5))
    assert "sk-abc" not in told.text
    assert told.text.endswith("; be brief")
    assert caps.budget == Budget(calls=5, dollars=0.5)
    assert await store.pending_controls(run.id) == [told, caps]


@pytest.mark.parametrize(
    ("kind", "said", "message"),
    [
        (ControlKind.STEER, {"text": "  "}, "nothing to steer: the text is empty"),
        (ControlKind.QUEUE, {}, "nothing to queue: the text is empty"),
        (ControlKind.QUEUE, {"text": "x" * 200_001}, "200,001 characters, more than the 200,000 allowed"),
        (ControlKind.RETUNE, {}, r"no cap is given.*calls=50"),
        (ControlKind.RETUNE, {"budget": Budget()}, "no cap is given"),
    ],
)
async def test_a_wish_that_says_nothing_is_refused(filed, make, kind, said, message):
    run = await filed.create_run(make.spec())
    with pytest.raises(ConfigError, match=message):
        await filed.add_control(run.id, kind, "ann", **said)
    assert await filed.pending_controls(run.id) == []


async def test_nothing_can_be_asked_of_a_run_that_has_ended(store, make):
    run = await store.create_run(make.spec())
    lease = await store.acquire(run.id, owner=this_process())
    before = await store.add_control(run.id, ControlKind.QUEUE, "ann", text="and then?")
    await store.finish(lease, RunState.FINISHED, make.result(run.id), 1.0)
    with pytest.raises(ConfigError, match=r"has ended, so it cannot pause now.*symposia run fork"):
        await store.add_control(run.id, ControlKind.PAUSE_NOW, "ann")
    assert await store.pending_controls(run.id) == [before]


async def test_wishes_and_the_entry_that_follows_from_them_are_committed_together(store, make):
    run = await store.create_run(make.spec())
    lease = await store.acquire(run.id, owner=this_process())
    kept, gone = [await store.add_control(run.id, ControlKind.STEER, "ann", text=text) for text in ("kept", "gone")]
    await store.withdraw_control(run.id, gone.seq)
    entry = await store.take_up(lease, [kept.seq, gone.seq], lambda taken: make.entry(0, response={"taken": list(taken)}))
    assert entry is not None
    assert entry.response == {"taken": [kept.seq]}
    assert await store.journal(run.id) == [entry]
    assert await store.pending_controls(run.id) == []
    assert await store.take_up(lease, [gone.seq], lambda _: make.entry(1)) is None
    assert await store.journal(run.id) == [entry]


async def test_who_has_lost_the_run_takes_nothing_up(store, make):
    run = await store.create_run(make.spec())
    old = await store.acquire(run.id, owner="elsewhere:1:1", ttl=0)
    await store.acquire(run.id, owner=this_process())
    wish = await store.add_control(run.id, ControlKind.STEER, "ann", text="be brief")
    with pytest.raises(LeaseLostError):
        await store.take_up(old, [wish.seq], lambda _: make.entry())
    assert await store.pending_controls(run.id) == [wish]
    assert await store.journal(run.id) == []


async def test_what_is_queued_becomes_one_run_and_the_rest_moves_on_to_it(store, make):
    run = await store.create_run(make.spec())
    lease = await store.acquire(run.id, owner=this_process())
    await store.add_control(run.id, ControlKind.STEER, "ann", text="too late")
    first, *_ = [await store.add_control(run.id, ControlKind.QUEUE, "ann", text=text) for text in "abc"]
    spec = make.spec(follows=run.id)
    assert await store.follow_run(run.id, first, spec) is None, "the run goes on"
    await store.finish(lease, RunState.FINISHED, make.result(run.id), 1.0)
    made = await store.follow_run(run.id, first, spec)
    assert made is not None
    assert (made.spec.follows, made.state) == (run.id, RunState.QUEUED)
    assert [(wish.seq, wish.text) for wish in await store.pending_controls(made.id)] == [(1, "b"), (2, "c")]
    assert [wish.kind for wish in await store.pending_controls(run.id)] == [ControlKind.STEER]
    assert await store.follow_run(run.id, first, spec) is None, "it was taken up"
    assert len(await store.runs()) == 2
    (told,) = await store.events(run.id)
    assert (told.event.kind, told.event.text, told.event.index) == ("queue", "a", first.seq)
    assert await store.taken_up(run.id) == [told.event]
