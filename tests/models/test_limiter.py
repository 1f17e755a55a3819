"""The limiter: fair, adaptive, and never a slot lost."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.models.limiter import AdaptiveLimiter, Outcome


async def settle():
    for _ in range(5):
        await asyncio.sleep(0)


async def test_first_come_first_served():
    limiter, order = AdaptiveLimiter(1), []

    async def call(name):
        ticket = await limiter.acquire()
        order.append(name)
        await asyncio.sleep(0)
        limiter.release(ticket, Outcome.SUCCESS)

    await asyncio.gather(*(call(name) for name in range(20)))
    assert order == list(range(20))
    assert limiter.in_flight == 0


async def test_limit_halves_once_a_round_and_grows_back():
    limiter = AdaptiveLimiter(16)
    tickets = [await limiter.acquire() for _ in range(16)]
    for ticket in tickets:
        limiter.release(ticket, Outcome.THROTTLED)
    assert limiter.limit == 8, "the sixteen were one round"
    limiter.release(await limiter.acquire(), Outcome.THROTTLED)
    assert limiter.limit == 4
    for _ in range(5):
        limiter.release(await limiter.acquire(), Outcome.SUCCESS)
    assert limiter.limit == 5, "one more for about each round of successes"
    for _ in range(500):
        limiter.release(await limiter.acquire(), Outcome.SUCCESS)
    assert limiter.limit == 16, "never beyond the start"


async def test_limit_never_falls_below_one():
    limiter = AdaptiveLimiter(3)
    for _ in range(5):
        limiter.release(await limiter.acquire(), Outcome.THROTTLED)
    assert limiter.limit == 1


async def test_neutral_outcomes_change_nothing():
    limiter = AdaptiveLimiter(4)
    limiter.release(await limiter.acquire(), Outcome.NEUTRAL)
    assert limiter.limit == 4


async def test_lowered_limit_lets_calls_in_flight_end():
    limiter = AdaptiveLimiter(4)
    tickets = [await limiter.acquire() for _ in range(4)]
    waiting = asyncio.create_task(limiter.acquire())
    limiter.release(tickets.pop(), Outcome.THROTTLED)
    await settle()
    assert not waiting.done(), "three are in flight, two allowed"
    limiter.release(tickets.pop(), Outcome.NEUTRAL)
    limiter.release(tickets.pop(), Outcome.NEUTRAL)
    await settle()
    assert waiting.done()


async def test_pause_holds_everybody():
    limiter, loop = AdaptiveLimiter(4), asyncio.get_running_loop()
    limiter.pause(0.15)
    limiter.pause(0.01)  # ends no longer one
    assert 0.1 < limiter.paused_for() <= 0.15
    began = loop.time()
    tickets = await asyncio.gather(*(limiter.acquire() for _ in range(4)))
    assert loop.time() - began >= 0.14
    assert limiter.paused_for() == 0
    assert len(tickets) == limiter.in_flight == 4


async def test_pause_made_longer_while_somebody_waits():
    limiter, loop = AdaptiveLimiter(1), asyncio.get_running_loop()
    began = loop.time()
    limiter.pause(0.05)
    waiting = asyncio.create_task(limiter.acquire())
    await settle()
    limiter.pause(0.15)
    await waiting
    assert loop.time() - began >= 0.14


async def test_cancelled_in_the_moment_it_was_admitted():
    limiter = AdaptiveLimiter(1)
    ticket = await limiter.acquire()
    waiting = asyncio.create_task(limiter.acquire())
    await settle()
    limiter.release(ticket, Outcome.SUCCESS)  # gives the slot to the waiter
    waiting.cancel()  # before the waiter has run
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert limiter.in_flight == 0
    await asyncio.wait_for(limiter.acquire(), 1)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["start", "cancel", "finish", "throttle", "fail", "run", "both"]), st.integers(min_value=0, max_value=30)
    ),
    max_size=60,
)


@settings(deadline=None, max_examples=150)
@given(start=st.integers(min_value=1, max_value=5), steps=STEPS)
def test_no_slot_is_lost_or_made_up(start, steps):
    asyncio.run(_play(start, steps))


async def _play(start, steps):
    limiter, waiting, held = AdaptiveLimiter(start), [], []
    outcomes = {"finish": Outcome.SUCCESS, "throttle": Outcome.THROTTLED, "fail": Outcome.NEUTRAL, "both": Outcome.SUCCESS}
    for step, pick in steps:
        if step == "start":
            waiting.append(asyncio.create_task(limiter.acquire()))
        if step in outcomes and held:
            limiter.release(held.pop(pick % len(held)), outcomes[step])
        if step in {"cancel", "both"} and waiting:  # "both": in the same moment as a slot is given
            task = waiting.pop(pick % len(waiting))
            if not task.cancel():  # it had its ticket already
                held.append(task.result())
        if step in {"run", "cancel"}:
            await settle()
        if step == "run":
            held += [task.result() for task in waiting if task.done()]
            waiting = [task for task in waiting if not task.done()]
        assert limiter.in_flight <= start
        assert 1 <= limiter.limit <= start
    await settle()
    done = [task for task in waiting if task.done()]
    assert limiter.in_flight == len(held) + len(done)
    assert len(done) == len(waiting) or limiter.in_flight >= limiter.limit, "nobody waits beside a free slot"
    for task in waiting:
        if not task.done():
            task.cancel()
    await settle()
    for ticket in [*held, *(task.result() for task in done)]:
        limiter.release(ticket, Outcome.NEUTRAL)
    assert limiter.in_flight == 0
    await asyncio.wait_for(limiter.acquire(), 1)
