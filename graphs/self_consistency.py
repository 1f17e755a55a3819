"""``self-consistency``: sample several solutions, vote on their answers.

Source: Wang et al. 2022 (arXiv 2203.11171). With ``stop=beta`` sampling ends as soon as the vote is settled: Aggarwal et al.
2023, Adaptive-Consistency (arXiv 2305.11860). We differ there in keeping a window of calls in flight; the decision is made on
the first k samples by index all the same, so that the window changes speed and never the answer.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from pydantic import Field

from ..agents.policy import prompts_for
from .sampling import Plan, Planned, sampling_cost, voting
from .selection import VOTED_KINDS
from .stopping import beta_agrees
from .strategy import Strategy


class SelfConsistencyConfig(Planned):
    """Options of ``self-consistency``."""

    n: int = Field(default=8, ge=1, le=1024)
    """Samples; with ``stop=beta`` the most there can be."""
    stop: Literal["fixed", "beta"] = "fixed"
    """``fixed`` takes all n samples; ``beta`` stops when the leading answer is sure to keep its majority."""
    confidence: float = Field(default=0.95, gt=0.5, lt=1)
    """How sure ``beta`` must be. At 0.95 four equal answers are enough."""
    window: int = Field(default=4, ge=1)
    """Calls in flight under ``beta``."""
    batched: bool = True
    """Ask for all samples of ``fixed`` in one request where the model has the ability ``n``: its prompt is paid once."""

    @property
    def plan(self) -> Plan:
        """A stopping rule must see samples one by one."""
        if self.stop == "fixed":
            return Plan(self.n, batched=self.batched)
        return Plan(self.n, agrees=partial(beta_agrees, threshold=self.confidence), window=self.window)


STRATEGY = Strategy(
    name="self-consistency",
    summary="Sample several solutions and take the majority answer; optionally stop once the vote is settled.",
    paper="Wang et al. 2022 (arXiv 2203.11171); stop=beta: Aggarwal et al. 2023 (arXiv 2305.11860)",
    config=SelfConsistencyConfig,
    build=voting,
    cost=sampling_cost,
    prompts=prompts_for,
    kinds=VOTED_KINDS,
)
