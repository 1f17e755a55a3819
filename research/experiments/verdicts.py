"""From what a verifier scored to what it says of a problem's solutions. Pure functions.

Of one solution it says where the first wrong step is, or that there is none: ProcessBench (Zheng et al. 2024, arXiv 2412.06559).
Of several it says which is the best: pairwise accuracy, as in Themis (Li et al. 2024, arXiv 2310.01045). Nothing is made up: a
verifier that judges solutions as a whole can say that one is right, but not where another goes wrong; equal scores decide
nothing; and a score that is missing is no verdict, which counts as wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...agents.verifiers.step_scores import StepScores, first_error
from ..tasks.fields import LETTERS

THRESHOLD = 0.5
"""What scores below it is wrong. It is never tuned on the problems that are reported."""
NO_ERROR = -1
"""The index of the first wrong step where there is none."""


class Judged(NamedTuple):
    """What a verifier gave a solution."""

    score: float | None
    steps: StepScores = ()


class Verdict(NamedTuple):
    """What it says of a problem's solutions."""

    answer: str | None
    """The index of the first wrong step of a single solution, the letter of the best of several; None without a verdict."""
    reason: str = ""
    """Why there is none."""
    credit: float = 0.0
    """What having none is worth: a part for those that tie."""


def verdict(judged: Sequence[Judged], worth: Sequence[float]) -> Verdict:
    """What was said of a problem's solutions. ``worth`` is what each is worth, which decides the credit of a tie alone."""
    return _first_wrong(*judged) if len(judged) == 1 else _best(judged, worth)


def wrong_step(judged: Judged) -> int | None:
    """The index of the first step below :data:`THRESHOLD`, :data:`NO_ERROR` where there is none; None where nobody can tell.

    A verifier without steps can tell that the whole is right.
    """
    if judged.steps:
        return first_error(judged.steps, THRESHOLD)
    return NO_ERROR if judged.score is not None and judged.score >= THRESHOLD else None


def pair_credit(better: float | None, worse: float | None) -> float:
    """1 where the better solution of two scores higher, one half where they tie, 0 where it scores lower or one has no score."""
    if better is None or worse is None:
        return 0.0
    return 0.5 if better == worse else float(better > worse)


def _first_wrong(judged: Judged) -> Verdict:
    place = wrong_step(judged)
    if place is not None:
        return Verdict(str(place))
    if judged.score is not None and not judged.steps:
        return Verdict(None, "the solution is called wrong, but no step of it is named")
    return Verdict(None, "no verdict: a score is missing")


def _best(judged: Sequence[Judged], worth: Sequence[float]) -> Verdict:
    scores = [each.score for each in judged if each.score is not None]
    if len(scores) < len(judged):
        return Verdict(None, "no verdict: a score is missing")
    best = [place for place, score in enumerate(scores) if score == max(scores)]
    if len(best) > 1:
        return Verdict(None, "no verdict: the best scores are equal", sum(worth[place] for place in best) / len(best))
    return Verdict(LETTERS[best[0]])
