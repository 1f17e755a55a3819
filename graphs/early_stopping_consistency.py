"""``early-stopping-consistency``: draw samples window by window until a whole window agrees, then vote on all of them.

Source: Li et al. 2024, "Escape Sky-high Cost: Early-stopping Self-Consistency for Multi-step Reasoning" (arXiv 2401.10480). A
window is asked for at once, in one request where the model can, and the next only when it is complete, so that no call is
broken off. A sample whose call failed, or without a readable answer, agrees with nothing.
"""

from __future__ import annotations

from functools import partial

from pydantic import Field

from ..agents.policy import prompts_for
from .sampling import Plan, Planned, sampling_cost, voting
from .selection import VOTED_KINDS
from .stopping import window_agrees
from .strategy import Strategy


class EarlyStoppingConsistencyConfig(Planned):
    """Options of ``early-stopping-consistency``."""

    n: int = Field(default=40, ge=1, le=1024)
    """Samples at most."""
    window: int = Field(default=5, ge=2, le=1024)
    """Samples of a window: as many as must agree, one after the other."""
    batched: bool = True
    """Ask for a window in one request where the model has the ability ``n``: its prompt is paid once."""

    @property
    def plan(self) -> Plan:
        """A wave for each window."""
        return Plan(self.n, batched=self.batched, agrees=partial(window_agrees, size=self.window), at_once=self.window)


STRATEGY = Strategy(
    name="early-stopping-consistency",
    summary="Draw samples window by window until a whole window agrees, then take the majority answer.",
    paper="Li et al. 2024 (arXiv 2401.10480)",
    config=EarlyStoppingConsistencyConfig,
    build=voting,
    cost=sampling_cost,
    prompts=prompts_for,
    kinds=VOTED_KINDS,
)
