"""``ensemble``: several verifiers score, and their scores become one.

``mean`` and ``min`` are the plain ones; ``min`` trusts a solution only as far as every member does. ``lower-bound`` takes ``z``
standard errors off the mean, so that members who disagree cost a solution its place: Coste et al. 2023, "Reward Model Ensembles
Help Mitigate Overoptimization" (arXiv 2310.02743) take the variance off instead. ``consensus`` gives a value only where all
members name the same first wrong step, or none: Zhang et al. 2025 (arXiv 2501.07301) keep Monte-Carlo labels that a judge agrees
with, and throw the rest away. Their completions label a step as right where any of them is: that is ``rollout`` with value=any.

The members' own scores are kept with the candidate, in their order. The ensemble's comes last: it is the one that
decides, and says what all of them cost. A candidate that some member did not reach gets none of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import ConfigDict, Field, model_validator

from ....core.base import Frozen
from ....core.budget import CallBounds
from ....core.candidate import Candidate, Score
from ....core.model_spec import Ability, ModelSpec
from ....core.problem import Problem
from ....core.protocols import Scope
from ....core.result import StopReason
from ....core.usage import Usage
from ..rating import Scores
from ..verifier import Configured, Verifier, Workload
from .combining import Combine, Rule, combine
from .members import Member, Work, all_at_once

NAME = "ensemble"


class EnsembleConfig(Frozen):
    """Options of ``ensemble``."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    members: tuple[Member, ...] = Field(
        default_factory=lambda: (Member(name="judge"), Member(name="judge", options={"mode": "verdict"})), min_length=2
    )
    """Who scores: verifiers with their options, such as ``[{"name": "judge"}, {"name": "rollout"}]``."""
    combine: Combine = "mean"
    """How their scores become one: mean, min, lower-bound, consensus."""
    z: float = Field(default=1.0, ge=0)
    """Standard errors that lower-bound takes off the mean. Of two members, 1 gives the lower value."""
    quorum: int | None = Field(default=None, ge=1)
    """Members that must have a value for the ensemble to have one; all of them where it is not given."""

    @model_validator(mode="after")
    def _quorum_can_be_had(self) -> EnsembleConfig:
        least = 2 if self.combine == "lower-bound" else len(self.members) if self.combine == "consensus" else 1
        if self.quorum is not None and not least <= self.quorum <= len(self.members):
            raise ValueError(f"quorum={self.quorum} of {len(self.members)} members: {self.combine} takes {least} or more of them")
        return self

    @property
    def judging(self) -> tuple[Configured, ...]:
        """The members under their options."""
        return tuple(member.judging for member in self.members)

    @property
    def rule(self) -> Rule:
        """How members' scores become one."""
        return Rule(self.combine, self.z, self.quorum or len(self.members))


async def _score(
    scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: EnsembleConfig, *, node: str, visit: int = 0
) -> Scores:
    works = await all_at_once(config.members, scope, problem, candidates, node=node, visit=visit)
    made: dict[str, Score] = {}
    for place, candidate in enumerate(candidates):
        scores = [work.scores.by_candidate.get(candidate.id) for work in works]
        known = [score for score in scores if score is not None]
        if len(known) < len(works):
            continue
        for work, score in zip(works, known, strict=True):
            work.scope.rate(candidate.id, score, node=node, visit=visit, index=place)
        made[candidate.id] = _together(works, known, config.rule)
        scope.rate(candidate.id, made[candidate.id], node=node, visit=visit, index=place)
    return Scores(made, _reason(works))


def _together(works: Sequence[Work], scores: Sequence[Score], rule: Rule) -> Score:
    combined = combine(scores, rule)
    said = [f"{rule.combine} has no value: {combined.because}."] if combined.because else []
    for work, score in zip(works, scores, strict=True):
        value = "no value" if score.value is None else f"{score.value:.3g}"
        said.append(f"{work.label}: {value}" + (f". {score.rationale}" if score.rationale else ""))
    return Score(
        verifier=NAME,
        value=combined.value,
        raw=combined.raw,
        steps=combined.steps,
        ends=combined.ends,
        rationale="\n\n".join(said),
        evidence=tuple(evidence for score in scores for evidence in score.evidence),
        usage=sum((score.usage for score in scores), Usage()),
    )


def _reason(works: Sequence[Work]) -> StopReason:
    """Why the first member that was cut short was; a stop by a person goes before any other, since the run may go on."""
    reasons = [work.scores.stop_reason for work in works]
    cuts = [reason for reason in reasons if reason is not StopReason.FINISHED]
    return StopReason.STEERED if StopReason.STEERED in cuts else next(iter(cuts), StopReason.FINISHED)


def _cost(config: EnsembleConfig, team: Mapping[str, ModelSpec], work: Workload) -> CallBounds:
    bounds = [member.cost(team, *work) for member in config.judging]
    return CallBounds(sum(its.least for its in bounds), sum(its.most for its in bounds))


def _needs(config: EnsembleConfig) -> Mapping[str, frozenset[Ability]]:
    needed: dict[str, frozenset[Ability]] = {}
    for member in config.judging:
        for role, its in member.needs.items():
            needed[role] = needed.get(role, frozenset()) | its
    return needed


def _check(config: EnsembleConfig, team: Mapping[str, ModelSpec]) -> None:
    for member in config.judging:
        member.check(team)


VERIFIER = Verifier(
    name=NAME,
    summary="Have several verifiers score, and make one score of theirs.",
    paper="Coste et al. 2023 (arXiv 2310.02743); combine=consensus: Zhang et al. 2025 (arXiv 2501.07301)",
    config=EnsembleConfig,
    score=_score,
    cost=_cost,
    prompts=lambda problem, config: tuple(name for member in config.judging for name in member.prompts(problem)),
    needs=_needs,
    tools=lambda config: tuple(dict.fromkeys(name for member in config.judging for name in member.tools)),
    runs_code=lambda config: any(member.runs_code for member in config.judging),
    check=_check,
)
