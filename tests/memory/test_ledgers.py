"""Shared ledgers never pass a cap, whoever draws, dies, or comes back."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.core.budget import Budget
from symposia.core.errors import ConfigError, LeaseLostError, StoreError, UnknownNameError
from symposia.core.result import RunState
from symposia.core.usage import Amounts
from symposia.memory import ledgers
from symposia.memory.store import Store, this_process

ME = this_process()
NONE = Amounts()
ONE = Amounts(calls=1, tokens=30, prompt_tokens=10, completion_tokens=20, dollars=0.5)


async def holder(store: Store, make, *, owner: str = ME, ttl: float = 60):
    run = await store.create_run(make.spec())
    return await store.acquire(run.id, owner=owner, ttl=ttl)


async def test_a_ledger_is_made_once_and_found(store):
    made = await store.create_ledger("spring", Budget(calls=10, dollars=2.5))
    assert made == await store.ledger("spring")
    assert (made.caps, made.spent, made.held, made.lost) == (Budget(calls=10, dollars=2.5), NONE, NONE, NONE)
    with pytest.raises(StoreError, match="there is a ledger 'spring' already"):
        await store.create_ledger("spring", Budget(calls=1))
    await store.create_ledger("autumn", Budget(calls=1))
    assert [ledger.name for ledger in await store.ledgers()] == ["spring", "autumn"]
    with pytest.raises(UnknownNameError, match=r"unknown ledger 'sprin' .*did you mean 'spring'"):
        await store.ledger("sprin")


@pytest.mark.parametrize(
    ("name", "caps", "message"),
    [
        ("a b", Budget(calls=1), "'a b' cannot be the name of a ledger"),
        ("", Budget(calls=1), "cannot be the name"),
        ("a", Budget(), "the ledger 'a' has no cap"),
        ("a", Budget(calls=1, seconds=9), "runs do not share seconds"),
    ],
)
async def test_a_ledger_that_cannot_be(store, name, caps, message):
    with pytest.raises(ConfigError, match=message):
        await store.create_ledger(name, caps)
    assert await store.ledgers() == []


async def test_a_tranche_is_drawn_settled_and_given_back(store, make):
    await store.create_ledger("all", Budget(calls=33, dollars=10))
    lease = await holder(store, make)
    tranche = await store.draw(lease, "all", spent=NONE, keep=NONE, wanted=ONE)
    assert tranche.held == Amounts(calls=1 + 32 // 16, dollars=0.5 + 9.5 / 16), "a share of the rest comes along; no cap, no hold"
    found = await store.ledger("all")
    assert (found.spent, found.held) == (NONE, tranche.held)
    for _ in range(2):  # said twice, it counts once
        assert (await store.draw(lease, "all", spent=ONE, keep=NONE, wanted=NONE)).held == NONE
    found = await store.ledger("all")
    assert (found.spent, found.held) == (ONE, NONE)


async def test_what_does_not_fit_is_refused_and_partly_given_on_request(store, make):
    await store.create_ledger("all", Budget(completion_tokens=50))
    lease, other = await holder(store, make), await holder(store, make)
    assert (await store.draw(lease, "all", spent=NONE, keep=NONE, wanted=ONE)).held.completion_tokens == 21
    big = Amounts(completion_tokens=40)
    refused = await store.draw(other, "all", spent=NONE, keep=NONE, wanted=big)
    assert refused == (NONE, True), "another run may give something back"
    assert (await store.draw(other, "all", spent=NONE, keep=NONE, wanted=big, partly=True)).held.completion_tokens == 29
    await store.draw(other, "all", spent=NONE, keep=NONE, wanted=NONE, partly=True)
    await store.set_state(lease, RunState.PAUSED)
    assert not (await store.draw(other, "all", spent=NONE, keep=NONE, wanted=big)).others, "a paused run is not waited for"


async def test_what_a_dead_process_held_is_lost_until_its_run_says_better(store, make):
    await store.create_ledger("all", Budget(calls=10))
    dead = await holder(store, make, owner=f"{ME.rsplit(':', 2)[0]}:999999999:1")
    await store.draw(dead, "all", spent=Amounts(calls=2), keep=Amounts(calls=3), wanted=Amounts(calls=1))
    found = await store.ledger("all")
    assert (found.spent.calls, found.held.calls, found.lost.calls) == (2, 0, 4)
    other = await holder(store, make)
    rest = await store.draw(other, "all", spent=NONE, keep=NONE, wanted=Amounts(calls=5))
    assert not rest.others, "nobody waits for the dead"
    assert (await store.draw(other, "all", spent=NONE, keep=NONE, wanted=Amounts(calls=4))).held.calls == 4
    again = await store.acquire(dead.run_id, owner=ME)
    with pytest.raises(LeaseLostError):
        await store.draw(dead, "all", spent=NONE, keep=NONE, wanted=NONE)
    await store.draw(again, "all", spent=Amounts(calls=4), keep=NONE, wanted=NONE)
    found = await store.ledger("all")
    assert (found.spent.calls, found.held.calls, found.lost.calls) == (4, 4, 0)


async def test_what_a_removed_run_spent_stays_spent(store, make):
    await store.create_ledger("all", Budget(calls=10))
    lease = await holder(store, make)
    await store.draw(lease, "all", spent=Amounts(calls=7), keep=NONE, wanted=NONE)
    await store.release(lease, RunState.FINISHED, 1.0)
    await store.remove_runs([lease.run_id])
    assert (await store.ledger("all")).spent.calls == 7


async def test_drawing_on_no_ledger(store, make):
    with pytest.raises(UnknownNameError, match="unknown ledger 'none'"):
        await store.draw(await holder(store, make), "none", spent=NONE, keep=NONE, wanted=ONE)


amounts = st.builds(Amounts, *[st.integers(0, 100)] * 4, st.floats(0, 10))
left = st.lists(st.none() | st.integers(0, 200).map(float), min_size=5, max_size=5)


@given(left, amounts, st.booleans())
def test_a_portion_is_within_what_is_left(left, wanted, partly):
    given = ledgers.portion(left, wanted, partly=partly)
    fit = all(room is None or want <= room + 1e-9 for room, want in zip(left, wanted, strict=True))
    for room, want, amount in zip(left, wanted, given, strict=True):
        assert amount == 0 if room is None else 0 <= amount <= room + 1e-9
        if room is not None:
            assert amount >= want if fit else amount == (min(room, want) if partly else 0)


_DRAW = """
import random
from symposia.core.usage import Amounts

async def main(place, seed, dies):
    rng, spent, none = random.Random(seed), Amounts(), Amounts()
    async with await Store.open(place) as store:
        run = await store.create_run(SPEC, id=f"run{seed}")
        lease = await store.acquire(run.id, owner=this_process(), ttl=600)
        for step in range(60):
            calls = rng.randint(1, 4)
            wanted = Amounts(calls, 0, 0, rng.randint(1, 90), 0.1 * calls)
            tranche = await store.draw(lease, "all", spent=spent, keep=none, wanted=wanted, partly=rng.random() < 0.3)
            if step == 25 and dies:
                print(*tranche.held, flush=True)
                os.kill(os.getpid(), 9)
            used = rng.random()
            spent = spent.plus(Amounts(*[float(int(used * held)) for held in tranche.held[:4]], used * tranche.held.dollars))
        await store.draw(lease, "all", spent=spent, keep=none, wanted=none)
        await store.release(lease, RunState.FINISHED, 1.0)
        print(*spent, flush=True)

asyncio.run(main(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "dies"))
"""


async def test_eight_processes_never_pass_a_cap_and_lose_nothing(place, spawn):
    caps = Budget(calls=600, completion_tokens=12_000, dollars=60)
    async with await Store.open(place) as store:
        await store.create_ledger("all", caps)
        children = [spawn(_DRAW, place, seed, "dies" if seed == 3 else "lives") for seed in range(8)]
        waiting = asyncio.gather(*(asyncio.to_thread(child.communicate, timeout=120) for child in children))
        while not waiting.done():
            _within(await store.ledger("all"), caps)
            await asyncio.sleep(0.05)
        ended = [out for out, err in await waiting if err == ""]
        assert len(ended) == 8
        said = [Amounts(*map(float, out.split())) for out in ended]
        found = await store.ledger("all")
        _within(found, caps)
        assert found.lost == pytest.approx(said[3])
        assert found.held == NONE
        total = Amounts()
        for seed, spent in enumerate(said):
            total = total if seed == 3 else total.plus(spent)
        assert found.spent.calls >= total.calls > 0
        again = await store.acquire("run3", owner=ME)
        await store.draw(again, "all", spent=NONE, keep=NONE, wanted=NONE)
        found = await store.ledger("all")
        assert found.spent == pytest.approx(total), "to the last call, token and cent"
        rest = caps.calls - found.spent.calls
        if rest:
            await store.draw(again, "all", spent=NONE, keep=NONE, wanted=Amounts(calls=rest))
            assert (await store.ledger("all")).held.calls == rest, "what nobody drew can still be drawn"


def _within(found, caps: Budget) -> None:
    used = found.spent.plus(found.held).plus(found.lost)
    for name in ("calls", "completion_tokens", "dollars"):
        assert getattr(used, name) <= getattr(caps, name) + 1e-6
        assert min(getattr(part, name) for part in (found.spent, found.held, found.lost)) >= -1e-6


async def test_many_stores_at_once(place, make):
    stores = await asyncio.gather(*(Store.open(place) for _ in range(6)))
    await stores[0].create_ledger("all", Budget(calls=50))

    async def work(store: Store, seed: int) -> float:
        rng, spent = random.Random(seed), 0.0
        lease = await holder(store, make)
        for _ in range(10):
            held = (await store.draw(lease, "all", spent=Amounts(spent), keep=NONE, wanted=Amounts(rng.randint(1, 3)))).held.calls
            spent += rng.randint(0, int(held))
        await store.draw(lease, "all", spent=Amounts(spent), keep=NONE, wanted=NONE)
        return spent

    spent = await asyncio.gather(*(work(store, seed) for seed, store in enumerate(stores)))
    assert (await stores[0].ledger("all")).spent.calls == sum(spent) <= 50
    await asyncio.gather(*(store.close() for store in stores))
