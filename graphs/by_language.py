"""How paths in several languages (see :mod:`.views`) vote together. Pure functions.

``languages`` and ``groups`` have one entry per candidate, in the order of the paths; a group of -1 is no readable answer.
The rule of the vote (Cross-Lingual Consistency, arXiv 2504.01857; weights and tie rule are ours, the paper's are not published):
the answer with the largest sum of weights, of equals the one with more votes in the question's own language, then with more in
English, then the one whose first candidate comes first.

What holds: the names of the groups do not matter, nor does the order of the candidates but where all else is equal, and a
further vote for the winner does not make it lose.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import fsum

from ..core.candidate import Candidate
from ..core.result import LanguageVotes, Selection, Votes
from .selection import NOTHING, named

ENGLISH = "en"
"""What ties go to after the question's own language: models are best at it."""


def elect(
    candidates: Sequence[Candidate],
    groups: Sequence[int],
    languages: Sequence[str],
    *,
    own: str,
    weights: Mapping[str, float],
) -> Selection:
    """The vote over all languages: see the module's docstring. A language without a weight has 1.

    The candidate that stands for the answer is its first; ``support`` is its share of all weights.
    """
    counts: dict[int, Counter[str]] = {}
    firsts: dict[int, int] = {}
    for index, (group, code) in enumerate(zip(groups, languages, strict=True)):
        if group >= 0:
            counts.setdefault(group, Counter())[code] += 1
            firsts.setdefault(group, index)
    if not counts:
        return NOTHING
    # fsum rounds once, whatever the order: the order of the candidates must not make one of two equal sums the larger.
    totals = {group: fsum(weights.get(code, 1.0) for code in each.elements()) for group, each in counts.items()}
    winner = max(counts, key=lambda group: (totals[group], counts[group][own], counts[group][ENGLISH], -firsts[group]))
    first = candidates[firsts[winner]]
    answer = first.answer.text if first.answer is not None else None
    return Selection(answer=answer, candidate=first.id, support=totals[winner] / fsum(totals.values()))


def votes_by_language(
    candidates: Sequence[Candidate],
    groups: Sequence[int],
    languages: Sequence[str],
    *,
    shares: Mapping[str, int],
    pick: str | None,
) -> tuple[LanguageVotes, ...]:
    """The votes of each language of ``shares``, in their order; ``pick`` is the id of the candidate that was picked."""
    names = named(candidates, groups)
    winner = next((group for candidate, group in zip(candidates, groups, strict=True) if candidate.id == pick), -1)
    found = []
    for code, planned in shares.items():
        mine = [group for group, language in zip(groups, languages, strict=True) if language == code]
        counts = Counter(group for group in mine if group >= 0)
        votes = tuple(Votes(answer=names[group], count=count) for group, count in counts.most_common())
        agreement = counts[winner] / counts.total() if counts else None
        found.append(LanguageVotes(language=code, planned=planned, paths=len(mine), votes=votes, agreement=agreement))
    return tuple(found)
