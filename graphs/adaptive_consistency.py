"""``adaptive-consistency``: draw samples until their answers agree well enough, then vote.

Source: Aggarwal et al. 2023, "Let's Sample Step by Step: Adaptive-Consistency" (arXiv 2305.11860): its four criteria and its
cap of 40. We differ in keeping a window of calls in flight, which changes speed and never the answer, in counting readable
answers only, and in computing the Dirichlet criterion exactly where the paper draws random numbers. It is
``self-consistency`` under another stopping rule: the same samples, the same vote.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Literal

from pydantic import Field, model_validator

from ..agents.policy import prompts_for
from .sampling import Plan, Planned, sampling_cost, voting
from .selection import VOTED_KINDS
from .stopping import beta_agrees, dirichlet_agrees, entropy_agrees, majority_agrees
from .strategy import Strategy

_RULES = {"beta": beta_agrees, "dirichlet": dirichlet_agrees, "entropy": entropy_agrees, "majority": majority_agrees}
_THRESHOLDS = {"beta": 0.95, "dirichlet": 0.95, "entropy": 0.75, "majority": 0.8}
"""The authors' own."""


class AdaptiveConsistencyConfig(Planned):
    """Options of ``adaptive-consistency``."""

    n: int = Field(default=40, ge=1, le=1024)
    """Samples at most."""
    criterion: Literal["beta", "dirichlet", "entropy", "majority"] = "beta"
    """When to stop: ``beta``, the leader is sure to stay ahead of the second; ``dirichlet``, of the next four; ``entropy``, votes
    are far from even; ``majority``, the leader has a large share of them."""
    threshold: float = Field(default=0.95, gt=0, lt=1)
    """How sure, how large a share, or how much entropy at most; 0.75 by default for ``entropy``, 0.8 for ``majority``."""
    window: int = Field(default=4, ge=1)
    """Calls in flight."""

    @model_validator(mode="before")
    @classmethod
    def _each_criterion_has_its_threshold(cls, given: Any) -> Any:
        """Complete the threshold, so that a stored run says all that decided it."""
        if isinstance(given, Mapping) and "threshold" not in given and given.get("criterion") in _THRESHOLDS:
            return {**given, "threshold": _THRESHOLDS[given["criterion"]]}
        return given

    @property
    def plan(self) -> Plan:
        """A stopping rule must see samples one by one."""
        return Plan(self.n, agrees=partial(_RULES[self.criterion], threshold=self.threshold), window=self.window)


STRATEGY = Strategy(
    name="adaptive-consistency",
    summary="Draw samples until their answers agree well enough, then take the majority answer.",
    paper="Aggarwal et al. 2023 (arXiv 2305.11860)",
    config=AdaptiveConsistencyConfig,
    build=voting,
    cost=sampling_cost,
    prompts=prompts_for,
    kinds=VOTED_KINDS,
)
