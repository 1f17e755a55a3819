"""Reciprocal rank fusion: one ranking out of several.

Cormack, Clarke and Büttcher, SIGIR 2009: a document's score is the sum of ``1 / (k + rank)`` over the rankings that hold it,
with ranks from 1 and k = 60. Only places count, so that rankings by measures which cannot be compared can be fused.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, NamedTuple

K: Final = 60


class Fused(NamedTuple):
    """A document's place in several rankings."""

    id: int
    score: float
    ranks: tuple[int | None, ...]
    """Its place in each of them, from 1; None where it has none."""


def fuse(*rankings: Sequence[int], k: int = K) -> list[Fused]:
    """Everything that the rankings hold, best first; of equal scores the lower id first. No ranking may hold an id twice."""
    places = [{id_: rank for rank, id_ in enumerate(ranking, 1)} for ranking in rankings]
    fused = []
    for id_ in {id_ for each in places for id_ in each}:
        ranks = tuple(each.get(id_) for each in places)
        # Summed exactly: in another order the same places must not give another score.
        fused.append(Fused(id_, math.fsum(1 / (k + rank) for rank in ranks if rank is not None), ranks))
    return sorted(fused, key=lambda one: (-one.score, one.id))
