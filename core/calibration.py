"""Calibration: from how sure a strategy is to how likely its answer is right, as fitted on development problems.

A calibration holds for the strategy, options, models and prompts that it was fitted on, and for questions like those. What must
stay true: a run is told the map that it uses when it is created, so that a replay says the same; a map never falls.
"""

from __future__ import annotations

import hashlib
import json
import math
from bisect import bisect_right
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field

from .base import Frozen


class Knot(Frozen):
    """A point of a map, and what it rests on."""

    confidence: float
    probability: float


class IsotonicMap(Frozen):
    """Straight lines between knots, and level beyond the first and the last: steps that only rise, joined."""

    kind: Literal["isotonic"] = "isotonic"
    knots: tuple[Knot, ...] = Field(min_length=1)
    """By rising confidence."""

    def probability(self, confidence: float) -> float:
        """How likely an answer of this confidence is right."""
        place = bisect_right(self.knots, confidence, key=lambda knot: knot.confidence)
        if place in {0, len(self.knots)}:
            return self.knots[max(0, place - 1)].probability
        low, high = self.knots[place - 1], self.knots[place]
        part = (confidence - low.confidence) / (high.confidence - low.confidence)
        return low.probability + part * (high.probability - low.probability)


class PlattMap(Frozen):
    """A logistic curve of the confidence."""

    kind: Literal["platt"] = "platt"
    slope: float = Field(ge=0)
    intercept: float

    def probability(self, confidence: float) -> float:
        """How likely an answer of this confidence is right."""
        return (1 + math.tanh((self.slope * confidence + self.intercept) / 2)) / 2


ConfidenceMap = Annotated[IsotonicMap | PlattMap, Field(discriminator="kind")]

Method = Literal["none", "isotonic", "platt"]
"""How confidences are mapped; ``none`` leaves them as they are."""


class AppliedCalibration(Frozen):
    """What a run is told of a calibration."""

    title: str
    """``NAME@VERSION``."""
    map: ConfidenceMap


class CalibrationData(Frozen):
    """What a calibration was fitted on."""

    experiment: str
    arm: str
    task: str
    split: str
    fingerprint: str
    """Of the task's data."""
    sha256: str
    """Of the rows that were fitted: problem, seed, confidence and whether the answer was right."""
    problems: int
    n: int
    """Answers with a confidence: one for each problem and seed."""
    right: int
    """Of them."""
    unsure: int
    """Runs without a confidence, which the map says nothing about."""
    cut: int
    """Runs that their budget or deadline cut short: they were left out."""


class Fit(Frozen):
    """How far confidences are from the truth: as they are, or as a map makes them."""

    method: Method
    brier: float
    """Mean square of probability minus right (1) or wrong (0). That of a map is cross-validated: each problem under a map that
    was fitted without it."""
    ece: float
    """Expected calibration error over ten bins of equal width, cross-validated likewise."""
    gain: tuple[float, float, float] | None = None
    """By how much the Brier score is lower than that of the confidences as they are, with its interval at 95 %."""


class Threshold(Frozen):
    """From which confidence on answers may be taken, so that the risk of taking a wrong one is bounded.

    The risk is the share of all questions that end in a wrong answer which was taken, not the share of what was taken.
    """

    risk: float
    """At most this, over the draw of the development problems and the next question."""
    confidence: float | None
    """None where no threshold can promise it."""
    least: float | None
    """The smallest risk for which there is a threshold with these problems; None where no run had a confidence."""
    problems: int
    taken: int
    """Of the problems, at this threshold."""
    wrong: int
    """Of what was taken."""


class Calibration(Frozen):
    """A fitted calibration: of what, on what, how, and how well."""

    strategy: str
    config: dict[str, Any]
    """The strategy's configuration, complete."""
    models: dict[str, str]
    """Name of the model by role, of the roles that the strategy has."""
    prompts: dict[str, str]
    """Digest of each prompt's text, by name."""
    data: CalibrationData
    map: ConfidenceMap
    fits: tuple[Fit, ...]
    """Of the confidences as they are, and of each way to map them."""
    accept: Threshold
    """For the confidence of a finished run."""
    stop: Threshold | None
    """For stopping early by the leader's share of the votes; None where the arm's samples cannot tell."""

    @property
    def digest(self) -> str:
        """The sha256 of all of it: what tells one version from another, and whether what is stored is what was fitted."""
        return _sha256(self.model_dump(mode="json"))

    @property
    def key(self) -> str:
        """See :func:`calibration_key`."""
        return calibration_key(self.strategy, self.config, self.models)


class StoredCalibration(Frozen):
    """A version of a calibration, as stored. Versions are counted from 1; no number and no content ever changes."""

    name: str
    version: int
    made_at: float
    """Unix time."""
    calibration: Calibration

    @property
    def title(self) -> str:
        """``NAME@VERSION``."""
        return f"{self.name}@{self.version}"

    @property
    def applied(self) -> AppliedCalibration:
        """What a run is told of it."""
        return AppliedCalibration(title=self.title, map=self.calibration.map)


def calibration_key(strategy: str, config: Mapping[str, Any], models: Mapping[str, str]) -> str:
    """The hash of strategy, options and models: equal where a calibration may hold, prompts aside."""
    return _sha256([strategy, config, models])


def prompt_digests(prompts: Mapping[str, str]) -> dict[str, str]:
    """A short digest of each prompt's text, by name."""
    return {name: hashlib.blake2b(prompts[name].encode(), digest_size=8).hexdigest() for name in sorted(prompts)}


def _sha256(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, ensure_ascii=True).encode()).hexdigest()
