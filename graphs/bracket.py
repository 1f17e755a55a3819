"""A knock-out tournament: who plays whom, who goes on, and how sure that is. Pure functions.

Entrants are places of candidates, or whatever stands for them, in the order of their seeds. A match goes to whom more verdicts
name; a split one to the better seed, as does one on which nothing was said.

What holds for a given judge of pairs: the names of the answers do not matter, nor does the order of the candidates, ties in
votes left aside; and an answer that the judge prefers to each other one wins, however few votes it has. Neither monotony nor
independence: one more vote changes the seeds and so who meets whom, and a judge who prefers in a circle then crowns another one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple


class Verdict(NamedTuple):
    """What was said of a pair."""

    better: str
    worse: str


class Match(NamedTuple):
    """A pair that is to be judged."""

    favourite: str
    """The better seed."""
    rival: str


class Round(NamedTuple):
    """What is played at the same time."""

    through: tuple[str, ...]
    """Entrants who need not play, by seed: the best ones, where their number is no power of two."""
    matches: tuple[Match, ...]
    """Best against worst, and so on inwards."""


def seeded(groups: Sequence[int]) -> list[int]:
    """The place of the first candidate of each group, those with most votes first, ties by place; -1 is no group."""
    counts = Counter(groups)
    firsts = {number: place for place, number in reversed(list(enumerate(groups))) if number >= 0}
    return sorted(firsts.values(), key=lambda place: (-counts[groups[place]], place))


def next_round(alive: Sequence[str]) -> Round:
    """The round that entrants, by seed, play next: after it their number is the next lower power of two."""
    if len(alive) < 2:
        return Round(tuple(alive), ())
    count = len(alive) - (1 << (len(alive) - 1).bit_length() - 1)
    playing = alive[-2 * count :]
    return Round(tuple(alive[: -2 * count]), tuple(Match(playing[place], playing[-1 - place]) for place in range(count)))


def goes_on(match: Match, verdicts: Sequence[Verdict]) -> str:
    """Who wins a match by ``verdicts``, those of other pairs left aside."""
    found = Counter(verdict.better for verdict in verdicts if {*verdict} == {*match})
    return match.rival if found[match.rival] > found[match.favourite] else match.favourite


def share_of_wins(entrant: str, verdicts: Sequence[Verdict]) -> float | None:
    """The share of the verdicts about an entrant that are for it; None where there is none."""
    mine = [verdict for verdict in verdicts if entrant in verdict]
    return sum(verdict.better == entrant for verdict in mine) / len(mine) if mine else None
