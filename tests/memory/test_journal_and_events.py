from __future__ import annotations

import asyncio

import pytest

from symposia.core.calls import Reply
from symposia.core.candidate import Score
from symposia.core.errors import StoreCorruptError, StoreError
from symposia.core.events import CandidateScored
from symposia.core.records import EntryStatus
from symposia.core.result import RunState
from symposia.memory.store import Store, this_process

ME = this_process()


@pytest.fixture
async def run(store, make):
    return await store.create_run(make.spec())


@pytest.fixture
async def lease(store, run):
    return await store.acquire(run.id, owner=ME)


async def test_entries_are_read_back_in_the_order_of_their_first_record(store, run, lease, make):
    await store.record(lease, [make.entry(index, "sent") for index in (2, 0, 1)])
    await store.record(lease, [make.entry(2, "done"), make.entry(0, "failed"), make.entry(1, "lost")])
    await store.record(lease, [make.entry(1, "done", attempt=1)])
    found = await store.journal(run.id)
    assert [(entry.key[-1], entry.attempt, entry.status) for entry in found] == [
        ("2", 0, EntryStatus.DONE),
        ("0", 0, EntryStatus.FAILED),
        ("1", 0, EntryStatus.LOST),
        ("1", 1, EntryStatus.DONE),
    ]
    assert found[0] == make.entry(2, "done")
    assert Reply.model_validate(found[0].response).choices[0].text == "4"


async def test_the_same_key_twice_in_one_record_ends_as_the_last(store, run, lease, make):
    await store.record(lease, [make.entry(0, "sent"), make.entry(0, "done")])
    assert await store.journal(run.id) == [make.entry(0, "done")]


async def test_recording_nothing_still_asks_for_the_lease(store, lease):
    assert await store.record(lease, []) == []


async def test_runs_do_not_see_each_other(store, run, lease, make):
    other = await store.create_run(make.spec())
    await store.record(lease, [make.entry()])
    store.append(lease, [make.added()])
    await store.flush(lease)
    assert await store.journal(other.id) == []
    assert await store.events(other.id) == []
    assert await store.candidates(other.id) == []
    assert await store.event_ids(other.id) == set()


async def test_events_are_written_soon_without_a_flush(store, run, lease, make, until):
    store.append(lease, [make.warned(index) for index in range(3)])
    assert await store.events(run.id) == []
    found = await until(lambda: store.events(run.id))
    assert [stored.seq for stored in found] == [1, 2, 3]
    assert [stored.event for stored in found] == [make.warned(index) for index in range(3)]


async def test_many_events_do_not_wait_for_the_clock(store, run, lease, make, until, monkeypatch):
    monkeypatch.setattr("symposia.memory.writer._EVENT_SECONDS", 1000)
    store.append(lease, [make.warned(index) for index in range(250)])
    await until(lambda: store.events(run.id, after=249))


async def test_events_repeated_are_dropped_and_leave_no_gap(store, run, lease, make):
    store.append(lease, [make.warned(0), make.warned(0, "again"), make.warned(1)])
    await store.flush(lease)
    store.append(lease, [make.warned(1), make.warned(2)])
    await store.flush(lease)
    found = await store.events(run.id)
    assert [stored.seq for stored in found] == [1, 2, 3]
    assert [stored.event for stored in found] == [make.warned(0), make.warned(1), make.warned(2)]
    assert await store.event_ids(run.id) == {make.warned(index).id for index in range(3)}


async def test_of_two_events_with_one_id_the_first_stays_in_its_place(store, run, lease, make):
    store.append(lease, [make.warned(0), make.warned(1), make.warned(0, "again"), make.warned(2)])
    await store.flush(lease)
    assert [stored.event for stored in await store.events(run.id)] == [make.warned(0), make.warned(1), make.warned(2)]


async def test_the_log_goes_on_where_the_last_holder_ended(store, run, lease, make):
    store.append(lease, [make.warned(0), make.warned(1)])
    await store.release(lease, RunState.INTERRUPTED, 1.0)
    again = await store.acquire(run.id, owner=ME)
    store.append(again, [make.warned(1), make.warned(2)])
    await store.flush(again)
    assert [stored.seq for stored in await store.events(run.id)] == [1, 2, 3]


async def test_events_can_be_read_from_a_place_and_in_pages(store, run, lease, make):
    store.append(lease, [make.warned(index) for index in range(10)])
    await store.flush()
    assert [stored.seq for stored in await store.events(run.id, after=4, limit=3)] == [5, 6, 7]
    assert await store.events(run.id, after=10) == []


async def test_candidates_follow_their_events(store, run, lease, make):
    store.append(lease, [make.added(1, "first"), make.finished(1), make.added(0, "second")])
    store.append(lease, [make.added(1, "rewritten", visit=1)])
    await store.flush(lease)
    assert [candidate.text for candidate in await store.candidates(run.id)] == ["rewritten", "second"]
    assert len(await store.events(run.id)) == 4


async def test_candidates_carry_the_scores_they_were_given(store, run, lease, make):
    first, second = make.added(0), make.added(1)
    scores = [Score(verifier="v", value=value) for value in (0.25, 0.75, None)]
    rated = [
        CandidateScored(node="score", index=0, candidate=first.candidate.id, score=scores[0]),
        CandidateScored(node="score", visit=1, index=0, candidate=first.candidate.id, score=scores[1]),
        CandidateScored(node="score", index=1, candidate=second.candidate.id, score=scores[2]),
        CandidateScored(node="score", index=2, candidate="of another run", score=scores[2]),
    ]
    store.append(lease, [first, second, *rated, rated[0], make.warned(0)])
    await store.flush(lease)
    found = await store.candidates(run.id)
    assert [candidate.scores for candidate in found] == [(scores[0], scores[1]), (scores[2],)]


async def test_deltas_show_the_last_text_until_the_candidate_is_there(store, run, lease, make, until):
    candidate = make.added().candidate
    for text in ("4", "4 ", "4 it is"):
        store.put_delta(run.id, candidate.id, text)
    store.put_delta(run.id, "another", "…")
    found = await until(lambda: store.deltas(run.id))
    assert found == {candidate.id: "4 it is", "another": "…"}
    store.put_delta(run.id, candidate.id, "too late")
    store.append(lease, [make.added()])
    await store.flush(lease)
    assert await store.deltas(run.id) == {"another": "…"}
    await store.release(lease, RunState.PAUSED, 0.0)
    assert await store.deltas(run.id) == {}


async def test_an_empty_delta_removes_the_text(store, run, lease, make, until):
    """What a verifier or a translator writes becomes no candidate: its text goes when its call has landed."""
    store.put_delta(run.id, "judge#0", "Yes, because")
    store.put_delta(run.id, "another", "…")
    assert await until(lambda: store.deltas(run.id)) == {"judge#0": "Yes, because", "another": "…"}
    store.put_delta(run.id, "judge#0", "")
    await store.flush(lease)
    assert await store.deltas(run.id) == {"another": "…"}


async def test_a_delta_of_no_run_harms_nobody(store, run, lease, make):
    store.put_delta("nothing", "key", "text")
    await store.record(lease, [make.entry()])
    assert await store.deltas("nothing") == {"key": "text"}


@pytest.mark.parametrize("text", ["\0", "a\0b", "\x1b[31m", "\u2028", "😀", "'; DROP TABLE runs; --", "x" * 2_000_000])
async def test_any_text_survives(store, run, lease, make, text):
    kept = await store.record(lease, [make.entry(text=text)])
    store.append(lease, [make.added(text=text)])
    await store.flush(lease)
    assert kept == await store.journal(run.id) == [make.entry(text=text)]
    assert (await store.candidates(run.id))[0].text == text


async def test_halves_of_surrogate_pairs_are_replaced_and_said_so(store, run, lease, make):
    entry = make.entry(text="a\ud800b", key="/k\udc00")
    kept = await store.record(lease, [entry])
    assert kept == await store.journal(run.id)
    assert kept[0].response["choices"][0]["text"] == "a\ufffdb"
    store.append(lease, [make.added(text="a\ud83d\ude00b")])
    store.put_delta(run.id, "k\ud800", "\ud800")
    await store.flush(lease)
    assert (await store.candidates(run.id))[0].text == "a😀b", "two halves that fit are one character"


async def test_what_is_no_json_is_refused_before_it_is_queued(store, run, lease, make):
    with pytest.raises(StoreError, match="cannot be stored as JSON"):
        await store.record(lease, [make.entry(0), make.entry(1, request={"thing": object()})])
    assert await store.journal(run.id) == []


async def test_an_unreadable_entry_is_named(store, run, lease, make):
    await store.record(lease, [make.entry()])
    await store._database.write(lambda connection: connection.exec_driver_sql("UPDATE journal SET body = '{'"))
    with pytest.raises(StoreCorruptError, match=f"journal entry /propose.0.0 of run {run.id} cannot be read"):
        await store.journal(run.id)


async def test_calls_of_a_wave_share_commits(kept, make):
    run = await kept.create_run(make.spec())
    lease = await kept.acquire(run.id, owner=ME)
    commits = 0
    write = kept._database.write

    async def counted(work):
        nonlocal commits
        commits += 1
        return await write(work)

    kept._database.write = counted
    await asyncio.gather(*(kept.record(lease, [make.entry(index)]) for index in range(64)))
    assert commits == 1
    assert len(await kept.journal(run.id)) == 64


async def test_a_cancelled_caller_disturbs_nobody(kept, make):
    run = await kept.create_run(make.spec())
    lease = await kept.acquire(run.id, owner=ME)
    tasks = [asyncio.create_task(kept.record(lease, [make.entry(index)])) for index in range(8)]
    reads = [asyncio.create_task(kept.journal(run.id)) for _ in range(8)]
    await asyncio.sleep(0)
    for task in (*tasks[::2], *reads[::2]):
        task.cancel()
    await asyncio.gather(*tasks[1::2], *reads[1::2])
    await asyncio.gather(*tasks, *reads, return_exceptions=True)
    await kept.flush(lease)
    assert len(await kept.journal(run.id)) == 8, "a caller that is gone leaves its entries to be written"


async def test_closing_writes_what_is_queued(place, make):
    async with await Store.open(place) as store:
        run = await store.create_run(make.spec())
        lease = await store.acquire(run.id, owner=ME)
        store.append(lease, [make.warned()])
    await store.close()  # a second time
    for write in (lambda: store.append(lease, [make.warned(1)]), lambda: store.put_delta(run.id, "key", "text")):
        with pytest.raises(StoreError, match="the store is closed"):
            write()
    with pytest.raises(StoreError, match="the store is closed"):
        await store.record(lease, [make.entry()])
    async with await Store.open(place) as store:
        assert len(await store.events(run.id)) == 1


async def test_a_closed_file_is_not_read(path):
    store = await Store.open(path)
    await store.close()
    with pytest.raises(StoreError, match="the store is closed"):
        await store.runs()


async def test_a_writer_that_breaks_leaves_nobody_waiting(store, run, lease, make, monkeypatch):
    def broken(*_arguments):
        raise RuntimeError("a bug")

    monkeypatch.setattr(store._writer, "_apply", broken)
    done = await asyncio.gather(store.record(lease, [make.entry()]), store.flush(), return_exceptions=True)
    assert [str(error) for error in done] == ["the store's writer failed: RuntimeError('a bug')"] * 2
    with pytest.raises(StoreError, match="a bug"):
        await store.record(lease, [make.entry()])
