"""Answers, scores and candidates."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import Field, model_validator

from .base import Frozen
from .calls import FinishReason
from .problem import AnswerKind, ToolCall
from .steps import cut_at, ends_of, split_steps
from .usage import Usage


class ExtractionRule(StrEnum):
    """Where an answer was found: in the text, surest first, or in what a program of it gave."""

    BOXED = "boxed"
    """In the last ``\\boxed{…}``."""
    HASHES = "hashes"
    """After the last ``####``."""
    CUE = "cue"
    """After "the answer is" or the like."""
    PROGRAM = "program"
    """The value that a program of the model's computed."""
    WHOLE = "whole"
    """The whole text is the answer (code, JSON, text, a bare number)."""
    LAST_NUMBER = "last_number"
    """The last number of the text: a declared fallback, counted in every result."""


class Answer(Frozen):
    """A canonical answer. Two answers with one ``key`` are equal; others may still be equal symbolically."""

    value: str
    """Canonical text: a reduced fraction or decimal for numbers, normalised LaTeX for expressions, a letter for choices."""
    unit: str | None = None
    """Currency, percent or unit, apart from the value: votes merge 5 with 5 dollars, never 50 % with 0.5."""
    kind: AnswerKind
    raw: str
    """The text as the model wrote it."""
    rule: ExtractionRule

    @property
    def key(self) -> tuple[str, str | None]:
        """What votes compare first."""
        return (self.value, self.unit)

    @property
    def text(self) -> str:
        """The value as a program or a person wants it: without the unit, a decimal as a decimal."""
        return self.value if "/" in self.raw or "frac" in self.raw else _decimal(self.value)

    def __str__(self) -> str:
        if self.unit is None:
            return self.text
        return f"{self.unit}{self.text}" if self.unit in "$€£¥₹" else f"{self.text} {self.unit}"


def _decimal(value: str) -> str:
    """A fraction that a model wrote as a decimal, as a decimal again; anything else as it is."""
    top, slash, bottom = value.partition("/")
    if not slash or not bottom.isdecimal() or not top.lstrip("-").isdecimal():
        return value
    places = next((places for places in range(1, 16) if 10**places % int(bottom) == 0), None)
    if places is None:
        return value
    digits = str(abs(int(top)) * 10**places // int(bottom)).rjust(places + 1, "0")
    return f"{'-' * top.startswith('-')}{digits[:-places]}.{digits[-places:]}"


class Evidence(Frozen):
    """A tool call behind a score: what was asked, what came back, what went wrong."""

    tool: str
    input: Any = None
    output: Any = None
    error: str | None = None


ScoreScale = Literal["probability", "advantage", "log_ratio", "reward"]
"""What a raw score is. ``reward``: a reward model's own number, which the scale of its reward form maps to [0, 1]."""


class Score(Frozen):
    """A verifier's judgement: ``value`` in [0, 1], made from ``raw`` by the verifier's declared monotone map.

    ``value`` is None after a parse failure: the candidate still votes but cannot win by score. ``steps`` holds one value per
    step of the candidate, ``ends`` where each of them ends; :class:`Candidate` raises where they do not cover its text.
    """

    verifier: str
    value: float | None = Field(ge=0, le=1)
    raw: float | None = None
    scale: ScoreScale = "probability"
    steps: tuple[float | None, ...] = ()
    """One value in [0, 1] per step; None where there is none."""
    ends: tuple[int, ...] = ()
    """Where each of these steps ends, as an offset into the candidate's text."""
    rationale: str = ""
    evidence: tuple[Evidence, ...] = ()
    usage: Usage = Usage()


class ToolCounts(Frozen):
    """The tool calls of one candidate. How many of them were needed, only an experiment can tell."""

    calls: int = 0
    """Asked for by the model."""
    justified: int = 0
    """Of them, those of which it said why it needs them."""
    failed: int = 0
    """Of them, those whose result was an error, or that could not be read."""
    repeated: int = 0
    """Of them, those made before in the same words: answered from what was said then."""


class Candidate(Frozen):
    """One complete attempt at a problem. A failed call is no candidate, and an error text never votes."""

    id: str
    """Journal key of the call and number of the choice: the same in every replay."""
    text: str
    thinking: str = ""
    refusal: str = ""
    """What the model said in refusing, where its API tells refusals apart from answers."""
    steps: tuple[str, ...] = ()
    """Its steps, where it was made step by step; they concatenate to the text. Empty: see :meth:`cut`."""
    answer: Answer | None = None
    language: str = "en"
    role: str = "policy"
    model: str
    """The model that really answered."""
    finish_reason: FinishReason = FinishReason.STOP
    tool_calls: tuple[ToolCall, ...] = ()
    parent: str | None = None
    tool_counts: ToolCounts | None = None
    """What it called on its way; None where its strategy has no tools."""
    logprob: float | None = None
    """Sum of the log-probabilities of its tokens, where the model gives them."""
    completion_tokens: int | None = None
    """Tokens it took, where the server tells them for one sample."""
    scores: tuple[Score, ...] = ()
    counted: bool = True
    """False for late finishers: they came after the stopping rule had decided and never vote."""

    def cut(self) -> tuple[str, ...]:
        """Its steps as verifiers judge them: its own, else those that :func:`.steps.split_steps` finds in its text."""
        return self.steps or split_steps(self.text)

    def step_texts(self, score: Score) -> tuple[str, ...]:
        """The steps that ``score`` judges."""
        return cut_at(self.text, score.ends)

    def with_score(self, score: Score) -> Candidate:
        """This candidate with one more score. Raises :class:`ValueError` where its steps do not match the candidate's."""
        return Candidate.model_validate(dict(self) | {"scores": (*self.scores, score)})

    @model_validator(mode="after")
    def _scores_align(self) -> Candidate:
        if self.steps and "".join(self.steps) != self.text:
            raise ValueError(f"the {len(self.steps)} steps of {self.id} do not make up its text")
        for score in self.scores:
            ends = score.ends or (ends_of(self.steps) if len(score.steps) == len(self.steps) else ())
            if len(ends) != len(score.steps):
                raise ValueError(f"{score.verifier} scored {len(score.steps)} steps of {len(ends or self.steps)} in {self.id}")
            if ends and (list(ends) != sorted({*ends}) or ends[0] <= 0 or ends[-1] != len(self.text)):
                raise ValueError(f"the steps that {score.verifier} scored do not cover the text of {self.id}")
            if self.steps and ends and ends != ends_of(self.steps):
                raise ValueError(f"{score.verifier} cut {self.id} elsewhere than where its steps end")
        return self
