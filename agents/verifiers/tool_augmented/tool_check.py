"""One verification with tools: thoughts, calls and observations, a rationale, then a verdict. It asks nobody itself.

Who leads it makes the call that :attr:`ToolCheck.request` describes, gives it the reply, makes the tool call that it may then
wish for, and shows it the result, until it is done. What a tool gave, or what the solution says, is never read for the verdict:
that is a turn of its own, in which the model says nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from ....core.calls import Choice, FinishReason, ToolSpec
from ....core.candidate import Evidence
from ....core.problem import Message
from ....core.tooling import ToolRequest, ToolResult
from ...react_text import OBSERVATION, STOPS, Turn, after, arguments_for, observation, read_turn
from ..verdicts import LABELS, written_verdict, yes_probability

LAST, LABEL, WRITTEN, AGAIN = "tool-augmented.last", "tool-augmented.labels", "tool-augmented.written", "verifier.again"
"""Prompt files."""
_CLOSING = "Rationale"
_VERDICT_TOKENS = 64


@dataclass(frozen=True)
class Rules:
    """How verifications are led."""

    prompts: Mapping[str, str]
    tools: Mapping[str, ToolSpec]
    """What may be called, by name."""
    calls: int
    """Calls of tools at most; none where there are no tools."""
    by_label: bool
    """Whether the verdict is the probability of a word, else a written line."""
    least_mass: float
    max_tokens: int
    """Of one turn."""
    max_output: int
    temperature: float


class _Phase(Enum):
    THINKING = auto()
    LABEL = auto()
    WRITTEN = auto()
    AGAIN = auto()
    """The verdict is asked for once more, in writing."""
    DONE = auto()


@dataclass
class ToolCheck:
    """See the module's docstring."""

    rules: Rules
    group: int
    place: int
    messages: tuple[Message, ...]
    """What was said so far."""
    wish: ToolRequest | None = None
    """A call of a tool that waits to be made."""
    value: float | None = None
    """The verdict: how likely the solution is correct. None where there is none, once it is done."""
    rationale: str = ""
    failure: str = ""
    """Why there is no verdict."""
    unlabelled: bool = False
    """It was asked for a word, and began with another."""
    evidence: list[Evidence] = field(default_factory=list)
    """The calls that were made, and what they gave."""
    _phase: _Phase = _Phase.THINKING

    @property
    def done(self) -> bool:
        """Whether nothing more is asked."""
        return self._phase is _Phase.DONE

    @property
    def request(self) -> dict[str, Any]:
        """The fields of the next request."""
        rules = self.rules
        if self._phase is _Phase.THINKING:
            limits = {"max_tokens": rules.max_tokens, "temperature": rules.temperature, "stop": STOPS if rules.tools else ()}
            return {"messages": self.messages, **limits}
        if self._phase is _Phase.LABEL:
            return {"messages": self.messages, "max_tokens": 1, "labels": LABELS}
        return {"messages": self.messages, "max_tokens": _VERDICT_TOKENS}

    def hear(self, choice: Choice) -> None:
        """Go on with a reply to that request."""
        match self._phase:
            case _Phase.THINKING:
                self._hear_thoughts(choice.text)
            case _Phase.LABEL:
                self._hear_label(choice)
            case _:
                self._hear_written(choice)

    def fail(self, message: str) -> None:
        """End without a verdict: the call failed."""
        self.failure, self._phase = message, _Phase.DONE

    def show(self, result: ToolResult) -> None:
        """Go on with what came of the call."""
        if self.wish is None:
            return
        given, self.wish = self.wish, None
        self.evidence.append(Evidence(tool=given.name, input=_read(given.arguments), output=result.output, error=result.error))
        told = f"{OBSERVATION} {observation(result, self.rules.max_output)}"
        if len(self.evidence) == self.rules.calls:
            told = f"{told}\n\n{self.rules.prompts[LAST]}"
        self._say("user", told)

    def _hear_thoughts(self, text: str) -> None:
        turn = read_turn(text, closing=_CLOSING) if self.rules.tools else Turn(text, None, after(text, _CLOSING))
        self._say("assistant", turn.said)
        if turn.request is not None and len(self.evidence) < self.rules.calls:
            arguments = arguments_for(self.rules.tools.get(turn.request.name), turn.request.arguments)
            self.wish = turn.request.model_copy(update={"arguments": arguments})
            return
        self.rationale = turn.final.strip()
        self._ask(LABEL if self.rules.by_label else WRITTEN)
        self._phase = _Phase.LABEL if self.rules.by_label else _Phase.WRITTEN

    def _hear_label(self, choice: Choice) -> None:
        self.value = yes_probability(choice.labels, self.rules.least_mass)
        if self.value is not None:
            self._phase = _Phase.DONE
            return
        self.unlabelled = True
        self.messages = self.messages[:-1]
        self._ask(WRITTEN)
        self._phase = _Phase.AGAIN

    def _hear_written(self, choice: Choice) -> None:
        # "Score: 8" may be the beginning of 85.
        self.value = None if choice.finish_reason is FinishReason.LENGTH else written_verdict(choice.text)
        if self.value is not None or self._phase is _Phase.AGAIN:
            self.failure = "" if self.value is not None else f"no verdict can be read in {choice.text[:200]!r}"
            self._phase = _Phase.DONE
            return
        self._say("assistant", choice.text)
        self._ask(AGAIN)
        self._phase = _Phase.AGAIN

    def _ask(self, prompt: str) -> None:
        self._say("user", self.rules.prompts[prompt])

    def _say(self, role: str, text: str) -> None:
        message = Message.model_validate({"role": role, "content": text.strip() or "(nothing)"})
        self.messages = (*self.messages, message)


def _read(arguments: str) -> Any:
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
