"""Tasks about other models' answers: the first wrong step (ProcessBench), the better of two answers (TARA)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.problem import AnswerKind
from .fields import picked, shuffled, text, texts
from .item import Split
from .task import PART, Draft, Hub, Names, Parts, Record, Task, TaskOptions

_PROCESSBENCH = """\
The following is a math problem and a solution (split into paragraphs, enclosed with tags and indexed from 0):

[Math Problem]

{problem}

[Solution]

{solution}

Your task is to review and critique the solution paragraph by paragraph. Once you identify an error in a paragraph, return \
the index of the paragraph where the earliest error occurs. Otherwise, return the index of -1 (which typically denotes \
"not found").

Please put your final answer (i.e., the index) in \\boxed{{}}."""

_TARA = """\
Below are a question and two answers to it. Which answer is better?

<question>
{question}
</question>

<answer_A>
{a}
</answer_A>

<answer_B>
{b}
</answer_B>

Reply with A or B."""


class ProcessBenchOptions(TaskOptions):
    """Options of ``processbench``."""

    subset: Names = ()
    """gsm8k, math, olympiadbench, omnimath; all by default."""


class TaraOptions(TaskOptions):
    """Options of ``tara``."""

    tool: Names = ()
    """Of which tools; all that are found by default."""


def _processbench(record: Record) -> Draft:
    problem, steps, label = text(record, "problem"), texts(record, "steps"), int(text(record, "label"))
    if not -1 <= label < len(steps):
        raise ValueError(f"field 'label' is {label}, but the steps are 0 to {len(steps) - 1}")
    paragraphs = "\n\n".join(f"<paragraph_{index}>\n{step}\n</paragraph_{index}>" for index, step in enumerate(steps))
    data = picked(record, source_id="id", generator="generator", final_answer_correct="final_answer_correct")
    return Draft(
        question=_PROCESSBENCH.format(problem=problem, solution=paragraphs),
        gold=str(label),
        key=problem,  # several solutions of one problem stay together
        data=data
        | {"subset": record[PART], "problem": problem, "steps": steps, "solution": "correct" if label < 0 else "erroneous"},
    )


def _tara(record: Record) -> Draft | None:
    asked = text(record, "question")
    answers = [_answer(record, "pos_answer"), _answer(record, "neg_answer")]
    replies = [text(answer, "answer") for answer in answers]
    if replies[0].strip() == replies[1].strip():
        return None
    order = shuffled(asked, replies)
    a, b = (replies[index].strip() for index in order)
    whole = f"{text(record, 'context')}\n\n{asked}" if record.get("context") else asked
    kept = picked(record, source_id="id", context="context", tests="test_list")
    actions = {letter: answers[index].get("actions") for letter, index in zip("AB", order, strict=True)}
    return Draft(
        question=_TARA.format(question=whole.strip(), a=a, b=b),
        gold="AB"[order.index(0)],
        key=asked,
        data=kept | {"tool": record[PART], "question": asked, "answers": {"A": a, "B": b}, "actions": actions},
    )


def _answer(record: Record, name: str) -> Mapping[str, Any]:
    answer = record[name]
    if not isinstance(answer, Mapping):
        raise ValueError(f"field {name!r} holds no answer with its actions")  # noqa: TRY004 - what is wrong is the data
    return answer


PROCESSBENCH = Task(
    name="processbench",
    summary="The first wrong step of a solution, or -1; asked with ProcessBench's own prompt.",
    source="Zheng et al. 2024, arXiv:2412.06559; Apache-2.0",
    read=_processbench,
    grader="numeric",
    groups=("subset", "solution"),
    options=ProcessBenchOptions,
    hub=Hub("Qwen/ProcessBench", splits="{part}"),
    parts=Parts("subset", ("gsm8k", "math", "olympiadbench", "omnimath"), "{part}[.-]*"),
)

TARA = Task(
    name="tara",
    summary="Which of two answers is better, where a tool can tell; A and B in an order decided by content.",
    source="Li et al. 2023, arXiv:2310.01045; MIT, upstream terms vary",
    read=_tara,
    grader="choice",
    answer_kind=AnswerKind.CHOICE,
    groups=("tool",),
    options=TaraOptions,
    hub=Hub("baidu/TARA", "{part}", {Split.DEV: "train", Split.TEST: "test"}),
    parts=Parts(
        "tool", ("calculator", "calendar", "code", "multi_tools", "translator", "weather", "wikisearch"), "*_{part}_test*"
    ),
)
