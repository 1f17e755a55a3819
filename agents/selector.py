"""Candidates that a model reads: how they are shown to it, how it is asked to choose among them, and how its choice is read.

What a candidate says is data: each stands under a number, between tags that it cannot close. Of a long one the middle is left
out, since it most often begins with its approach and ends with its answer. A choice is never searched for in running text:
"solution 1 is wrong, so 2" says nothing, and a model that solves the problem anew ends with a number that is no choice.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pydantic import ConfigDict, Field

from ..core.base import Frozen
from ..core.calls import CallResult, ChatRequest, FinishReason, ModelCall
from ..core.candidate import Candidate
from ..core.problem import Message, Problem, TextPart
from ..core.protocols import Scope
from ..core.random import sample_seed
from .quoted import asking, conversation, defused, fill
from .verifiers.verdicts import last_line

ROLE = "selector"

_CHOICE = re.compile(r"(?:final\s+)?choice\s*[:=]\s*(?:solution\s+)?\$?(?:\\boxed\{)?\s*([0-9]{1,4})\s*\}?\$?\.?", re.IGNORECASE)
_NUMBER = re.compile(r"(?:solution\s+)?([0-9]{1,4})\.?", re.IGNORECASE)


class Reading(Frozen):
    """Options of strategies in which a model reads candidates."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    shown: int = Field(default=4000, ge=100)
    """Characters of a candidate that a model is shown at most: of a longer one the middle is left out, with a warning."""


class Choosing(Reading):
    """Options of strategies in which a model chooses among candidates."""

    choice_tokens: int = Field(default=512, gt=0)
    """Completion tokens that a choice may use. It is made at temperature 0."""


def shortened(text: str, most: int) -> str:
    """``text`` without its middle where it has more than ``most`` characters; what is left out is counted in its place."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n[… {len(text) - 2 * half:,} characters left out …]\n{text[len(text) - half :]}"


def solutions(texts: Sequence[str], most: int) -> str:
    """``texts`` as they are shown: numbered from 1, each of at most ``most`` characters and between tags that it cannot close."""
    shown = (defused(shortened(text, most)).strip() for text in texts)
    return "\n\n".join(f'<solution number="{number}">\n{text}\n</solution>' for number, text in enumerate(shown, 1))


def choice_call(
    scope: Scope,
    node: str,
    problem: Problem,
    candidates: Sequence[Candidate],
    config: Choosing,
    *,
    prompt: str,
    visit: int = 0,
    index: int = 0,
) -> ModelCall:
    """The call that asks by the file ``prompt`` which of ``candidates``, shown in this order, to choose."""
    shown = solutions([candidate.text for candidate in candidates], config.shown)
    text = fill(scope.prompts[prompt], conversation=conversation(problem.messages), solutions=shown, count=str(len(candidates)))
    request = ChatRequest(
        messages=(asking(text, problem.messages),),
        max_tokens=config.choice_tokens,
        seed=sample_seed(scope.seed, f"{scope.path}/{node}", visit, index),
    )
    return ModelCall(role=ROLE, request=request)


def read_choice(result: CallResult, count: int) -> int | None:
    """The place, from 0, of the one of ``count`` candidates that a reply names; None where it names none, or was cut off."""
    if result.reply is None or not result.reply.choices:
        return None
    choice = result.reply.choices[0]
    return None if choice.finish_reason is FinishReason.LENGTH else chosen(choice.text, count)


def chosen(text: str, count: int) -> int | None:
    """The place, from 0, that the last line of ``text`` names as ``Choice: 2``, or that the whole text is nothing but.

    Markdown around the line is looked through, and a box around the number. A number that none of ``count`` candidates has is no
    choice.
    """
    found = _CHOICE.fullmatch(last_line(text)) or _NUMBER.fullmatch(text.strip())
    number = int(found[1]) if found else 0
    return number - 1 if 1 <= number <= count else None


def shown_beside(messages: tuple[Message, ...], text: str) -> tuple[Message, ...]:
    """``messages`` with ``text`` at the end of the user's last turn, or as a turn of the user's where another one spoke last.

    Never a second turn of the user's in a row, which some chat templates refuse.
    """
    last = messages[-1]
    if last.role != "user":
        return (*messages, Message(role="user", content=text))
    if isinstance(last.content, tuple):
        parts = (*last.content, TextPart(text=text))
        return (*messages[:-1], last.model_copy(update={"content": parts}))
    return (*messages[:-1], last.model_copy(update={"content": f"{last.text}\n\n{text}"}))
