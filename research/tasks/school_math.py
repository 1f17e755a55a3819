"""Word problems whose answer is one number: GSM8K, SVAMP, CMATH."""

from __future__ import annotations

from .fields import number, picked, text
from .item import Split
from .task import Draft, Hub, Record, Task

_TRAIN_AND_TEST = {Split.DEV: "train", Split.TEST: "test"}


def _gsm8k(record: Record) -> Draft:
    solution, mark, gold = text(record, "answer").rpartition("####")
    if not mark or not gold.strip():
        raise ValueError("field 'answer' must end with #### and the number")
    steps = len(solution.strip().splitlines())
    return Draft(question=text(record, "question"), gold=gold.strip().replace(",", ""), data={"steps": steps})


def _svamp(record: Record) -> Draft:
    return Draft(
        question=f"{text(record, 'Body').strip()} {text(record, 'Question').strip()}",
        gold=number(record, "Answer"),
        data=picked(record, type="Type", equation="Equation", source_id="ID"),
    )


def _cmath(record: Record) -> Draft:
    return Draft(
        question=text(record, "question", "input"),
        gold=number(record, "golden"),
        data=picked(record, grade="grade", steps="reasoning_step", digits="num_digits"),
    )


GSM8K = Task(
    name="gsm8k",
    summary="Grade-school word problems of 2 to 8 steps.",
    source="Cobbe et al. 2021, arXiv:2110.14168; MIT",
    read=_gsm8k,
    grader="numeric",
    groups=("steps",),
    hub=Hub("openai/gsm8k", "main", _TRAIN_AND_TEST),
)

SVAMP = Task(
    name="svamp",
    summary="One-step word problems, varied so that shortcuts fail.",
    source="Patel et al. 2021, arXiv:2103.07191; MIT",
    read=_svamp,
    grader="numeric",
    groups=("type",),
    hub=Hub("ChilleD/SVAMP", splits=_TRAIN_AND_TEST),
)

CMATH = Task(
    name="cmath",
    summary="Chinese elementary-school word problems, grades 1 to 6.",
    source="Wei et al. 2023, arXiv:2306.16636; CC BY 4.0",
    read=_cmath,
    grader="numeric",
    language="zh",
    groups=("grade", "steps"),
    hub=Hub("weitianwen/cmath", splits={Split.DEV: "validation", Split.TEST: "test"}),
)
