"""What a sample's vote weighs: pure functions, each in [0, 1]. None where there is nothing to go by: such a vote adds nothing."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from math import ceil, exp, fsum

from ..core.calls import TokenLogprob


def mean_probability(tokens: Sequence[TokenLogprob], part: float = 1.0) -> float | None:
    """Geometric mean of the probabilities of the last ``part`` of the tokens, rounded up: exp of their mean log-probability.

    A weight of the sample alone, so that a vote weighted by it keeps what additive votes keep: see :func:`.selection.weighted`.
    None without tokens.
    """
    tail = tokens[len(tokens) - ceil(part * len(tokens)) :]
    return exp(min(0.0, fsum(token.logprob for token in tail) / len(tail))) if tail else None


def reciprocal_places(values: Sequence[float | None]) -> list[float | None]:
    """One over the place of each value among all, highest first; equal ones share the mean of the places that they take.

    Only the order of the values matters, so that a verifier whose scores crowd together decides as much as one whose scores do
    not. A vote weighted by places is permutation invariant, label symmetric and monotone, be it in votes or in scores. It is
    not independent of other answers: a vote for a third one can reverse two, since it moves places.
    """
    given = sorted(((value, index) for index, value in enumerate(values) if value is not None), reverse=True)
    weights: list[float | None] = [None] * len(values)
    first = 1
    for _, group in groupby(given, key=lambda pair: pair[0]):
        indices = [index for _, index in group]
        shared = fsum(1 / place for place in range(first, first + len(indices))) / len(indices)
        for index in indices:
            weights[index] = shared
        first += len(indices)
    return weights
