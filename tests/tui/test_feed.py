"""Following runs through a real store, which may fail."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from symposia.core.calls import CallFailure
from symposia.core.errors import StoreUnreachableError
from symposia.core.events import CallFailed, Event, RunStarted, Warned
from symposia.core.problem import Problem
from symposia.core.records import ControlKind, Lease, RunSpec
from symposia.core.result import RunState
from symposia.memory.store import Store
from symposia.testing import fake_spec
from symposia.tui import feed as feeding
from symposia.tui.feed import Feed
from symposia.tui.roster import Roster
from symposia.tui.store import snapshot


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    async with await Store.open(tmp_path / "runs.db") as opened:
        yield opened


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_EVERY", "_EVERY_ENDED"):
        monkeypatch.setattr(feeding, name, 0.01)


async def begin(store: Store, question: str = "6 * 7?") -> Lease:
    spec = RunSpec(problem=Problem.of(question), strategy="greedy", models={"policy": fake_spec()}, version="0")
    _, lease = await store.begin_run(spec, owner="somebody")
    return lease


async def put(store: Store, lease: Lease, *events: Event) -> None:
    store.append(lease, events)
    await store.flush(lease)


async def until(reached: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not reached():
            await asyncio.sleep(0.005)


def warnings(count: int) -> list[Event]:
    return [Warned(code="x", message=str(index), index=index) for index in range(count)]


async def test_a_run_is_followed_while_another_writes_it_and_after_its_end(store: Store) -> None:
    lease = await begin(store)
    feed = Feed(store, lease.run_id[:8], lambda: None)
    following = asyncio.create_task(feed.run())
    await put(store, lease, RunStarted(strategy="greedy", models={"policy": "fake"}))
    store.put_delta(lease.run_id, "greedy/propose.0.0#0", "six times")
    await store.add_control(lease.run_id, ControlKind.PAUSE, "ada")
    await until(lambda: bool(feed.texts and feed.wishes))
    assert feed.run_id == lease.run_id
    assert feed.view.strategy == "greedy"
    assert not feed.ended
    await store.release(lease, RunState.INTERRUPTED, 1.0)
    await until(lambda: feed.ended)
    assert feed.texts == {}
    again = await store.acquire(lease.run_id, owner="another")  # somebody resumes it
    await put(store, again, *warnings(1))
    await until(lambda: not feed.ended and len(feed.view.notes) == 1)
    following.cancel()


async def test_a_long_run_is_read_in_pages_and_the_next_look_begins_with_a_snapshot(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeding, "PAGE", 10)
    monkeypatch.setattr(snapshot, "EVERY", 20)
    lease = await begin(store)
    await put(store, lease, *warnings(65))
    behind = []
    feed = Feed(store, lease.run_id, lambda: behind.append(feed.behind))
    following = asyncio.create_task(feed.run())
    await until(lambda: feed.view.seq == 65 and not feed.behind)
    following.cancel()
    assert behind.count(True) >= 5
    kept = await store.fold(lease.run_id, snapshot.NAME, snapshot.VERSION)
    assert kept is not None
    assert kept.seq == 40  # at 20 and 40: each twice as far as the one before
    reads: list[int] = []
    plain = store.events

    async def events(run_id: str, *, after: int = 0, limit: int | None = None) -> Any:
        reads.append(after)
        return await plain(run_id, after=after, limit=limit)

    monkeypatch.setattr(store, "events", events)
    second = Feed(store, lease.run_id, lambda: None)
    following = asyncio.create_task(second.run())
    await until(lambda: second.view.seq == 65)
    following.cancel()
    assert reads[0] == 40
    assert second.view == feed.view


async def test_a_snapshot_that_cannot_be_read_or_written_is_done_without(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "EVERY", 5)
    lease = await begin(store)
    await put(store, lease, *warnings(12))
    await store.put_fold(lease.run_id, snapshot.NAME, snapshot.VERSION, 9, b"what is this")

    async def refuse(*_: Any) -> None:
        raise StoreUnreachableError("the store is full")

    monkeypatch.setattr(store, "put_fold", refuse)
    feed = Feed(store, lease.run_id, lambda: None)
    following = asyncio.create_task(feed.run())
    await until(lambda: feed.view.seq == 12)
    assert feed.fault is None
    following.cancel()


async def test_a_store_that_fails_is_tried_again_and_nothing_that_was_shown_is_lost(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = await begin(store)
    await put(store, lease, CallFailed(role="policy", model="m", failure=CallFailure(code="x", message="y", retryable=False)))
    feed = Feed(store, lease.run_id, lambda: None)
    following = asyncio.create_task(feed.run())
    await until(lambda: feed.view.seq == 1)
    plain, broken = store.events, [True]

    async def events(*given: Any, **named: Any) -> Any:
        if broken:
            raise StoreUnreachableError("the store is locked")
        return await plain(*given, **named)

    monkeypatch.setattr(store, "events", events)
    await until(lambda: feed.fault is not None)
    assert feed.fault is not None
    assert "locked" in feed.fault
    assert feed.view.seq == 1
    await put(store, lease, *warnings(1))
    broken.clear()
    await until(lambda: feed.fault is None and feed.view.seq == 2)
    following.cancel()


async def test_a_run_that_is_not_there_says_so_and_ends(store: Store) -> None:
    feed = Feed(store, "nothing", lambda: None)
    async with asyncio.timeout(30):
        await feed.run()
    assert feed.fault is not None
    assert "nothing" in feed.fault


async def test_the_roster_reads_again_only_what_is_new(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await begin(store)
    roster = Roster(store, lambda: None)
    assert await roster.look()
    assert not await roster.look()
    second = await begin(store, "another?")
    asked: list[list[str]] = []
    plain = store.records

    async def records(run_ids: list[str]) -> Any:
        asked.append(list(run_ids))
        return await plain(run_ids)

    monkeypatch.setattr(store, "records", records)
    assert await roster.look()
    assert asked == [[second.run_id]]
    await store.release(first, RunState.INTERRUPTED, 1.0)
    assert await roster.look()
    assert asked[1] == [first.run_id]
    assert [record.state for record in roster.records] == [RunState.RUNNING, RunState.INTERRUPTED]
    await store.release(second, RunState.INTERRUPTED, 1.0)
    await store.remove_runs([first.run_id])
    assert await roster.look()
    assert [record.id for record in roster.records] == [second.run_id]
