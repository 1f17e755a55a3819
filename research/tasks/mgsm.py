"""MGSM: 250 problems of GSM8K in eleven languages, line by line the same."""

from __future__ import annotations

from ...core.options import Names
from .fields import number, text
from .task import PART, ROW, Draft, Hub, ParallelOptions, Parts, Record, Task

LANGUAGES = ("bn", "de", "en", "es", "fr", "ja", "ru", "sw", "te", "th", "zh")


class MgsmOptions(ParallelOptions):
    """Options of ``mgsm``."""

    language: Names = ()
    """Which languages; all that are found by default."""


def _read(record: Record) -> Draft:
    language = record[PART]
    return Draft(
        question=text(record, "question"),
        gold=number(record, "answer_number", "answer").replace(",", ""),
        language=language,
        key=f"mgsm {record[ROW]}",  # the files are parallel, and one language must not be tuned on what another is tested with
        data={"language": language, "row": record[ROW]},
    )


TASK = Task(
    name="mgsm",
    summary="250 grade-school word problems in eleven languages.",
    source="Shi et al. 2022, arXiv:2210.03057; CC BY 4.0 (its publisher), CC BY-SA 4.0 (its card at the hub)",
    read=_read,
    grader="numeric",
    groups=("language",),
    options=MgsmOptions,
    hub=Hub("juletxara/mgsm", file="mgsm_{part}.tsv"),
    parts=Parts("language", LANGUAGES, "mgsm_{part}.*"),
    columns=("question", "answer"),
)
