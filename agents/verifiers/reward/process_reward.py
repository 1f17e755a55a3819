"""``process-reward``: a process reward model, or a value head, that judges every step of a solution.

The whole solution is judged in one call, each step in the light of those before it. How step scores become one is not settled:
Lightman et al. 2023 (arXiv 2305.20050) multiply them, Math-Shepherd (Wang et al. 2023, arXiv 2312.08935) takes their minimum, and
Zhang et al. 2025, "The Lessons of Developing Process Reward Models" (arXiv 2501.07301), find that the minimum and the product
suit models that judge steps, and the last score those that in truth predict the outcome, as value heads do (arXiv 2405.03553).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....core.budget import CallBounds
from ....core.calls import ScoreReply
from ....core.candidate import Candidate, Score
from ....core.model_spec import ModelSpec
from ....core.problem import Problem
from ....core.protocols import Scope
from ....core.steps import ends_of
from ..rating import Scores
from ..step_scores import Aggregate, aggregate
from ..verifier import Verifier, VerifierConfig, playing
from .reward_models import SCALE, Judging, require_head, reward_needs, score_by_reward

NAME = "process-reward"


class ProcessRewardConfig(VerifierConfig):
    """Options of ``process-reward``."""

    aggregate: Aggregate | None = None
    """How the scores of the steps become one: ``last``, ``min``, ``mean`` or ``product``. By default the minimum where the model
    judges steps, the last where it has a value head."""


async def _score_all(
    scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: ProcessRewardConfig, *, node: str, visit: int = 0
) -> Scores:
    form = require_head(NAME, scope.spec(config.role))
    how = config.aggregate or ("last" if form.kind == "value" else "min")

    def read(candidate: Candidate, scored: ScoreReply) -> Score:
        steps = scored.probabilities or ()
        value = aggregate(steps, how)
        # The mean of logits is not the logit of the mean: only a score that is one step's has a number of the model's own.
        raw = aggregate(scored.raw, how) if how in {"last", "min"} else value
        return Score(verifier=NAME, value=value, raw=raw, steps=steps, ends=ends_of(candidate.cut()))

    judging = Judging(NAME, Candidate.cut, read)
    return await score_by_reward(judging, scope, problem, candidates, config.role, node=node, visit=visit)


def _check(config: ProcessRewardConfig, team: Mapping[str, ModelSpec]) -> None:
    require_head(NAME, playing(team, config.role))


VERIFIER = Verifier(
    name=NAME,
    summary="Ask a process reward model or a value head about every step.",
    paper="Lightman et al. 2023 (arXiv 2305.20050); min: Wang et al. 2023, Math-Shepherd (arXiv 2312.08935)",
    config=ProcessRewardConfig,
    score=_score_all,
    cost=lambda _config, _team, work: CallBounds(1, work.candidates),
    scale=SCALE,
    needs=reward_needs,
    check=_check,
)
