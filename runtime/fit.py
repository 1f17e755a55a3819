"""What a call may cost at most, and how a call is cut down to what is left: pure functions."""

from __future__ import annotations

from ..core.calls import ChatRequest, EmbedRequest, ModelRequest
from ..core.model_spec import ModelSpec, Price
from ..core.usage import Usage
from .ledger import Room

MIN_COMPLETION = 16
"""A call that may write fewer tokens than this is refused: its reply could hold no answer."""


def upper_bound(spec: ModelSpec, request: ModelRequest | EmbedRequest, prompt: int, timeout: float) -> Usage:
    """The most a call can cost: ``prompt`` tokens in, ``max_tokens`` out for each sample, ``timeout`` seconds busy."""
    completion = request.max_tokens * request.n if isinstance(request, ChatRequest) else 0
    dollars = spec.price.dollars(prompt=prompt, cached=0, completion=completion, seconds=timeout)
    return Usage(
        calls=1,
        prompt_tokens=prompt,
        completion_tokens=completion,
        dollars=dollars or 0.0,
        unpriced_calls=int(dollars is None),
    )


def clamp(spec: ModelSpec, request: ModelRequest, prompt: int, room: Room) -> ModelRequest | None:
    """The request cut down to ``room``, or None where no useful call fits.

    Samples are dropped before they are shortened: a text cut off early holds no answer. A request to score cannot be cut.
    """
    if (room.calls is not None and room.calls < 1) or (room.prompt_tokens is not None and room.prompt_tokens < prompt):
        return None
    left = [
        cap
        for cap in (
            room.completion_tokens,
            None if room.tokens is None else room.tokens - prompt,
            _affordable(spec.price, prompt, room.dollars),
        )
        if cap is not None
    ]
    if not left:
        return request
    completion = int(min(left))
    if not isinstance(request, ChatRequest):
        return request if completion >= 0 else None
    if completion >= request.max_tokens:
        return request.model_copy(update={"n": min(request.n, completion // request.max_tokens)})
    if completion < MIN_COMPLETION:
        return None
    return request.model_copy(update={"n": 1, "max_tokens": completion})


def _affordable(price: Price, prompt: int, dollars: float | None) -> float | None:
    """Completion tokens that the dollars left can buy; None where dollars do not limit them."""
    if dollars is None or price.input is None or price.output is None:
        return None
    rest = dollars - prompt * price.input / 1e6
    if price.output == 0:
        return None if rest >= 0 else 0
    return rest * 1e6 / price.output
