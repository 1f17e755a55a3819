"""What strategies share that have candidates scored by a verifier: options, and the wave that scores samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from langgraph.runtime import Runtime
from pydantic import ConfigDict, Field, model_validator

from ..agents.verifiers.verifier import VERIFIERS, Configured
from ..core.base import Frozen
from ..core.result import StopReason
from .sampling import Sampled, drawn
from .strategy import Context


class Judged(Frozen):
    """Which verifier, under which options."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    verifier: str = "judge"
    """Who scores."""
    verifier_options: dict[str, Any] = Field(default={})
    """Options of the verifier, such as ``--set verifier_options.mode=verdict``."""

    @model_validator(mode="before")
    @classmethod
    def _verifier_reads_its_options(cls, given: Any) -> Any:
        """Complete the verifier's options, so that a stored run says all that decided it."""
        if not isinstance(given, Mapping):
            return given
        name, options = given.get("verifier", "judge"), given.get("verifier_options", {})
        if not isinstance(name, str) or not isinstance(options, Mapping):
            return given
        return {**given, "verifier_options": VERIFIERS.get(name).configure(options).model_dump(mode="json")}

    @property
    def judging(self) -> Configured:
        """The verifier under its options."""
        return VERIFIERS.get(self.verifier).under(self.verifier_options)


async def score(state: Sampled, runtime: Runtime[Context[Any]]) -> Sampled:
    """A wave of the verifier: every sample that could win. No call is spent on one without a readable answer."""
    context, cut = runtime.context, state["stop_reason"]
    able = [candidate for candidate in drawn(context.scope, state) if candidate.answer is not None]
    scores = await context.config.judging.score(context.scope, context.problem, able, node="score")
    return {**state, "stop_reason": scores.stop_reason if cut is StopReason.FINISHED else cut}
