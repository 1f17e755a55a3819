"""The policy rephrases a problem: the same question in other words, so that it is understood anew.

A rephrasing is used only where nothing countable was lost: every number, formula and piece of code must stand in it as in the
original (:func:`.translator.what_is_lost`), and of a choice every option's letter. Words are not looked at.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ..core.calls import CallResult, FinishReason, ModelCall
from ..core.marks import unmarked
from ..core.problem import AnswerKind, Problem
from ..core.protocols import Scope
from .notes import notes_call
from .policy import Sampling
from .translator import what_is_lost

PROMPT = "multi-view.rephrase"
"""Name of its prompt file."""

_LETTER = re.compile(r"(?<![A-Za-z0-9])[A-J](?=[).:\]])")
"""Where a list of options has a letter."""


class Rephrasing(NamedTuple):
    """What came of asking for a rephrasing."""

    said: str
    error: str = ""
    """Why it cannot be used, as part of a sentence; empty where it can be."""


def rephrase_call(scope: Scope, node: str, problem: Problem, sampling: Sampling, *, index: int) -> ModelCall:
    """The call that asks for rephrasing ``index`` of what the user asks last."""
    return notes_call(scope, node, PROMPT, problem, sampling, index=index)


def read_rephrasing(result: CallResult, problem: Problem) -> Rephrasing:
    """The rephrasing in a reply, and what is wrong with it."""
    if result.reply is None or not result.reply.choices:
        return Rephrasing("", result.failure.message if result.failure is not None else "the reply is empty")
    choice = result.reply.choices[0]
    said = unmarked(choice.text.strip())
    if choice.finish_reason is FinishReason.LENGTH:
        return Rephrasing(said, "the rephrasing was cut off")
    return Rephrasing(said, what_was_lost(problem, said))


def what_was_lost(problem: Problem, said: str) -> str:
    """Why ``said`` cannot stand for what the user asks last, as part of a sentence; empty where it can. Pure."""
    own = problem.language
    lost = what_is_lost(problem.question, said, source=own, target=own, called="rephrasing")
    if lost or problem.answer_kind is not AnswerKind.CHOICE:
        return lost
    missing = sorted(set(_LETTER.findall(problem.question)) - set(_LETTER.findall(said)))
    return f"the rephrasing lacks the options {', '.join(missing)}" if missing else ""
