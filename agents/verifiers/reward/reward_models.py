"""What ``process-reward`` and ``outcome-reward`` share: which models they can ask, and the one wave in which they ask.

A reward model is given the conversation and the solution in the form that it was trained on (:class:`core.model_spec.RewardForm`)
and says numbers. There is nothing to be parsed and no prompt of ours, so that no text can talk to it; a reply that does not hold
one finite number a step is a broken reply, which the gateway asks for again and which is never stretched to fit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from ....core.calls import CallResult, ModelCall, ScoreReply, ScoreRequest
from ....core.candidate import Candidate, Score, ScoreScale
from ....core.errors import ConfigError
from ....core.model_spec import Ability, ModelSpec, RewardForm
from ....core.problem import Problem
from ....core.protocols import Scope
from ..rating import Ratings, Scores
from ..verifier import VerifierConfig

SCALE: ScoreScale = "reward"
"""Of both verifiers' raw scores."""

_JUDGES = {
    "outcome": ("judges a solution as a whole", "outcome-reward"),
    "process": ("judges every step", "process-reward"),
    "value": ("judges every step", "process-reward"),
}
"""What a kind of reward model does, and the verifier that asks it."""


def reward_needs(config: VerifierConfig) -> Mapping[str, frozenset[Ability]]:
    """The one role that is asked, and that its model must be a reward model."""
    return {config.role: frozenset({Ability.REWARD})}


def require_head(verifier: str, spec: ModelSpec) -> RewardForm:
    """The reward form of a model that ``verifier`` can ask.

    Raises :class:`ConfigError` for a model whose form is not known, that judges something else, or whose numbers nobody can map
    to [0, 1].
    """
    form = spec.reward
    if form is None:
        raise ConfigError(
            f"nothing says how the reward model {spec.name} is asked", hint=f"set models.{spec.name}.reward in models.toml"
        )
    does, fitting = _JUDGES.get(form.kind, ("judges nothing: it has hidden states only", None))
    if fitting != verifier:
        hint = f"set the verifier to {fitting}, or the role to another model" if fitting else "set the role to another model"
        raise ConfigError(f"{verifier} cannot ask {spec.name}, which {does}", hint=hint)
    if form.scale is None:
        raise ConfigError(
            f"the numbers of {spec.name} have no scale, so that they are no scores",
            hint=f"set models.{spec.name}.reward.scale to what it was trained for: probability, sigmoid, tanh or clip",
        )
    return form


class Judging(NamedTuple):
    """What sets the two verifiers apart."""

    verifier: str
    cut: Callable[[Candidate], tuple[str, ...]]
    """A solution as the pieces that are sent; where there are none, nothing is asked."""
    read: Callable[[Candidate, ScoreReply], Score]
    """From what the model said to a score; what it cost is added to it."""


async def score_by_reward(
    judging: Judging, scope: Scope, problem: Problem, candidates: Sequence[Candidate], role: str, *, node: str, visit: int
) -> Scores:
    """One call for every distinct text, each rated as soon as its result is used."""
    ratings = Ratings(scope, candidates, node=node, visit=visit)
    spec = scope.spec(role)
    pieces = {group: judging.cut(candidate) for group, candidate in enumerate(ratings.groups)}
    asked = [group for group, steps in pieces.items() if steps]
    for group in (group for group, steps in pieces.items() if not steps):
        ratings.rate(group, Score(verifier=judging.verifier, value=None, scale=SCALE, rationale="there is no text to judge"))

    async def consume(result: CallResult) -> bool:
        group = asked[result.index]
        ratings.rate(group, _score(judging, ratings.groups[group], result, spec))
        return False

    requests = [ScoreRequest(messages=problem.messages, steps=pieces[group]) for group in asked]
    wave = await scope.wave(node, [ModelCall(role=role, request=each) for each in requests], consume=consume, visit=visit)
    return ratings.scores(wave.stop_reason)


def _score(judging: Judging, candidate: Candidate, result: CallResult, spec: ModelSpec) -> Score:
    if result.scored is None:
        said = result.failure.message if result.failure else ""
        return Score(verifier=judging.verifier, value=None, scale=SCALE, rationale=said)
    return judging.read(candidate, result.scored).model_copy(update={"scale": SCALE, "usage": spec.cost(result.scored)})
