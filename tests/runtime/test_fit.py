from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.core.calls import ChatRequest, Choice, Reply
from symposia.core.model_spec import ModelSpec, Price
from symposia.core.problem import Message
from symposia.core.usage import Usage
from symposia.runtime.fit import MIN_COMPLETION, clamp, upper_bound
from symposia.runtime.ledger import Room

FREE = Room(None, None, None, None, None)
PRICED = ModelSpec(name="m", price=Price(input=1.0, cached_input=0.5, output=2.0))


def request(n: int = 1, max_tokens: int = 100) -> ChatRequest:
    return ChatRequest(messages=(Message(role="user", content="2+2?"),), max_tokens=max_tokens, n=n)


def test_bound_counts_every_sample_and_the_full_price() -> None:
    bound = upper_bound(PRICED, request(n=3), prompt=50, timeout=60)
    assert bound == Usage(calls=1, prompt_tokens=50, completion_tokens=300, dollars=(50 + 600) / 1e6)


def test_an_unknown_price_is_counted_never_zero() -> None:
    assert upper_bound(ModelSpec(name="m"), request(), prompt=1, timeout=1).unpriced_calls == 1


def test_busy_time_is_priced_by_the_hour() -> None:
    spec = ModelSpec(name="m", price=Price(hour=3.6))
    assert upper_bound(spec, request(), prompt=1, timeout=10).dollars == pytest.approx(0.01)


def test_the_cost_of_a_reply_uses_the_cached_price() -> None:
    reply = Reply(model="m", choices=(Choice(text="4"),), prompt_tokens=100, cached_tokens=80, completion_tokens=10)
    assert PRICED.cost(reply).dollars == pytest.approx((20 * 1.0 + 80 * 0.5 + 10 * 2.0) / 1e6)


def test_samples_are_dropped_before_they_are_shortened() -> None:
    cut = clamp(PRICED, request(n=8, max_tokens=100), 10, FREE._replace(completion_tokens=350))
    assert cut is not None
    assert (cut.n, cut.max_tokens) == (3, 100)
    short = clamp(PRICED, request(n=8, max_tokens=100), 10, FREE._replace(completion_tokens=60))
    assert short is not None
    assert (short.n, short.max_tokens) == (1, 60)


@pytest.mark.parametrize(
    "room",
    [
        FREE._replace(calls=0),
        FREE._replace(prompt_tokens=9),
        FREE._replace(completion_tokens=MIN_COMPLETION - 1),
        FREE._replace(tokens=10 + MIN_COMPLETION - 1),
        FREE._replace(dollars=0.0),
    ],
)
def test_no_useful_call_is_refused(room: Room) -> None:
    assert clamp(PRICED, request(), 10, room) is None


caps = st.none() | st.integers(0, 3000)


@given(caps, caps, caps, st.none() | st.floats(0, 0.01), st.integers(1, 500), st.integers(1, 16), st.integers(1, 400))
def test_a_clamped_call_always_fits(tokens, prompts, completions, dollars, prompt, n, max_tokens) -> None:
    room = Room(None, tokens, prompts, completions, dollars)
    cut = clamp(PRICED, request(n, max_tokens), prompt, room)
    if cut is None:
        return
    bound = upper_bound(PRICED, cut, prompt, 1)
    assert cut.n <= n
    assert cut.max_tokens <= max_tokens
    amounts = (bound.calls, prompt + bound.completion_tokens, prompt, bound.completion_tokens, bound.dollars)
    # A prompt that is too dear leaves nothing to write with, so it is never passed on either.
    assert all(cap is None or amount <= cap + 1e-9 for amount, cap in zip(amounts, room, strict=True))
