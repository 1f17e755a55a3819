"""What an experiment leaves behind: its problems, one trial a run, one sample a candidate: the source of every figure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from pydantic import Field

from ...core.base import Frozen

JUDGING = "verify"
"""The strategy whose trials are verdicts on solutions that were given."""


class Arm(Frozen):
    """What is compared: a strategy under one configuration, with one team and one budget a problem."""

    label: str
    """Unique in the experiment; what tables and files call it."""
    strategy: str
    options: dict[str, Any] = Field(default_factory=dict)
    """As given: what is left out keeps the strategy's default."""
    team: dict[str, str] = Field(default_factory=dict)
    """Model by role, by name; roles left out inherit the policy's."""
    budget: str | None = None
    """Of one problem, as ``--budget`` takes it."""


@dataclass(frozen=True, slots=True)
class ProblemRow:
    """A problem, without its text."""

    id: str
    gold: str
    groups: dict[str, str] = field(default_factory=dict)
    """What results may be broken down by: level, subject, language."""


@dataclass(frozen=True, slots=True)
class Trial:
    """One run: an arm on a problem under a seed."""

    problem: str
    arm: str
    seed: int
    run_id: str
    status: str
    """As :class:`~symposia.core.result.Status`; ``failed`` ones are no evidence about the arm."""
    stop_reason: str
    answer: str | None
    credit: float
    """The grade of the answer, 0 to 1; 0 without one."""
    reason: str
    """Why the grade."""
    confidence: float | None
    credits: dict[str, float]
    """The grade of every selector's pick on the same candidates, by selector."""
    calls: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    lost_tokens: int
    """Upper bound of what lost calls took: charged, but in no cost that is compared."""
    question_tokens: int
    """Prompt tokens of one policy call: paid once where all samples are asked for in one request."""
    sample_tokens: int
    """Completion tokens of the policy: of all samples together, where the server does not tell them one by one."""
    check_tokens: int
    """Cost tokens of all roles but the policy: what scoring the samples took."""
    dollars: float | None
    """None where any call's price is unknown."""
    seconds: float
    failures: dict[str, int]
    """Calls that failed for good, by error code."""
    tools: dict[str, int] = field(default_factory=dict)
    """Tool calls of its candidates: ``calls``, of them ``justified``, ``failed``, ``repeated``; empty where it has no tools.
    Of a verdict on solutions that were given: ``checks``, the calls that its scores rest on, of them ``failed_checks``.
    """

    @property
    def cost_tokens(self) -> int:
        """Completion plus uncached prompt tokens of all roles."""
        return self.completion_tokens + self.prompt_tokens - self.cached_tokens


@dataclass(frozen=True, slots=True)
class Sample:
    """One counted candidate of a trial, by its index.

    One that was given to be judged has no answer, but a credit: what it is worth.
    """

    problem: str
    arm: str
    seed: int
    index: int
    answer: str | None
    """Canonical value, with ``unit`` apart; None where none could be read."""
    unit: str | None
    group: int
    """Equal answers of one trial share a number, numbered by first appearance; -1 without an answer."""
    credit: float
    rule: str | None
    """Where in the text the answer was found."""
    finish: str
    completion_tokens: int | None
    logprob: float | None
    score: float | None
    """The last verifier's value."""
    steps: tuple[float | None, ...] = ()
    """The same of each step, where it judged steps."""
    language: str = ""
    """In which it was to be reasoned; empty for one that was given, and where an older symposia wrote it."""


@dataclass(frozen=True)
class Evidence:
    """All there is to know of an experiment."""

    name: str
    plan: dict[str, Any]
    """What was asked for, with versions, task fingerprint and split, as JSON."""
    arms: tuple[Arm, ...]
    problems: tuple[ProblemRow, ...]
    trials: tuple[Trial, ...]
    samples: tuple[Sample, ...]
