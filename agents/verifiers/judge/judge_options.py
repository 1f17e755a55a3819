"""Options of the judge."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from ..step_scores import Aggregate
from ..verifier import VerifierConfig

LONGEST_RUBRIC = 20_000
"""Characters: it is part of every question."""


class JudgeConfig(VerifierConfig):
    """Options of ``judge``."""

    unit: Literal["outcome", "step", "first-error"] = "outcome"
    """What is judged. ``outcome``: the solution as a whole. ``step``: every step, given those before it, a question each.
    ``first-error``: which step is the first that is wrong, in one question."""
    mode: Literal["labels", "scoring", "verdict"] = "labels"
    """``labels``: one word, P(Yes) of its first token, no reasoning. ``scoring``: the same, all questions about a solution in one
    request to vLLM. ``verdict``: reason first, then a written verdict, which is how a first error is always told."""
    aggregate: Aggregate = "min"
    """How the scores of steps become one: ``last``, ``min``, ``mean`` or ``product``."""
    view: Literal["auto", "full", "equations"] = "auto"
    """What the judge is shown. ``equations``: only what computes, without the prose around it, in which instructions would
    stand. ``auto``: that where a whole is judged, the question asks for a number or an expression, and a solution holds an
    equation; all of it elsewhere."""
    rubric: str = ""
    """Criteria to judge by; at the command line ``@FILE`` reads them from a file."""
    samples: int = Field(default=1, ge=1, le=64)
    """Verdicts a question, averaged; more than one needs mode verdict and a temperature."""
    temperature: float = Field(default=0.0, ge=0, le=2)
    """Sampling temperature of verdicts."""
    max_tokens: int = Field(default=512, gt=0)
    """Completion tokens a written verdict may use."""
    least_mass: float = Field(default=0.1, gt=0, le=1)
    """Labels with less probability than this together are no verdict: the model was about to write something else."""

    @model_validator(mode="before")
    @classmethod
    def _an_index_is_written(cls, given: Any) -> Any:
        by_index = isinstance(given, Mapping) and given.get("unit") == "first-error"
        return {"mode": "verdict", **given} if by_index else given

    @field_validator("rubric")
    @classmethod
    def _not_too_long(cls, given: str) -> str:
        if len(given) > LONGEST_RUBRIC:
            raise ValueError(f"the rubric has {len(given)} characters, more than {LONGEST_RUBRIC}")
        return given.strip()

    @model_validator(mode="after")
    def _consistent(self) -> JudgeConfig:
        if self.unit == "first-error" and self.mode != "verdict":
            raise ValueError("the first error is told in writing: leave mode out, or set mode=verdict")
        if self.samples > 1 and (self.mode != "verdict" or self.temperature == 0):
            raise ValueError("several samples need mode=verdict and a temperature above 0, or they would all be the same")
        return self
