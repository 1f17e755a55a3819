"""One examination of one step: words, programs and their outputs, and a verdict in the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from ....core.calls import Choice, FinishReason
from ....core.sandbox import Execution
from ...quoted import as_data, fill
from ..dialogues import Dialogue
from ..executed import evidence, outcome
from ..verdicts import LABELS, yes_probability
from .step_checks import find_check, read_verdict

OUTPUT, LABEL, AGAIN = "generative.output", "generative.labels", "generative.again"
"""Prompt files."""


@dataclass(frozen=True)
class Rules:
    """How examinations are led."""

    prompts: Mapping[str, str]
    checks: int
    """Programs that are run at most."""
    by_label: bool
    """Whether the verdict is the probability of a word, else a written line."""
    least_mass: float
    """Labels with less probability than this together are no verdict."""
    max_tokens: int
    temperature: float


class _Phase(Enum):
    WRITING = auto()
    LABEL = auto()
    AGAIN = auto()
    """The written verdict is asked for once more."""


@dataclass
class Examination(Dialogue):
    """See the module's docstring."""

    rules: Rules
    step: int
    """Counted from 0."""
    sample: int
    """Counted from 0."""
    value: float | None = field(default=None, init=False)
    """The verdict: how likely the step is correct. None where there is none, once it is done."""
    unlabelled: bool = field(default=False, init=False)
    """It was asked for a word, and began with another."""
    words: list[str] = field(default_factory=list, init=False)
    """What the model said, programs left out."""
    _phase: _Phase = field(default=_Phase.WRITING, init=False)
    _written: float | None = field(default=None, init=False)

    @property
    def request(self) -> dict[str, Any]:
        """See :class:`Dialogue`."""
        if self._phase is _Phase.LABEL:
            return {"messages": self.messages, "max_tokens": 1, "labels": LABELS}
        temperature = self.rules.temperature if self._phase is _Phase.WRITING else 0.0
        return {"messages": self.messages, "max_tokens": self.rules.max_tokens, "temperature": temperature}

    def hear(self, choice: Choice) -> None:
        """See :class:`Dialogue`."""
        if self._phase is _Phase.LABEL:
            self._hear_label(choice)
        else:
            self._hear_words(choice)

    def show(self, program: str, execution: Execution) -> None:
        """See :class:`Dialogue`."""
        self.checks.append(evidence(program, execution, step=self.step + 1, sample=self.sample + 1))
        self._ask(OUTPUT, output=as_data(outcome(program, execution)))

    def _hear_words(self, choice: Choice) -> None:
        cut = choice.finish_reason is FinishReason.LENGTH
        looking = self._phase is _Phase.WRITING and self.rules.checks > 0
        check = find_check(choice.text, cut=cut) if looking else None
        if check is not None and len(self.checks) < self.rules.checks:
            self._keep(check.words, check.said)
            self.program = check.program
            return
        said = choice.text if check is None else check.said
        verdict = read_verdict(said)
        if verdict.correct is not None and not cut:  # "Verdict: No" may be the beginning of another word
            self._written = float(verdict.correct)
        if self._phase is _Phase.WRITING and self.rules.by_label:
            # Shown without its verdict, or the model would only be asked to say that again.
            self._keep(said, verdict.words)
            self._ask(LABEL)
            self._phase = _Phase.LABEL
        else:
            self._keep(said, said)
            self._conclude()

    def _hear_label(self, choice: Choice) -> None:
        probability = yes_probability(choice.labels, self.rules.least_mass)
        if probability is not None:
            self._end(probability)
            return
        self.unlabelled = True
        self.messages = self.messages[:-1]
        self._conclude()

    def _conclude(self) -> None:
        """End with the written verdict; ask for one, once, where there is none."""
        if self._written is not None or self._phase is _Phase.AGAIN:
            self._end(self._written)
        else:
            self._ask(AGAIN)
            self._phase = _Phase.AGAIN

    def _end(self, value: float | None) -> None:
        self.value, self.done = value, True

    def _keep(self, words: str, said: str) -> None:
        if words.strip():
            self.words.append(words.strip())
        self.note(said)

    def _ask(self, prompt: str, **parts: str) -> None:
        self.ask(fill(self.rules.prompts[prompt], number=str(self.step + 1), **parts))
