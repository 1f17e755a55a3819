from __future__ import annotations

import json

import pytest

from symposia.core.errors import RunNotFoundError, StoreError
from symposia.core.result import RunState
from symposia.memory import transfer
from symposia.memory.store import Store, this_process


@pytest.fixture
async def lines(tmp_path, make) -> list[str]:
    """A finished run with everything in it, from a store of its own."""
    async with await Store.open(tmp_path / "source.db") as store:
        run = await store.create_run(make.spec("Wie viel ist 2 + 2?\u2028 \0"), id="mine")
        lease = await store.acquire(run.id, owner=this_process())
        await store.record(lease, [make.entry(0), make.entry(1, "failed"), make.entry(1, attempt=1, text="vier\n„4“")])
        store.append(lease, [make.warned(), make.added(0), make.added(1), make.added(1, "later", visit=1)])
        await store.finish(lease, RunState.FINISHED, make.result(run.id), 1.25)
        return [line async for line in store.export_run("mine")]


async def test_a_run_travels_whole(lines, store, make):
    assert "".join(lines).splitlines(keepends=True) == lines, "also for those who count U+2028 as a line break"
    assert len(lines) == 1 + 3 + 4 + 1
    record = await store.import_run(lines)
    assert (record.id, record.state, record.elapsed) == ("mine", RunState.FINISHED, 1.25)
    assert record.result == make.result("mine")
    assert [candidate.text for candidate in await store.candidates("mine")] == ["4", "later"]
    assert [line async for line in store.export_run("mine")] == lines


async def test_the_other_order_of_lines_is_one_stream(lines, store):
    async def stream():
        for line in lines:
            yield line

    assert (await store.import_run(stream())).id == "mine"


async def test_an_id_that_is_taken_is_replaced_also_in_the_result(lines, store):
    first = await store.import_run(lines)
    second = await store.import_run(lines)
    assert second.id not in {first.id, ""}
    assert second.result.run_id == second.id
    assert await store.journal(second.id) == await store.journal(first.id)
    assert await store.events(second.id) == await store.events(first.id)


async def test_a_run_being_executed_arrives_interrupted(place, make):
    async with await Store.open(place) as store, await Store.open(":memory:") as other:
        run = await store.create_run(make.spec())
        await store.acquire(run.id, owner=this_process())
        record = await other.import_run([line async for line in store.export_run(run.id)])
    assert (record.state, record.owner) == (RunState.INTERRUPTED, None)


async def test_a_long_run_is_exported_in_pages_as_it_stood(kept, make, monkeypatch):
    monkeypatch.setattr(transfer, "_PAGE", 7)
    run = await kept.create_run(make.spec())
    lease = await kept.acquire(run.id, owner=this_process())
    await kept.record(lease, [make.entry(index) for index in range(20)])
    kept.append(lease, [make.warned(index) for index in range(21)])
    await kept.flush(lease)
    found = []
    async for line in kept.export_run(run.id):
        if not found:
            await kept.record(lease, [make.entry(99)])
            kept.append(lease, [make.warned(99)])
            await kept.flush(lease)
        found.append(json.loads(line))
    assert found[-1] == {"end": {"journal": 20, "events": 21}}
    assert len(found) == 43


async def test_no_run_to_export(store):
    with pytest.raises(RunNotFoundError):
        async for _ in store.export_run("nothing"):
            pass


def _edit(lines: list[str], at: int, **changes: object) -> list[str]:
    value = json.loads(lines[at])
    (name,) = set(value) & {"journal", "event", "end"}
    value[name] |= changes
    return [*lines[:at], json.dumps(value), *lines[at + 1 :]]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda lines: [], "it is empty"),
        (lambda lines: lines[:-1], "the file ends after line 8 without its last line: it was cut"),
        (lambda lines: [*lines[:4], lines[4][:-30]], "line 5 is not JSON; was the file cut?"),
        (lambda lines: [*lines[:4], *lines[5:]], "line 8 counts other lines than the file has"),
        (lambda lines: [*lines, lines[2]], "line 10 comes after the end"),
        (lambda lines: [lines[0], lines[1], *lines[1:]], "line 3 repeats journal entry /propose.0.0"),
        (lambda lines: [*lines[:5], lines[4], *lines[5:]], "line 6 repeats event /propose.0/warned.0"),
        (lambda lines: lines[1:], "line 1 does not begin a run"),
        (lambda lines: ["[]", *lines[1:]], "line 1 does not begin a run"),
        (lambda lines: ["\n", *lines], "line 1 is not JSON"),
        (lambda lines: [lines[0].replace('"version": 1', '"version": 2', 1), *lines[1:]], "line 1 has version 2"),
        (lambda lines: [lines[0].replace('"mine"', "5", 1), *lines[1:]], "line 1 cannot be read: .* at id"),
        (lambda lines: [lines[0].replace("Wie viel", '"'), *lines[1:]], "line 1 is not JSON"),
        (lambda lines: [lines[0], '{"what": 1}', *lines[1:]], "line 2 is no journal entry, event or end"),
        (lambda lines: [lines[0], "[]", *lines[1:]], "line 2 is no journal entry, event or end"),
        (lambda lines: _edit(lines, 1, status="odd"), "line 2 cannot be read: .* at status"),
        (lambda lines: _edit(lines, 1, more=1), "line 2 cannot be read: Extra inputs are not permitted at more"),
        (lambda lines: _edit(lines, 4, event={"type": "odd"}), "line 5 cannot be read: .* at event"),
        (lambda lines: [line.replace("Wie viel ist 2 + 2?\\u2028 \\u0000", "") for line in lines], "question is empty"),
    ],
)
async def test_a_malformed_file_names_its_line_and_changes_nothing(lines, kept, spoil, message):
    spoilt = spoil(lines)
    before = await kept.runs()
    with pytest.raises(StoreError, match=message):
        await kept.import_run(spoilt)
    assert await kept.runs() == before
