"""Problems of reasoning-gym's generators, graded by their own scorers."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import Field

from ...core.errors import TaskError, UnknownNameError
from ...core.problem import AnswerKind
from .fields import text
from .task import Draft, Record, Task, TaskOptions


class ReasoningGymOptions(TaskOptions):
    """Options of ``reasoning-gym``."""

    dataset: str = ""
    """Name of the generator, such as ``chain_sum``; needed unless problems are read from a file."""
    size: int = Field(default=200, ge=1)
    """How many problems to make."""
    seed: int = 0
    """Seed of the generator. Another seed gives other problems."""


def _generate(options: ReasoningGymOptions) -> Iterator[Record]:
    try:
        from reasoning_gym.factory import DATASETS, create_dataset  # noqa: PLC0415 - takes seconds to import, and is an extra
    except ImportError:
        raise TaskError("task reasoning-gym needs the library of that name", hint='pip install "symposia[gym]"') from None
    if not options.dataset:
        hint = f"for example --task-option dataset=chain_sum; there are {len(DATASETS)}"
        raise TaskError("task reasoning-gym needs the name of a generator", hint=hint)
    if options.dataset not in DATASETS:
        raise UnknownNameError("reasoning-gym dataset", options.dataset, DATASETS)
    yield from create_dataset(options.dataset, size=options.size, seed=options.seed)


def _read(record: Record) -> Draft:
    metadata = record["metadata"]
    dataset = metadata.get("source_dataset") if isinstance(metadata, dict) else None
    if not dataset:
        raise ValueError("field 'metadata' must name its source_dataset")
    entry = {name: record.get(name) for name in ("question", "answer", "metadata")}
    gold = "" if entry["answer"] is None else str(entry["answer"])  # some have many right answers and give none
    return Draft(question=text(record, "question"), gold=gold, data={"dataset": dataset, "entry": entry})


TASK = Task(
    name="reasoning-gym",
    summary="Problems made on the spot by one of reasoning-gym's hundred generators.",
    source="Stojanovski et al. 2025, arXiv:2505.24760; Apache-2.0",
    read=_read,
    grader="reasoning-gym",
    answer_kind=AnswerKind.EXPRESSION,
    groups=("dataset",),
    options=ReasoningGymOptions,
    generate=_generate,
)
