"""What stands for the right answer where completions are judged by it: one that was given, or the most frequent one. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from ....core.answers import canonical
from ....core.candidate import Answer, ExtractionRule
from ....core.errors import ConfigError
from ....core.problem import Problem


class Elected(NamedTuple):
    """The most frequent of some answers."""

    answer: Answer
    votes: int


def given_answer(text: str, problem: Problem) -> Answer:
    """The answer that ``text`` is. Raises :class:`ConfigError` where it is none of the problem's kind."""
    kind = problem.answer_kind
    found = canonical(text, kind, language=problem.language)
    if found is None:
        raise ConfigError(f"the reference {text!r} is no answer of kind {kind}", hint="give the answer alone, as in reference=42")
    return Answer(value=found.value, unit=found.unit, kind=kind, raw=text, rule=ExtractionRule.WHOLE)


def most_frequent(answers: Sequence[Answer | None], groups: Sequence[int]) -> Elected | None:
    """The answer of the largest group, by :func:`.answers.group`; None where two are the largest, or no answer can be read."""
    counts = Counter(number for number in groups if number >= 0).most_common(2)
    if not counts or (len(counts) == 2 and counts[0][1] == counts[1][1]):
        return None
    number, votes = counts[0]
    same = [answer for answer, its in zip(answers, groups, strict=True) if answer is not None and its == number]
    # A bare number equals the same number with any unit: the unit must not be lost.
    return Elected(next((answer for answer in same if answer.unit), same[0]), votes)
