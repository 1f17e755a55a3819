"""A process that is killed in the middle of writing loses nothing that it was told is safe."""

from __future__ import annotations

import asyncio
import random
import time

import pytest

from symposia.core.result import RunState
from symposia.memory.store import Store, this_process

_WRITE = """
async def main(place):
    async with await Store.open(place) as store:
        run = await store.create_run(SPEC)
        lease = await store.acquire(run.id, owner=this_process(), ttl=600)
        print(run.id, flush=True)

        async def caller(name):
            index = 0
            while True:
                store.append(lease, [warned(1_000_000 * name + index)])
                await store.record(lease, [entry(f"{name}.{index}", 3000)])
                print(f"{name}.{index}", flush=True)
                index += 1

        await asyncio.gather(*(caller(name) for name in range(4)))

asyncio.run(main(sys.argv[1]))
"""


@pytest.mark.parametrize("seed", range(3))
async def test_what_record_returned_for_is_there_after_a_kill(place, spawn, make, seed):
    child = spawn(_WRITE, place)
    run_id = (await asyncio.to_thread(child.stdout.readline)).strip()
    await asyncio.sleep(random.Random(seed).uniform(0.1, 0.4))
    child.kill()
    out, err = await asyncio.to_thread(child.communicate)
    assert err == ""
    safe = out.splitlines()[:-1]  # the last line may be cut
    assert len(safe) > 4
    began = time.perf_counter()
    async with await Store.open(place) as store:
        found = await store.run(run_id)
        assert (found.state, found.owner) == (RunState.INTERRUPTED, None)
        assert set(safe) <= {entry.key for entry in await store.journal(run_id)}
        lease = await store.acquire(run_id, owner=this_process())
        last = len(await store.events(run_id))
        assert [stored.seq for stored in await store.events(run_id)] == list(range(1, last + 1))
        store.append(lease, [make.warned(999_999)])
        await store.flush(lease)
        assert [stored.seq for stored in await store.events(run_id, after=last)] == [last + 1]
    assert time.perf_counter() - began < 2
