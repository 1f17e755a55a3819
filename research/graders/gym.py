"""The scorers of reasoning-gym (arXiv 2505.24760), each data set's own, on the entry in ``item.data["entry"]``.

Where we differ, and why:

* A data set without a scorer of its own inherits one that gives part of the credit to any text that contains the gold
  answer, half of it to 12 for 2. Such sets are graded by equality.
* A scorer may evaluate the text as Python. It is given only what :mod:`.harmless` lets through.
* A scorer that trips over an answer gives 0: the reason names the exception.

A scorer sees the text as the model wrote it and, as it may only know plain digits, the canonical answer; the better counts.
"""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
from functools import lru_cache
from typing import Any

from ...core.candidate import Answer
from ...core.errors import TaskError
from ..tasks.item import Item
from .grade import NO_ANSWER, Equal, Grade, Grader, short, verdict
from .harmless import is_harmless

_EVALUATES = re.compile(r"(?<!def )\b(?:eval|exec|sympify|parse_expr)\(")
_OWN_PARSER = re.compile(r"^def parse_expr\(", re.MULTILINE)


async def _grade(answer: Answer | None, item: Item, equal: Equal) -> Grade:  # noqa: ARG001 - scorers bring their own rule
    entry, name = _entry(item)
    scorer = _scorer(name)
    if answer is None:
        return NO_ANSWER
    texts = dict.fromkeys((answer.raw, answer.text))
    grades = [await asyncio.to_thread(_score, scorer, name, text, entry) for text in texts]
    return max(grades, key=lambda grade: grade.credit)


def _entry(item: Item) -> tuple[dict[str, Any], str]:
    entry = item.data.get("entry")
    metadata = entry.get("metadata") if isinstance(entry, dict) else None
    name = metadata.get("source_dataset") if isinstance(metadata, dict) else None
    if not isinstance(entry, dict) or not isinstance(name, str) or "answer" not in entry:
        raise TaskError(
            f"problem {item.id} is no entry of reasoning-gym",
            hint="data['entry'] must hold its question, answer and metadata with source_dataset",
        )
    return entry, name


@lru_cache
def _scorer(name: str) -> Any:
    """The data set of this name, which scores its entries. Raises :class:`TaskError` where there is none."""
    try:
        from reasoning_gym.factory import DATASETS  # noqa: PLC0415 - seconds, and an extra
    except ImportError as error:
        raise TaskError("reasoning-gym is not installed", hint='pip install "symposia[gym]"') from error
    if name not in DATASETS:
        raise TaskError(f"reasoning-gym has no data set {name!r}", hint="its version may not be the one that made the data")
    form, config = DATASETS[name]
    return form(config=config())


def _score(scorer: Any, name: str, text: str, entry: dict[str, Any]) -> Grade:
    if not _has_own_rule(type(scorer)):
        gold = str(entry["answer"])
        right = text.strip() == gold.strip()
        return verdict(right, f"{short(text)} {'is' if right else 'is not'} {short(gold)}")
    if _evaluates(type(scorer).__module__) and not is_harmless(text):
        return verdict(False, f"{short(text)} is kept from the scorer of {name}, which would evaluate it")
    try:
        credit = min(max(float(scorer.score_answer(text, entry)), 0.0), 1.0)
    except Exception as error:  # noqa: BLE001 - another package's code on text of a model: it may raise anything
        return verdict(False, f"the scorer of {name} failed on {short(text)}: {type(error).__name__}")
    return Grade(credit=credit, reason=f"the scorer of {name} gives {credit:g} to {short(text)}")


def _has_own_rule(form: Any) -> bool:
    from reasoning_gym.dataset import ProceduralDataset  # noqa: PLC0415 - as above

    return form.score_answer is not ProceduralDataset.score_answer


@lru_cache
def _evaluates(module: str) -> bool:
    """Whether the module of a data set evaluates text as Python, judged by its source; True where that cannot be read."""
    try:
        source = inspect.getsource(sys.modules[module])
    except (OSError, KeyError):
        return True
    return bool(_EVALUATES.search(source)) and not _OWN_PARSER.search(source)


GRADER = Grader(
    name="reasoning-gym",
    summary="The scorer of the reasoning-gym data set that the problem comes from.",
    grade=_grade,
)
