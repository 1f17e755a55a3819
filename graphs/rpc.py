"""``rpc``: vote with the probabilities of the sampled paths, the unlikely ones pruned.

Source: Zhou et al. 2025, "Bridging Internal Probability and Self-Consistency for Effective and Efficient LLM Reasoning" (arXiv
2502.00511); the rules are in :mod:`.perplexity` and :mod:`.weibull`. The paper weighs a path by the probability of its whole
text. The code that its authors published weighs by the geometric mean of its tokens' probabilities: a different estimator,
which is ``estimator=mean`` here and says so in every score. We differ in that paths without a readable answer take no part in
the fit, that five paths are the fewest that are pruned, and in how the likely kind is told (:class:`.weibull.Mixture`).
Log-probabilities are taken as the server tells them: by vLLM's default those before temperature and top-p.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import exp
from typing import Literal

from pydantic import Field

from ..agents.policy import prompts_for
from ..core.candidate import Candidate, Score
from .perplexity import Standing, standings
from .sampling import Plan, Told, Vote, sampling_cost, voting
from .selection import VOTED_KINDS
from .strategy import Strategy

_OUT = {"": "", "repeated": "The same path as another sample.", "pruned": "Pruned: of the unlikely paths."}


class RpcConfig(Told):
    """Options of ``rpc``."""

    n: int = Field(default=64, ge=1, le=1024)
    """Samples. The paper takes 64 to 128."""
    prune: bool = True
    """Leave out the paths of the less likely kind; off, this is the paper's perplexity consistency alone."""
    estimator: Literal["sequence", "mean"] = "sequence"
    """What a path weighs: ``sequence`` the probability of its text, ``mean`` the geometric mean of its tokens' probabilities."""
    batched: bool = True
    """Ask for all samples in one request where the model has the ability ``n``: its prompt is paid once."""

    @property
    def plan(self) -> Plan:
        """All n samples."""
        return Plan(self.n, batched=self.batched)

    @property
    def vote(self) -> Vote:
        """By the probabilities of the paths; the scores say which rule and which estimator they are of."""
        rule = "rpc" if self.prune else "perplexity-consistency"
        judge = rule if self.estimator == "sequence" else f"{rule}-by-mean"
        return Vote("weighted", judge, partial(weigh, config=self))


def weigh(candidates: Sequence[Candidate], config: RpcConfig) -> list[Score | None]:
    """The scores of candidates; None for one without an answer, or whose log-probability the server did not tell."""
    able = {index: value for index, one in enumerate(candidates) if (value := _logprob(one, config)) is not None}
    paths = [(candidates[index].thinking, candidates[index].text) for index in able]
    scores: list[Score | None] = [None] * len(candidates)
    for index, standing in zip(able, standings(paths, list(able.values()), prune=config.prune), strict=True):
        scores[index] = _score(standing, config)
    return scores


def _logprob(candidate: Candidate, config: RpcConfig) -> float | None:
    if candidate.answer is None or candidate.logprob is None:
        return None
    if config.estimator == "sequence":
        return candidate.logprob
    return candidate.logprob / candidate.completion_tokens if candidate.completion_tokens else None


def _score(standing: Standing, config: RpcConfig) -> Score:
    ratio, out = standing
    value = None if out else exp(ratio)
    return Score(verifier=config.vote.judge, value=value, raw=ratio, scale="log_ratio", rationale=_OUT[out])


STRATEGY = Strategy(
    name="rpc",
    summary="Vote with the probabilities of the sampled paths, each distinct one once and the unlikely ones pruned.",
    paper="Zhou et al. 2025 (arXiv 2502.00511)",
    config=RpcConfig,
    build=voting,
    cost=sampling_cost,
    prompts=prompts_for,
    kinds=VOTED_KINDS,
)
