"""The vote after each candidate of many rows at once: ``graphs/selection.py``'s weighted majority as a running count.

A row is a problem with its candidates in some order. One pass gives the outcome for every number of candidates, so a curve over
N costs no more than its longest point. What makes a running count possible: weights are never negative, so an answer can only
take the lead at the moment when one of its own candidates is counted.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Vote(NamedTuple):
    """After each candidate, in order: rows by candidates."""

    credit: Floats
    """Of the candidate that stands for the leading answer; 0 while there is none."""
    first: Floats
    """Weight of the leading answer; 0 while there is none."""
    second: Floats
    """Weight of the runner-up; 0 while there is none."""


class _State:
    """What is known of each answer (one row each, the last for candidates without one) and of the leader of each vote."""

    def __init__(self, rows: int, width: int) -> None:
        self.total = np.zeros((width + 1) * rows)
        self.seen = np.full((width + 1) * rows, width)
        self.best = np.full((width + 1) * rows, -1.0)
        self.stands = np.zeros((width + 1) * rows)
        self.leader = np.full(rows, -1)
        self.lead = np.full(rows, -1.0)
        self.lead_seen = np.full(rows, width)
        self.credit = np.zeros(rows)
        self.second = np.zeros(rows)


def scan(groups: Ints, credit: Floats, weights: Floats) -> Vote:
    """The leading answer after 1, 2, … candidates of each row.

    Groups are numbers from 0 to the width less one, or negative without an answer; weights are at least 0, or NaN for a
    candidate that cannot stand for its answer. Ties go to the answer seen first, the best candidate stands for its answer.
    """
    rows, width = groups.shape
    state = _State(rows, width)
    places = np.where(groups >= 0, groups, width) + np.arange(rows)[:, None] * (width + 1)
    vote = Vote(*(np.empty((width, rows)) for _ in Vote._fields))
    counted = (groups >= 0) & ~np.isnan(weights)
    columns = zip(*(np.ascontiguousarray(each.T) for each in (places, credit, weights, counted)), strict=True)
    for index, column in enumerate(columns):
        _count(state, index, *column)
        vote.credit[index], vote.first[index], vote.second[index] = state.credit, state.lead, state.second
    return Vote(vote.credit.T, np.maximum(vote.first, 0).T, vote.second.T)


def _count(state: _State, index: int, at: Ints, credit: Floats, weight: Floats, counted: NDArray[np.bool_]) -> None:
    """Adds one candidate to each row."""
    state.seen[at] = seen = np.minimum(state.seen[at], index)
    state.total[at] = total = state.total[at] + np.where(counted, weight, 0.0)
    better = counted & (weight > state.best[at])
    state.best[at] = np.where(better, weight, state.best[at])
    state.stands[at] = stands = np.where(better, credit, state.stands[at])

    own = at == state.leader
    ahead = counted & (own | (total > state.lead) | ((total == state.lead) & (seen < state.lead_seen)))
    passed = np.where(ahead, state.lead, total)
    state.second = np.where(counted & ~own, np.maximum(state.second, passed), state.second)
    state.leader = np.where(ahead, at, state.leader)
    state.lead = np.where(ahead, total, state.lead)
    state.lead_seen = np.where(ahead, seen, state.lead_seen)
    state.credit = np.where(ahead, stands, state.credit)
