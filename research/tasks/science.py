"""Exams and questions beyond plain mathematics: GPQA, JEEBench, StrategyQA."""

from __future__ import annotations

from ...core.options import Names
from ...core.problem import AnswerKind
from .fields import lettered, picked, shuffled, text
from .item import Split
from .task import Draft, Hub, Parts, Record, Task, TaskOptions

_JEE_KINDS = {
    "MCQ": AnswerKind.CHOICE,
    "MCQ(multiple)": AnswerKind.CHOICE,
    "Integer": AnswerKind.NUMBER,
    "Numeric": AnswerKind.NUMBER,
}


class GpqaOptions(TaskOptions):
    """Options of ``gpqa``."""

    subset: Names = ("diamond",)
    """diamond, main or extended; each is a part of the next."""


def _gpqa(record: Record) -> Draft:
    question = text(record, "Question")
    right = text(record, "Correct Answer")
    options = [right, *(text(record, f"Incorrect Answer {number}") for number in (1, 2, 3))]
    order = shuffled(question, options)
    choices = lettered([options[index] for index in order], order.index(0))
    data = picked(record, domain="High-level domain", subdomain="Subdomain", source_id="Record ID")
    return Draft(question=f"{question.strip()}\n\n{choices.text}", gold=choices.gold, key=question, data=data)


def _jeebench(record: Record) -> Draft:
    kind = text(record, "type")
    if kind not in _JEE_KINDS:
        raise ValueError(f"field 'type' is {kind!r}, not one of {', '.join(_JEE_KINDS)}")
    data = picked(record, subject="subject", type="type", exam="description", index="index")
    return Draft(question=text(record, "question"), gold=text(record, "gold"), answer_kind=_JEE_KINDS[kind], data=data)


def _strategyqa(record: Record) -> Draft:
    answer = {"true": "yes", "yes": "yes", "false": "no", "no": "no"}.get(str(record["answer"]).strip().casefold())
    if answer is None:
        raise ValueError("field 'answer' is neither true nor false")
    question = text(record, "question")
    data = picked(record, source_id="qid", term="term", facts="facts", decomposition="decomposition")
    return Draft(question=f"{question.strip()}\nAnswer yes or no.", gold=answer, key=question, data=data)


GPQA = Task(
    name="gpqa",
    summary="Graduate-level questions in biology, physics and chemistry; four options in an order decided by content.",
    source="Rein et al. 2023, arXiv:2311.12022; CC BY 4.0, gated: its authors ask not to publish examples",
    read=_gpqa,
    grader="choice",
    answer_kind=AnswerKind.CHOICE,
    groups=("domain",),
    options=GpqaOptions,
    hub=Hub("Idavidrein/gpqa", "gpqa_{part}", "train"),
    parts=Parts("subset", ("diamond", "main", "extended"), "gpqa_{part}.*"),
)

JEEBENCH = Task(
    name="jeebench",
    summary="JEE Advanced: physics, chemistry, mathematics; one or several options, whole numbers, decimals.",
    source="Arora et al. 2023, arXiv:2305.15074; MIT, exam text of its owners",
    read=_jeebench,
    grader="jeebench",
    groups=("subject", "type"),
    hub=Hub("daman1209arora/jeebench"),
)

STRATEGYQA = Task(
    name="strategyqa",
    summary="Yes-or-no questions whose steps are not said.",
    source="Geva et al. 2021, arXiv:2101.02235; MIT",
    read=_strategyqa,
    grader="exact",
    answer_kind=AnswerKind.EXPRESSION,
    hub=Hub("ChilleD/StrategyQA", splits={Split.DEV: "train", Split.TEST: "test"}),
)
