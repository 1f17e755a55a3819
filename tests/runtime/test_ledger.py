"""The ledger never passes a cap: 64 concurrent children under 200 random scenarios, and each rule on its own."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.core.budget import Budget
from symposia.core.usage import Usage
from symposia.runtime.ledger import Ledger, Room

CHILDREN = 64


def within(spent: Usage, caps: Budget) -> bool:
    prompt = spent.prompt_tokens + spent.lost_prompt_tokens
    completion = spent.completion_tokens + spent.lost_completion_tokens
    amounts = {
        "calls": spent.calls,
        "tokens": prompt + completion,
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "dollars": spent.dollars - 1e-6,
    }
    return all(getattr(caps, name) is None or amount <= getattr(caps, name) for name, amount in amounts.items())


def a_cap(low: int, high: int):
    return st.none() | st.integers(low, high)


budgets = st.builds(
    Budget,
    calls=a_cap(1, 200),
    tokens=a_cap(1, 40_000),
    prompt_tokens=a_cap(1, 20_000),
    completion_tokens=a_cap(1, 20_000),
    dollars=st.none() | st.floats(0.0001, 0.1),
)


async def _child(ledger: Ledger, root: Ledger, caps: Budget, seed: int) -> Usage:
    rng = random.Random(seed)
    own = Usage()
    for _ in range(rng.randint(1, 6)):
        bound = Usage(
            calls=1,
            prompt_tokens=rng.randint(0, 400),
            completion_tokens=rng.randint(1, 800),
            dollars=rng.random() * 0.002,
        )
        held = ledger.reserve(bound)
        if held is None:
            continue
        await asyncio.sleep(0)
        fate = rng.random()
        if fate < 0.15:
            ledger.settle(held, held.bound.as_lost())
            own += bound.as_lost()
        elif fate < 0.3:
            ledger.settle(held, Usage())
        else:
            actual = bound.model_copy(
                update={
                    "prompt_tokens": rng.randint(0, bound.prompt_tokens),
                    "completion_tokens": rng.randint(0, bound.completion_tokens),
                    "dollars": bound.dollars * rng.random(),
                }
            )
            ledger.settle(held, actual)
            own += actual
        assert within(root.spent, caps)
        assert all(left is None or left >= -1e-6 for left in root.room())
    return own


@settings(max_examples=200, deadline=None)
@given(budgets, budgets, st.integers(0, 2**32))
def test_no_cap_is_ever_passed(caps: Budget, child_caps: Budget, seed: int) -> None:
    async def scenario() -> None:
        root = Ledger(caps)
        children = [root.child(child_caps) for _ in range(CHILDREN)]
        spent = await asyncio.gather(*(_child(child, root, caps, seed + i) for i, child in enumerate(children)))
        assert within(root.spent, caps)
        for child, own in zip(children, spent, strict=True):
            assert child.spent.calls == own.calls
            assert within(child.spent, child_caps)
        together = sum(spent, Usage())
        assert root.spent.calls == together.calls
        assert root.spent.completion_tokens == together.completion_tokens
        assert root.spent.lost_completion_tokens == together.lost_completion_tokens
        assert not root.holding

    asyncio.run(scenario())


def test_a_bound_that_does_not_fit_holds_nothing_anywhere() -> None:
    root = Ledger(Budget(calls=10, completion_tokens=100))
    child = root.child(Budget(calls=1))
    assert child.reserve(Usage(calls=1, completion_tokens=101)) is None
    assert not root.holding
    assert child.room() == Room(1, None, None, 100, None)


def test_held_is_not_available_to_siblings() -> None:
    root = Ledger(Budget(completion_tokens=100))
    one, two = root.child(Budget()), root.child(Budget())
    held = one.reserve(Usage(calls=1, completion_tokens=80))
    assert held is not None
    assert two.reserve(Usage(calls=1, completion_tokens=30)) is None
    assert two.holding
    one.settle(held, Usage(calls=1, completion_tokens=10))
    assert two.reserve(Usage(calls=1, completion_tokens=90)) is not None


def test_what_was_lost_stays_charged() -> None:
    ledger = Ledger(Budget(calls=2, completion_tokens=100))
    held = ledger.reserve(Usage(calls=1, prompt_tokens=7, completion_tokens=60))
    assert held is not None
    ledger.settle(held, held.bound.as_lost())
    assert ledger.spent == Usage(calls=1, lost_calls=1, lost_prompt_tokens=7, lost_completion_tokens=60)
    assert ledger.room().completion_tokens == 40


async def test_a_waiter_wakes_when_a_sibling_settles() -> None:
    root = Ledger(Budget(calls=1))
    one, two = root.child(Budget()), root.child(Budget())
    held = one.reserve(Usage(calls=1))
    assert held is not None
    waiting = two.changed()
    assert not waiting.done()
    one.settle(held, Usage())
    await asyncio.wait_for(waiting, 1)
    assert two.reserve(Usage(calls=1)) is not None


def test_exact_dollars_fit_despite_rounding() -> None:
    ledger = Ledger(Budget(dollars=0.3))
    for _ in range(3):
        held = ledger.reserve(Usage(dollars=0.1))
        assert held is not None
        ledger.settle(held, held.bound)
    assert ledger.reserve(Usage(dollars=0.001)) is None


@pytest.mark.parametrize("name", Room._fields)
def test_each_cap_refuses_on_its_own(name: str) -> None:
    ledger = Ledger(Budget(**{name: 1}))
    assert ledger.reserve(Usage(calls=2, prompt_tokens=2, completion_tokens=2, dollars=2.0)) is None
