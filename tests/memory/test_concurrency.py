from __future__ import annotations

import asyncio
import time

from symposia.memory.store import Store, this_process

_WRITE = """
async def main(place, name):
    async with await Store.open(place) as store:
        run = await store.create_run(SPEC, id=f"run{name}")
        lease = await store.acquire(run.id, owner=this_process(), ttl=600)

        async def call(index):
            await store.record(lease, [entry(f"{index}", 2000)])
            store.append(lease, [warned(index)])

        for wave in range(8):
            await asyncio.gather(*(call(16 * wave + index) for index in range(16)))
        await store.flush(lease)

asyncio.run(main(sys.argv[1], sys.argv[2]))
"""


async def test_eight_processes_make_and_fill_one_store(place, spawn):
    children = [spawn(_WRITE, place, name) for name in range(8)]
    done = await asyncio.gather(*(asyncio.to_thread(child.communicate, timeout=120) for child in children))
    assert [err for _, err in done] == [""] * 8
    async with await Store.open(place) as store:
        assert len(await store.runs()) == 8
        for name in range(8):
            assert {entry.key for entry in await store.journal(f"run{name}")} == {str(index) for index in range(128)}
            assert [stored.seq for stored in await store.events(f"run{name}")] == list(range(1, 129))


async def test_eight_stores_of_one_process_write_together(place, make):
    stores = await asyncio.gather(*(Store.open(place) for _ in range(8)))

    async def work(store: Store, name: int) -> None:
        run = await store.create_run(make.spec(), id=f"run{name}")
        lease = await store.acquire(run.id, owner=this_process())
        for index in range(20):
            await store.record(lease, [make.entry(index)])
            store.append(lease, [make.warned(index)])
        await store.flush(lease)

    await asyncio.gather(*(work(store, name) for name, store in enumerate(stores)))
    for name in range(8):
        assert len(await stores[0].journal(f"run{name}")) == 20
        assert len(await stores[0].events(f"run{name}")) == 20
    await asyncio.gather(*(store.close() for store in stores))


async def test_many_runs_of_one_store_share_its_writer(store, make):
    async def work() -> str:
        run = await store.create_run(make.spec())
        lease = await store.acquire(run.id, owner=this_process())
        for index in range(10):
            await store.record(lease, [make.entry(index, "sent")])
            store.append(lease, [make.finished(index), make.added(index)])
            await store.record(lease, [make.entry(index)])
            await store.events(run.id)
        await store.finish(lease, "finished", make.result(run.id), 1.0)
        return run.id

    for run_id in await asyncio.gather(*(work() for _ in range(16))):
        assert len(await store.journal(run_id)) == 10
        assert [stored.seq for stored in await store.events(run_id)] == list(range(1, 21))
        assert len(await store.candidates(run_id)) == 10


async def test_a_wave_of_64_calls_costs_milliseconds(filed, make):
    """About 20 ms on two cores: 64 entries sent, 64 done, 128 events. The margin is for busy machines."""
    run = await filed.create_run(make.spec())
    lease = await filed.acquire(run.id, owner=this_process())

    async def call(index: int) -> None:
        await filed.record(lease, [make.entry(index, "sent")])
        filed.append(lease, [make.finished(index), make.added(index)])
        await filed.record(lease, [make.entry(index)])

    spent = []
    for wave in range(3):
        began = time.perf_counter()
        await asyncio.gather(*(call(64 * wave + index) for index in range(64)))
        spent.append(time.perf_counter() - began)
    assert min(spent) < 0.3
