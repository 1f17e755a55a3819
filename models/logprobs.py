"""Log-probabilities out of replies: of sampled tokens, of labels, of the prompt. Natural logarithms throughout."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ..core.calls import TokenLogprob


def of_chat(logprobs: object) -> tuple[TokenLogprob, ...]:
    """The tokens of a chat choice's ``logprobs``, or nothing where one of them cannot be read."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    return of_items(content)


def of_items(items: object) -> tuple[TokenLogprob, ...]:
    """The tokens of a list of ``{token, logprob, top_logprobs}``, the form of chat completions and of llama.cpp."""
    if not isinstance(items, list):
        return ()
    found = []
    for item in items:
        value = _finite(item.get("logprob")) if isinstance(item, dict) else None
        if value is None:
            return ()
        others = item.get("top_logprobs")
        found.append(TokenLogprob(token=str(item.get("token", "")), logprob=value, top=_top(others)))
    return tuple(found)


def of_completion(logprobs: object) -> tuple[TokenLogprob, ...]:
    """The tokens of a text completion's ``logprobs``: parallel lists, the alternatives as an object each."""
    if not isinstance(logprobs, dict):
        return ()
    tokens, values, tops = logprobs.get("tokens"), logprobs.get("token_logprobs"), logprobs.get("top_logprobs")
    if not isinstance(tokens, list) or not isinstance(values, list) or len(tokens) != len(values):
        return ()
    if not isinstance(tops, list) or len(tops) != len(tokens):
        tops = [None] * len(tokens)
    items = [
        {"token": token, "logprob": value, "top_logprobs": _pairs(top)}
        for token, value, top in zip(tokens, values, tops, strict=True)
    ]
    return of_items(items)


def of_prompt(entries: object) -> tuple[TokenLogprob, ...]:
    """The prompt's tokens from vLLM's list: an object by token id each, the prompt's own token first; none for the first."""
    if not isinstance(entries, list):
        return ()
    found = []
    for entry in entries[1:]:
        told = next(iter(entry.values()), None) if isinstance(entry, dict) else None
        value = _finite(told.get("logprob")) if isinstance(told, dict) else None
        if not isinstance(told, dict) or value is None:
            return ()
        found.append(TokenLogprob(token=str(told.get("decoded_token", "")), logprob=value))
    return tuple(found)


def total(logprobs: object) -> float | None:
    """The sum over a chat choice's tokens; None where the server told none, or one that is no number."""
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list) or not content:
        return None
    return summed(item.get("logprob") if isinstance(item, dict) else None for item in content)


def summed(values: Iterable[object]) -> float | None:
    """The sum, or None where one of them is no finite number."""
    read = [_finite(value) for value in values]
    return None if None in read else math.fsum(value for value in read if value is not None)


def labels(wanted: Sequence[str], first: TokenLogprob | None) -> dict[str, float]:
    """Log-probability of each wanted label as the first token; one that the server did not tell is left out."""
    if first is None:
        return {}
    told = first.top | {first.token: first.logprob}
    return {label: told[label] for label in wanted if label in told}


def _top(others: Any) -> dict[str, float]:
    if not isinstance(others, list):
        return {}
    pairs = ((other.get("token"), _finite(other.get("logprob"))) for other in others if isinstance(other, dict))
    return {token: value for token, value in pairs if isinstance(token, str) and value is not None}


def _pairs(top: object) -> list[dict[str, object]]:
    return [{"token": name, "logprob": of} for name, of in top.items()] if isinstance(top, dict) else []


def _finite(value: object) -> float | None:
    good = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    return float(value) if good else None  # type: ignore[arg-type]  # a number by the line above
