r"""The final answer of an unfinished chain, forced: the chain is closed as if it were done, and the model says what comes out.

The chain and the words that force an answer are one text, which the model goes on with. A thinking block that the chain itself
opened is closed first. One that the template opened in the prompt cannot be told from an answer and stays open: the answer is
then forced inside of it.
"""

from __future__ import annotations

from ..core.answers import extract
from ..core.candidate import Answer
from ..core.problem import AnswerKind, Problem

_OPENED, _CLOSED = "<think>", "</think>"


def prompt_name(kind: AnswerKind) -> str:
    """The file with the words that force an answer of this kind: the beginning of a box, or of a fenced block of JSON."""
    return "forced-answer.json" if kind is AnswerKind.JSON else "forced-answer.boxed"


def stop_for(kind: AnswerKind) -> str:
    """What ends a forced answer: its line, or its block."""
    return "```" if kind is AnswerKind.JSON else "\n"


def closing(chain: str, words: str) -> str:
    """What follows ``chain`` up to where its answer begins: it ends with ``words``."""
    apart = "" if chain.endswith("\n\n") else "\n\n"
    opened = chain.lstrip().startswith(_OPENED) and _CLOSED not in chain
    return f"{apart}{_CLOSED}\n\n{words}" if opened else f"{apart}{words}"


def read_forced(words: str, said: str, problem: Problem) -> Answer | None:
    """The answer in what the model ``said`` after the words; None where there is none, or it was cut off inside of it."""
    return extract(words + said, problem.answer_kind, last_number=False, language=problem.language)
