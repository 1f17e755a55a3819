"""Gold answers in the form that answers of models are compared in.

Sources write numbers in the English way whatever the language of the problem: the gold answers of MGSM have commas between
thousands in German too. So a gold answer is read as English, unlike what a model writes.
"""

from __future__ import annotations

import re
from fractions import Fraction

from ...core.answers import canonical
from ...core.answers.normalise import bare
from ...core.candidate import Answer, ExtractionRule
from ...core.errors import TaskError
from ...core.problem import AnswerKind
from ..tasks.item import Item
from .grade import short

_NUMBER = re.compile(r"-?[0-9]+(?:/[0-9]+)?")
_TIME = re.compile(r"[0-9]{1,2}:[0-9]{2}.*")
_WHAT = {AnswerKind.NUMBER: "number", AnswerKind.CHOICE: "letter of an option", AnswerKind.JSON: "JSON value"}


def gold_answer(item: Item, kind: AnswerKind) -> Answer:
    """The gold answer of ``item``, read as an answer of ``kind``. Raises :class:`TaskError` where it is none.

    A number must be all there is: which one of "3 red and 4 blue" is right, nobody can tell.
    """
    found = bare(item.gold, kind) if kind is AnswerKind.NUMBER else canonical(item.gold, kind)
    if found is None or (kind is AnswerKind.NUMBER and not _NUMBER.fullmatch(found.value) and not _TIME.fullmatch(found.value)):
        raise TaskError(
            f"the gold answer {short(item.gold)!r} of problem {item.id} is no {_WHAT.get(kind, 'answer')}",
            hint="mend it in the data, or choose another grader",
        )
    return Answer(value=found.value, unit=found.unit, kind=kind, raw=item.gold, rule=ExtractionRule.WHOLE)


def number(answer: Answer) -> Fraction | None:
    """The number that a canonical answer is; None for formulas, words and times."""
    return Fraction(answer.value) if _NUMBER.fullmatch(answer.value) else None
