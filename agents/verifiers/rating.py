"""Rating candidates once their scores are final: what every verifier does in the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...core.candidate import Candidate, Score
from ...core.protocols import Scope
from ...core.result import StopReason
from ...core.usage import Usage


class Scores(NamedTuple):
    """What a verifier made of some candidates."""

    by_candidate: dict[str, Score]
    """By id. A candidate that was not reached (budget, deadline, stop) has none."""
    stop_reason: StopReason
    """``finished`` where every call was made, else why not."""


class Ratings:
    """One scoring of some candidates. Those that are alike deserve the same score and one set of calls: a group.

    A group is rated once, when its score is final: an event is a fact, and a stopped run that goes on cannot take it back.
    """

    def __init__(self, scope: Scope, candidates: Sequence[Candidate], *, node: str, visit: int) -> None:
        self._scope, self._candidates, self._node, self._visit = scope, candidates, node, visit
        self._places = alike(candidates)
        self._scores: dict[str, Score] = {}
        self.groups = [candidates[places[0]] for places in self._places]
        """The first candidate of each group."""

    def rated(self, group: int) -> bool:
        """Whether the group has its score."""
        return self.groups[group].id in self._scores

    def rate(self, group: int, score: Score) -> None:
        """Give every candidate of the group this score; the cost stands with the first of them."""
        for place in self._places[group]:
            candidate = self._candidates[place].id
            self._scores[candidate] = score
            self._scope.rate(candidate, score, node=self._node, visit=self._visit, index=place)
            score = score.model_copy(update={"usage": Usage()})

    def place(self, group: int) -> int:
        """The place of the group's first candidate among all: what its seeds are numbered by."""
        return self._places[group][0]

    def scores(self, reason: StopReason) -> Scores:
        """What was rated, in a scoring that ended for ``reason``."""
        return Scores(dict(self._scores), reason)


def alike(candidates: Sequence[Candidate]) -> list[list[int]]:
    """Places of the candidates, those with one text, cut alike, together."""
    places: dict[tuple[str, tuple[str, ...]], list[int]] = {}
    for place, candidate in enumerate(candidates):
        places.setdefault((candidate.text, candidate.steps), []).append(place)
    return list(places.values())
