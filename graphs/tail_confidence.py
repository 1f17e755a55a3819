"""``tail-confidence``: sample several solutions and vote, each weighed by how sure the model was of the end of it.

Our own reading of Fu et al. 2025, "Deep Think with Confidence" (arXiv 2508.15260), whose tail confidence is the mean, over the
last 2048 tokens, of the negated mean log-probability of the likeliest tokens at each place. We take the written token alone,
which every server tells; the last part of the tokens instead of a number of them, since small models write 300; and the
exponential of the mean, which is a probability and cannot outweigh a vote without bound. Nothing is filtered out.

A weight belongs to a sample alone and is never negative, so that the vote is permutation invariant, label symmetric and
monotone: one more sample for the winner leaves it the winner.
"""

from __future__ import annotations

from pydantic import Field

from ..agents.policy import prompts_for
from ..core.calls import Choice
from ..core.candidate import Score
from .sampling import Plan, Told, Vote, sampling_cost, voting
from .selection import VOTED_KINDS
from .strategy import Strategy
from .weighing import mean_probability

_NAME = "tail-confidence"


class TailConfidenceConfig(Told):
    """Options of ``tail-confidence``."""

    n: int = Field(default=16, ge=1, le=1024)
    """Samples."""
    tail: float = Field(default=0.2, gt=0, le=1)
    """Which part of its tokens is the end of a sample, thinking included; 1 is all of them."""
    batched: bool = True
    """Ask for all samples in one request where the model has the ability ``n``: its prompt is paid once."""

    @property
    def plan(self) -> Plan:
        """All n samples, each rated as it comes."""
        return Plan(self.n, batched=self.batched, rate=self._rate)

    @property
    def vote(self) -> Vote:
        """By the confidence in their ends."""
        return Vote("weighted", judge=_NAME)

    def _rate(self, choice: Choice) -> Score | None:
        value = mean_probability(choice.logprobs, self.tail)
        return None if value is None else Score(verifier=_NAME, value=value, raw=value)


STRATEGY = Strategy(
    name=_NAME,
    summary="Sample several solutions and vote, each weighed by how sure the model was of its last part.",
    paper="after Fu et al. 2025, Deep Think with Confidence (arXiv 2508.15260)",
    config=TailConfidenceConfig,
    build=voting,
    cost=sampling_cost,
    prompts=prompts_for,
    kinds=VOTED_KINDS,
)
