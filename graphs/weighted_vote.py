"""``weighted-vote``: sample several solutions and vote, each weighed by what it is worth.

``score``: a verifier's score, Li et al. 2022, DiVeRSe (arXiv 2206.02336). ``rank``: one over its place by that score, for
verifiers that order samples better than they rate them; our own. ``logprob``: the geometric mean of its tokens' probabilities,
the normalised weighted sum of Wang et al. 2022 (arXiv 2203.11171, table 1), which found it no better than plain votes.

Weights by score and by log-probability belong to a sample alone and are never negative: such votes are permutation invariant,
label symmetric and monotone. Those by rank are too, but depend on other answers: see :func:`.weighing.reciprocal_places`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from pydantic import Field, model_validator

from ..agents.policy import prompts_for
from ..core.budget import CallBounds
from ..core.calls import Choice
from ..core.candidate import Candidate, Score
from ..core.model_spec import ModelSpec
from ..core.problem import Problem
from .judged import Judged, score
from .sampling import Plan, Planned, Sampled, Vote, propose, sampling_cost, vote
from .selection import VOTED_KINDS
from .strategy import Context, Strategy
from .weighing import mean_probability, reciprocal_places


class WeightedVoteConfig(Judged, Planned):
    """Options of ``weighted-vote``."""

    n: int = Field(default=8, ge=1, le=1024)
    """Samples."""
    weights: Literal["score", "rank", "logprob"] = "score"
    """What a vote weighs: the verifier's ``score``, one over its ``rank`` by that score, or the geometric mean of its tokens'
    probabilities (``logprob``), for which no verifier is asked."""
    batched: bool = True
    """Ask for all samples in one request where the model has the ability ``n``: its prompt is paid once."""

    @model_validator(mode="before")
    @classmethod
    def _weights_by_log_probability_ask_for_it(cls, given: Any) -> Any:
        """Complete ``logprobs``, so that a stored run says all that was asked for."""
        if isinstance(given, Mapping) and given.get("weights") == "logprob" and "logprobs" not in given:
            return {**given, "logprobs": True}
        return given

    @model_validator(mode="after")
    def _has_what_it_weighs(self) -> WeightedVoteConfig:
        if self.weights == "logprob" and not self.logprobs:
            raise ValueError("weights=logprob needs logprobs=true")
        return self

    @property
    def judges(self) -> bool:
        """Whether a verifier is asked."""
        return self.weights != "logprob"

    @property
    def plan(self) -> Plan:
        """All n samples."""
        return Plan(self.n, batched=self.batched, rate=None if self.judges else _rate)

    @property
    def vote(self) -> Vote:
        """By the weights."""
        judge = self.verifier if self.judges else "the policy's log-probabilities"
        return Vote("weighted", judge, by_rank if self.weights == "rank" else None)


def _rate(choice: Choice) -> Score | None:
    value = mean_probability(choice.logprobs)
    return None if value is None else Score(verifier="logprob", value=value, raw=value)


def by_rank(candidates: Sequence[Candidate]) -> list[Score | None]:
    """One over the place of each by its last score; None for one without a score."""
    values = [candidate.scores[-1].value if candidate.scores else None for candidate in candidates]
    return [None if weight is None else Score(verifier="rank", value=weight, raw=weight) for weight in reciprocal_places(values)]


def _next(_state: Sampled, runtime: Runtime[Context[WeightedVoteConfig]]) -> Literal["score", "vote"]:
    return "score" if runtime.context.config.judges else "vote"


@cache
def _build() -> CompiledStateGraph[Any, Any, Any, Any]:
    graph = StateGraph(Sampled, context_schema=Context)
    graph.add_node("propose", propose)
    graph.add_node("score", score)
    graph.add_node("vote", vote)
    graph.add_edge(START, "propose")
    graph.add_conditional_edges("propose", _next, ["score", "vote"])
    graph.add_edge("score", "vote")
    graph.add_edge("vote", END)
    return graph.compile()


def _cost(config: WeightedVoteConfig, team: Mapping[str, ModelSpec], problem: Problem) -> CallBounds:
    """The samples; then as much judging as n different texts need, or none where no sample holds an answer."""
    samples = sampling_cost(config, team, problem)
    return CallBounds(samples.least, samples.most + (config.judging.cost(team, config.n).most if config.judges else 0))


STRATEGY = Strategy(
    name="weighted-vote",
    summary="Sample several solutions and vote, each weighed by a verifier's score, its rank, or its log-probability.",
    paper="Li et al. 2022 (arXiv 2206.02336); weights=logprob: Wang et al. 2022 (arXiv 2203.11171)",
    config=WeightedVoteConfig,
    build=_build,
    cost=_cost,
    prompts=prompts_for,
    verifiers=lambda config: (config.judging,) if config.judges else (),
    kinds=VOTED_KINDS,
)
