"""``outcome-reward``: an outcome reward model that judges a solution as a whole.

Source: Cobbe et al. 2021, "Training Verifiers to Solve Math Word Problems" (arXiv 2110.14168), read at the last token. A model
with two labels gives the probability that the solution is right. One that was trained on preferences gives a number which says
only which of two solutions of one question is better: its sigmoid keeps that order, and is no probability of being right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ....core.budget import CallBounds
from ....core.calls import ScoreReply
from ....core.candidate import Candidate, Score
from ....core.model_spec import ModelSpec
from ....core.problem import Problem
from ....core.protocols import Scope
from ..rating import Scores
from ..verifier import Verifier, VerifierConfig, playing
from .reward_models import SCALE, Judging, require_head, reward_needs, score_by_reward

NAME = "outcome-reward"


class OutcomeRewardConfig(VerifierConfig):
    """Options of ``outcome-reward``."""


def _read(_: Candidate, scored: ScoreReply) -> Score:
    (value,) = scored.probabilities or (None,)
    return Score(verifier=NAME, value=value, raw=scored.raw[0])


_JUDGING = Judging(NAME, lambda candidate: (candidate.text,) if candidate.text.strip() else (), _read)


async def _score_all(
    scope: Scope, problem: Problem, candidates: Sequence[Candidate], config: OutcomeRewardConfig, *, node: str, visit: int = 0
) -> Scores:
    return await score_by_reward(_JUDGING, scope, problem, candidates, config.role, node=node, visit=visit)


def _check(config: OutcomeRewardConfig, team: Mapping[str, ModelSpec]) -> None:
    require_head(NAME, playing(team, config.role))


VERIFIER = Verifier(
    name=NAME,
    summary="Ask an outcome reward model about the solution as a whole.",
    paper="Cobbe et al. 2021 (arXiv 2110.14168)",
    config=OutcomeRewardConfig,
    score=_score_all,
    cost=lambda _config, _team, work: CallBounds(1, work.candidates),
    scale=SCALE,
    needs=reward_needs,
    check=_check,
)
