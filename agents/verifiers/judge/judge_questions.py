"""What the judge asks about a solution, and the score that the verdicts make. No call is made here."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from statistics import fmean

from ....core.calls import CallResult, Choice
from ....core.candidate import Candidate, Score
from ....core.errors import LabelTokensError
from ....core.steps import ends_of
from ....core.usage import Usage
from ...quoted import defused
from ..step_scores import aggregate
from ..views import equations
from .judge_options import JudgeConfig

_NO_EQUATIONS = "(nothing is computed here)"
"""Shown in place of a step or solution without any, where equations are what is shown of others."""
Read = Callable[[Choice], float | None]
"""From a reply to what it says, None where it says nothing that can be read."""


class Question:
    """One thing asked about a solution, and what came back so far."""

    def __init__(self, case: Case, step: int | None) -> None:
        self.case, self.step = case, step
        """``step`` counts from 0; None for a question about the whole."""
        self.values: list[float] = []
        self.texts: list[str] = []
        self.replies = 0
        self.failure = ""
        self.failed_as = ""
        """Code of the failure."""
        self.awaited = 0
        """Calls of the present wave that are not back yet."""

    @property
    def unreadable(self) -> bool:
        """Whether the judge replied, but said nothing that can be read."""
        return self.replies > 0 and not self.values

    @property
    def answered(self) -> bool:
        """Whether there is nothing to ask again."""
        return self.known and not (self.unreadable or self.untold)

    @property
    def known(self) -> bool:
        """Whether anything at all came back, be it a failure."""
        return self.replies > 0 or bool(self.failure)

    @property
    def untold(self) -> bool:
        """Whether the judge could not be asked for labels, since they are no tokens of it."""
        return self.failed_as == LabelTokensError.code and self.replies == 0

    def fail(self, result: CallResult) -> None:
        """Note that a call failed."""
        self.awaited -= 1
        if result.failure is not None:
            self.failure, self.failed_as = result.failure.message, result.failure.code

    def hear(self, choices: Sequence[Choice], read: Read, *, written: bool) -> None:
        """Keep what can be read of a reply, and its text where the verdict is written."""
        self.awaited -= 1
        self.replies += 1
        self.values += [value for value in map(read, choices) if value is not None]
        if written:
            self.texts += [choice.text.strip() for choice in choices]

    @property
    def said(self) -> str:
        """What the judge wrote, or why nothing came of it."""
        return "\n\n".join(filter(None, self.texts)) or ("" if self.values else self.failure)


class Case:
    """Candidates that are alike, as they are judged: the questions about them, and what the answers cost."""

    def __init__(self, group: int, candidate: Candidate, config: JudgeConfig, *, in_full: bool) -> None:
        self.group, self._config = group, config
        self.usage = Usage()
        self._cut = candidate.cut() if config.unit != "outcome" else ()
        texts = self._cut or (candidate.text,)
        self._shown = [defused(text if in_full else equations(text) or _NO_EQUATIONS).strip() for text in texts]
        by_step = config.unit == "step"
        self.questions = [Question(self, step) for step in range(len(self._cut))] if by_step else [Question(self, None)]
        if config.unit == "first-error" and not self._cut:
            self.questions = []

    @property
    def answered(self) -> bool:
        """Whether nothing more is to be heard."""
        return all(question.awaited == 0 and question.answered for question in self.questions)

    @property
    def reached(self) -> bool:
        """Whether something came back to every question."""
        return all(question.known for question in self.questions)

    @property
    def steps(self) -> int:
        """How many steps are judged."""
        return len(self._cut)

    def parts(self, step: int | None) -> dict[str, str]:
        """What a prompt shows of the solution: all of it, or its steps as far as ``step``.

        Questions about the steps of one solution begin alike, so that a server reads what they share once.
        """
        shown = self._shown if step is None else self._shown[: step + 1]
        first = 0 if self._config.unit == "first-error" else 1
        steps = (f'<step number="{number}">\n{text}\n</step>' for number, text in enumerate(shown, first))
        return {"solution": "\n".join(shown), "steps": "\n".join(steps), "number": "" if step is None else str(step + 1)}

    def score(self, verifier: str) -> Score:
        """The score, as final."""
        if not self.questions:
            return Score(verifier=verifier, value=None, rationale="there is no step that could be judged")
        steps = self._step_scores()
        value = aggregate(steps, self._config.aggregate) if self._cut else _mean(self.questions[0].values)
        return Score(
            verifier=verifier,
            value=value,
            raw=value,
            steps=steps,
            ends=ends_of(self._cut),
            rationale=self._rationale(),
            usage=self.usage,
        )

    def _step_scores(self) -> tuple[float | None, ...]:
        if self._config.unit != "first-error":
            return tuple(_mean(question.values) for question in self.questions) if self._cut else ()
        found = self.questions[0].values
        return tuple(_mean([float(first < 0 or step < first) for first in found]) for step in range(self.steps))

    def _rationale(self) -> str:
        if self._config.unit != "step":
            return self.questions[0].said
        said = ((question.step or 0, question.said) for question in self.questions)
        return "\n\n".join(f"Step {step + 1}: {text}" for step, text in said if text)


def _mean(values: Sequence[float]) -> float | None:
    return fmean(values) if values else None
