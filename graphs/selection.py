"""Selectors: pure functions from candidates and their answer groups to a pick. All of them run on the same candidates.

``groups`` has one entry per candidate, by index: equal answers share a number, -1 means no readable answer. Rules that hold
for every selector: a candidate without an answer never wins; ties go to the answer whose first candidate has the lowest
index; the candidate that stands for an answer is its first, or its best by score where scores decide.

What a rule may keep, ties left aside, and its docstring says which: *permutation invariance*, the order of the candidates changes
no winner; *label symmetry*, other names for the answers give the winner its other name; *monotony*, one more candidate for the
winner leaves it the winner; *independence*, one more candidate for some answer reverses no two others.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import fsum

from ..agents.verifiers.step_scores import AGGREGATES, aggregate
from ..core.candidate import Answer, Candidate
from ..core.problem import AnswerKind
from ..core.result import Selection, Votes

NOTHING = Selection(answer=None, candidate=None)
"""What a selector returns where no candidate has an answer."""

VOTED_KINDS = frozenset({AnswerKind.NUMBER, AnswerKind.EXPRESSION, AnswerKind.CHOICE, AnswerKind.JSON})
"""Kinds of answer that can be equal without being the same text, so that votes mean something."""


def majority(candidates: Sequence[Candidate], groups: Sequence[int]) -> Selection:
    """The answer with most votes; ``support`` is its share of the readable answers. All four invariants hold.

    Source: Wang et al. 2022, "Self-Consistency Improves Chain of Thought Reasoning" (arXiv 2203.11171).
    """
    return _heaviest(candidates, groups, [1.0] * len(candidates))


def weighted(candidates: Sequence[Candidate], groups: Sequence[int], values: Sequence[float | None]) -> Selection:
    """The answer with the largest sum of scores, and its best candidate; ``support`` is its share of all scores.

    A candidate without a score adds nothing, and an answer none of whose candidates has one cannot win. All four invariants hold
    where no value is negative and each belongs to its candidate alone, whatever the others are.
    """
    return _heaviest(candidates, groups, values)


def best_of(candidates: Sequence[Candidate], groups: Sequence[int], values: Sequence[float | None]) -> Selection:
    """The candidate with the highest score; ``support`` is that score.

    All four invariants hold, the second of them trivially: answers are not looked at, so that any number of votes weighs nothing
    against one high score.
    """
    scored = [
        (value, -index)
        for index, (group, value) in enumerate(zip(groups, values, strict=True))
        if group >= 0 and value is not None
    ]
    if not scored:
        return NOTHING
    value, index = max(scored)
    return _pick(candidates[-index], value)


def select_all(candidates: Sequence[Candidate], groups: Sequence[int]) -> dict[str, Selection]:
    """Every selector that these candidates allow, by name.

    Always ``majority``. Where any candidate was scored: ``weighted`` and ``best-of`` by the outcome score of its last verifier;
    where steps were scored: ``weighted-A`` and ``best-of-A`` for A in last, min, mean, product.
    """
    picks = {"majority": majority(candidates, groups)}
    scores = [candidate.scores[-1] if candidate.scores else None for candidate in candidates]
    if any(score is not None and score.value is not None for score in scores):
        outcome = [score.value if score else None for score in scores]
        picks["weighted"] = weighted(candidates, groups, outcome)
        picks["best-of"] = best_of(candidates, groups, outcome)
    if any(score is not None and score.steps for score in scores):
        for name in AGGREGATES:
            values = [None if score is None else aggregate(score.steps, name) for score in scores]
            picks[f"weighted-{name}"] = weighted(candidates, groups, values)
            picks[f"best-of-{name}"] = best_of(candidates, groups, values)
    return picks


def named(candidates: Sequence[Candidate], groups: Sequence[int]) -> dict[int, str]:
    """How each group's answer is shown, in the order of their first candidates: with its unit, where any of them gave one."""
    members: dict[int, list[Answer]] = {}
    for candidate, group in zip(candidates, groups, strict=True):
        if group >= 0 and candidate.answer is not None:
            members.setdefault(group, []).append(candidate.answer)
    return {group: str(next((answer for answer in answers if answer.unit), answers[0])) for group, answers in members.items()}


def tally(candidates: Sequence[Candidate], groups: Sequence[int]) -> tuple[Votes, ...]:
    """Answers by votes, most first, ties by first index."""
    counts = Counter(groups)
    votes = [Votes(answer=answer, count=counts[group]) for group, answer in named(candidates, groups).items()]
    return tuple(sorted(votes, key=lambda one: -one.count))


def _heaviest(candidates: Sequence[Candidate], groups: Sequence[int], weights: Sequence[float | None]) -> Selection:
    members: dict[int, list[float]] = {}
    firsts: dict[int, int] = {}
    bests: dict[int, tuple[float, int]] = {}
    for index, (group, weight) in enumerate(zip(groups, weights, strict=True)):
        if group >= 0 and weight is not None:
            members.setdefault(group, []).append(weight)
            bests[group] = max(bests.get(group, (weight, -index)), (weight, -index))
        firsts.setdefault(group, index)
    if not members:
        return NOTHING
    totals = {group: fsum(each) for group, each in members.items()}  # exact, so that the order of the votes changes nothing
    winner = max(totals, key=lambda group: (totals[group], -firsts[group]))
    mass = fsum(totals.values())
    return _pick(candidates[-bests[winner][1]], totals[winner] / mass if mass else 0.0)


def _pick(candidate: Candidate, support: float) -> Selection:
    answer = candidate.answer.text if candidate.answer is not None else None
    return Selection(answer=answer, candidate=candidate.id, support=support)
