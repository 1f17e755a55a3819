"""Notes that the policy writes about a problem before it answers: its conditions, or what one must know to solve it.

Notes are text of a model's, made from a text of the user's: every later prompt shows them as data between tags.
"""

from __future__ import annotations

from ..core.calls import CallResult, ModelCall
from ..core.problem import Problem
from ..core.protocols import Scope
from .policy import Sampling, sampled
from .quoted import asking, conversation, defused, fill
from .translator import retold

KNOWLEDGE, KNOWING = "knowledge.write", "knowledge.use"
"""Prompts that ask for what one must know to solve a problem, and for an answer with it."""


def notes_call(
    scope: Scope, node: str, prompt: str, problem: Problem, sampling: Sampling, *, visit: int = 0, index: int = 0, **shown: str
) -> ModelCall:
    """The call that asks for notes about the problem by the prompt file ``prompt``, which may show other texts besides."""
    parts = {name: defused(text) for name, text in shown.items()}
    text = fill(scope.prompts[prompt], conversation=conversation(problem.messages), **parts)
    return sampled(scope, node, (asking(text, problem.messages),), sampling, visit=visit, index=index)


def read_notes(result: CallResult) -> str:
    """The notes in a reply; empty where the call failed or nothing was said. Notes that were cut off are notes all the same."""
    choices = result.reply.choices if result.reply is not None else ()
    return choices[0].text.strip() if choices else ""


def with_notes(scope: Scope, prompt: str, problem: Problem, notes: str) -> Problem:
    """``problem`` whose last question is followed by the notes, as the prompt file ``prompt`` says."""
    return told_more(problem, fill(scope.prompts[prompt], notes=defused(notes)))


def on_notes_alone(scope: Scope, prompt: str, problem: Problem, notes: str) -> Problem:
    """``problem`` of which only the notes are shown, and the user's own system texts and images."""
    asked = asking(fill(scope.prompts[prompt], notes=defused(notes)), problem.messages)
    kept = (message for message in problem.messages if message.role == "system")
    return problem.model_copy(update={"messages": (*kept, asked)})


def told_more(problem: Problem, text: str) -> Problem:
    """``problem`` whose last question is followed by ``text``."""
    return retold(problem, f"{problem.question}\n\n{text}")
