"""What strategies share in which a model chooses among candidates: the vote over its choices, and how such a run ends.

Its pick is the selection ``judge``. Where it made none that could be read, the majority decides, or ``first``, the first sample,
where answers cannot be voted on: a declared fallback. Nothing is asked where all samples that can be read have one answer.

No rule in which a model reads candidates keeps any invariant of :mod:`.selection` whatever that model is: it may go by their
order, by how an answer is spelled, or by what an additional candidate says. What each keeps for a given judgement stands there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..agents.selector import Reading
from ..core.answers import group
from ..core.candidate import Candidate
from ..core.events import Warned
from ..core.result import Outcome, Selection, StopReason
from .sampling import Sampled, decided, drawn
from .selection import NOTHING, VOTED_KINDS, select_all
from .strategy import Context

JUDGE = "judge"
"""The selection of a model that read the candidates."""


async def grouped(context: Context[Any], state: Sampled) -> tuple[list[Candidate], tuple[int, ...]]:
    """The samples, and the groups of their answers."""
    candidates = drawn(context.scope, state)
    return candidates, await group([candidate.answer for candidate in candidates], context.scope.same_answer)


def most_picked(candidates: Sequence[Candidate], groups: Sequence[int], picks: Sequence[str]) -> Selection | None:
    """The answer that was picked most often, by the candidate that was picked for it most often; None where nothing was picked.

    ``picks`` are ids of candidates with an answer. Ties go to the earliest candidate. ``support`` is the answer's share of the
    picks; None of a single pick, whose share says nothing. For given picks all four invariants of :mod:`.selection` hold: it is a
    plurality of them.
    """
    if not picks:
        return None
    counts = Counter(picks)
    answers: Counter[int] = Counter()
    for candidate, number in zip(candidates, groups, strict=True):
        answers[number] += counts[candidate.id]
    best = max(answers, key=lambda number: (answers[number], -groups.index(number)))
    members = [candidate for candidate, number in zip(candidates, groups, strict=True) if number == best]
    winner = max(members, key=lambda candidate: counts[candidate.id])  # the first of equals
    return selected(winner, answers[best] / len(picks) if len(picks) > 1 else None)


def conclude(
    context: Context[Any],
    candidates: Sequence[Candidate],
    groups: Sequence[int],
    choice: Selection | None,
    *,
    reason: StopReason,
    node: str,
    by: str = JUDGE,
    missing: str = "the selector named no candidate",
) -> Outcome:
    """What a run comes to whose model chose, or wrote, ``choice``; None where it did not, which ``missing`` says in a warning."""
    selections = select_all(candidates, groups)
    voted = context.problem.answer_kind in VOTED_KINDS
    if not voted:
        del selections["majority"]
    if choice is not None:
        selections[by] = choice
        return decided(context, candidates, groups, selections, by=by, reason=reason)
    readable = [candidate for candidate, number in zip(candidates, groups, strict=True) if number >= 0]
    if readable and not voted:
        selections["first"] = selected(readable[0])
    if readable and reason is not StopReason.STEERED:  # a stopped run may yet go on
        instead = "the majority decides" if voted else "the first sample is taken"
        _warn(context, node, "no_choice", f"{missing}: {instead}")
    return decided(context, candidates, groups, selections, by="majority" if voted else "first", reason=reason)


def warn_of_shortened(context: Context[Any], read: Sequence[Candidate]) -> None:
    """Say how many of the candidates that a model ``read`` were shown to it without their middle. Not of a run that may go on."""
    config: Reading = context.config
    cut = sum(len(candidate.text) > config.shown for candidate in read)
    if cut:
        message = f"{cut} of {len(read)} candidates have more than {config.shown} characters and were read without their middle"
        _warn(context, "shown", "shortened", f"{message} (option shown)")


def selected(candidate: Candidate | None, support: float | None = None) -> Selection:
    """The selection of ``candidate``."""
    if candidate is None or candidate.answer is None:
        return NOTHING
    return Selection(answer=candidate.answer.text, candidate=candidate.id, support=support)


def _warn(context: Context[Any], node: str, code: str, message: str) -> None:
    context.scope.emit(Warned(scope=context.scope.path, node=node, code=code, message=message))
