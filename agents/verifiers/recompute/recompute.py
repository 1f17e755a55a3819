"""``recompute``: what a solution says of numbers and dates is computed again. No model is asked, so that it costs nothing.

The model-free baseline of ``tool-augmented``, ours: the calculator and the calendar of Themis (Li et al. 2024, arXiv 2310.01045),
applied to everything in the solution that they can compute. 0 where something is false, 1 where there is something and all of it
is right, no score where there is nothing, or something cannot be read. It never looks at the question: 1 does not say that the
solution answers it, while 0 is nearly as good as a proof that something is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pydantic import ConfigDict

from ....core.answers import extract
from ....core.base import Frozen
from ....core.budget import CallBounds
from ....core.candidate import Candidate, Evidence, Score
from ....core.problem import AnswerKind, Problem
from ....core.protocols import Scope
from ....core.result import StopReason
from ....tools.check_arithmetic import Verdict, annotated, check
from ..rating import Ratings, Scores
from ..verifier import Verifier
from .calculations import calculations
from .date_claims import DateClaim, date_claims

NAME = "recompute"
_RIGHT = {Verdict.ALL_RIGHT: True, Verdict.INTERMEDIATE_WRONG: False, Verdict.FINAL_WRONG: False, Verdict.UNREADABLE: None}


class RecomputeConfig(Frozen):
    """Options of ``recompute``: there are none."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class _Finding(NamedTuple):
    right: bool | None
    said: str
    evidence: Evidence


def judged(text: str) -> Score:
    """The score of a solution."""
    findings = [*_arithmetic(text), *map(_dated, date_claims(text))]
    rights = [finding.right for finding in findings]
    value = 0.0 if False in rights else None if not rights or None in rights else 1.0
    return Score(
        verifier=NAME,
        value=value,
        raw=value,
        rationale="\n".join(finding.said for finding in findings) or "there is nothing in it that can be computed again",
        evidence=tuple(finding.evidence for finding in findings),
    )


def _arithmetic(text: str) -> list[_Finding]:
    """All calculations together. The last annotation has to come to the answer; an equation on the way need not."""
    found = calculations(text)
    if not found:
        return []
    answer = extract(text, AnswerKind.NUMBER, last_number=False) if annotated(text) else None
    final = answer.raw if answer else None
    report = check(found, final)
    asked = {"annotations": [*found], "final": final}
    evidence = Evidence(tool="check-arithmetic", input=asked, output=report.model_dump(mode="json"))
    return [_Finding(_RIGHT[report.verdict], report.reason, evidence)]


def _dated(claim: DateClaim) -> _Finding:
    verdict = {True: "is right", False: f"is wrong: it is {claim.found}", None: f"cannot be checked: {claim.found}"}[claim.right]
    told = {"error": claim.found} if claim.right is None else {"output": claim.found}
    evidence = Evidence(tool="calendar", input=claim.arguments, **told)
    return _Finding(claim.right, f"{claim.text!r} {verdict}", evidence)


async def _score(
    scope: Scope,
    problem: Problem,  # noqa: ARG001
    candidates: Sequence[Candidate],
    config: RecomputeConfig,  # noqa: ARG001
    *,
    node: str,
    visit: int = 0,
) -> Scores:
    ratings = Ratings(scope, candidates, node=node, visit=visit)
    for group, candidate in enumerate(ratings.groups):
        ratings.rate(group, judged(candidate.text))
    return ratings.scores(StopReason.FINISHED)


VERIFIER = Verifier(
    name=NAME,
    summary="Compute every calculation and date in the solution again; no model is asked.",
    paper="ours, with the calculator and the calendar of Themis (Li et al. 2024, arXiv 2310.01045)",
    config=RecomputeConfig,
    score=_score,
    cost=lambda _config, _team, _work: CallBounds(0, 0),
    needs=lambda _config: {},
)
