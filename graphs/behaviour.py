"""Programs grouped by what they do on the same inputs. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ..core.candidate import Candidate
from ..core.result import Selection
from .selection import NOTHING, majority


class Grouped(NamedTuple):
    """Programs by behaviour."""

    groups: tuple[int, ...]
    """The group of each, numbered by first appearance; -1 for None, which is no program."""
    able: tuple[bool, ...]
    """Whether it ran on as many inputs as any: the others vote, but cannot win."""
    ran: bool
    """Whether any ran at all."""


def by_behaviour(programs: Sequence[str | None], did: Sequence[Sequence[str | None]]) -> Grouped:
    """Group programs by what each did on each input; None where it failed there.

    Equal is what does the same on every input. A program that ran on fewer inputs than another is in a group with those of its
    own text alone, as are all where none ran: two programs may fail alike and have nothing else in common.
    """
    counts = [sum(each is not None for each in row) for row in did]
    most = max((count for program, count in zip(programs, counts, strict=True) if program is not None), default=0)
    able = tuple(program is not None and count == most for program, count in zip(programs, counts, strict=True))
    known: dict[object, int] = {}
    groups = [
        -1 if program is None else known.setdefault(tuple(row) if most and runs else program, len(known))
        for program, row, runs in zip(programs, did, able, strict=True)
    ]
    return Grouped(tuple(groups), able, most > 0)


def most_alike(candidates: Sequence[Candidate], grouped: Grouped) -> Selection:
    """The largest group of programs that ran on most inputs; ``support`` is its share of all programs.

    All four invariants hold, given what the programs do. Votes are not all there is to it: any number of programs that fail
    somewhere weighs nothing against one that does not.
    """
    winner = majority(candidates, [group if able else -1 for group, able in zip(grouped.groups, grouped.able, strict=True)])
    if winner == NOTHING:
        return NOTHING
    place = next(place for place, candidate in enumerate(candidates) if candidate.id == winner.candidate)
    votes = [group for group in grouped.groups if group >= 0]
    return winner.model_copy(update={"support": votes.count(grouped.groups[place]) / len(votes)})
