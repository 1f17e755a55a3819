"""Tasks about other models' answers: the first wrong step (ProcessBench), the better of two answers (TARA).

Each has two forms: a question about the answers, which any strategy can answer, and with the option ``solutions`` the problem
with the answers as its solutions, which a verifier judges. Ids, gold answers and splits are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...core.options import Names
from ...core.problem import AnswerKind, Solution
from .fields import picked, shuffled, text, texts
from .item import Split
from .task import PART, Draft, Given, Hub, Parts, Record, SolutionOptions, Task

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


_KINDS = {
    "gsm8k": AnswerKind.NUMBER,
    "math": AnswerKind.EXPRESSION,
    "olympiadbench": AnswerKind.EXPRESSION,
    "omnimath": AnswerKind.EXPRESSION,
    "calculator": AnswerKind.NUMBER,
    "code": AnswerKind.CODE,
}
"""What the solutions of a part end in; those of the other tools are sentences."""


class ProcessBenchOptions(SolutionOptions):
    """Options of ``processbench``."""

    subset: Names = ()
    """gsm8k, math, olympiadbench, omnimath; all by default."""


class TaraOptions(SolutionOptions):
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
        given=Given(
            question=problem,
            # A step without text could not be told from the one before it.
            solutions=(Solution.of_steps(step or " " for step in steps),),
            worth=(float(label < 0),),
            answer_kind=_KINDS[record[PART]],
        ),
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
    whole = (f"{text(record, 'context')}\n\n{asked}" if record.get("context") else asked).strip()
    kept = picked(record, source_id="id", context="context", tests="test_list")
    actions = {letter: answers[index].get("actions") for letter, index in zip("AB", order, strict=True)}
    return Draft(
        question=_TARA.format(question=whole, a=a, b=b),
        gold="AB"[order.index(0)],
        key=asked,
        given=Given(
            question=whole,
            solutions=(Solution(text=a), Solution(text=b)),
            worth=tuple(float(index == 0) for index in order),
            answer_kind=_KINDS.get(record[PART], AnswerKind.TEXT),
        ),
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
