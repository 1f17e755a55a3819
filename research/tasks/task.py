"""What a task is: how records become problems, how answers are graded, where the records come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, model_validator

from ...core.base import Frozen
from ...core.problem import AnswerKind, Solution
from ...core.registry import Registry
from .item import Split

Record = Mapping[str, Any]
"""A row of a data file, by field name; the loader adds :data:`PART` and :data:`ROW`."""

PART = "_part"
"""The part of the data set that a record is from; there for tasks with :class:`Parts` only."""
ROW = "_row"
"""The number of a record within its file or part, from 0."""


class Given(Frozen):
    """A problem with solutions that are there already, and what these are worth: for strategies that judge."""

    question: str
    """Of the problem itself; that of the draft asks about the solutions."""
    solutions: tuple[Solution, ...] = Field(min_length=1, max_length=10)
    """One, in which the gold answer names the first wrong step, or several, of which it names the best by a letter from A."""
    worth: tuple[float, ...]
    """What each is worth, from 0 to 1; only graders see it."""
    answer_kind: AnswerKind
    """What the solutions end in, not what is said of them."""

    @model_validator(mode="after")
    def _each_has_a_worth(self) -> Given:
        if len(self.worth) != len(self.solutions):
            raise ValueError("each solution has one worth")
        return self


class Draft(Frozen):
    """What a task reads out of one record."""

    question: str
    gold: str
    """Empty where only the grader can tell."""
    answer_kind: AnswerKind | None = None
    """Where it differs from the task's own (JEEBench mixes choices and numbers)."""
    language: str | None = None
    """Where it differs from the task's own (MGSM has eleven)."""
    key: str | None = None
    """What decides the split; the question by default. Translations of one problem share a key."""
    given: Given | None = None
    """The same without words around it, where the question is about solutions."""
    data: dict[str, Any] = Field(default_factory=dict)


class TaskOptions(Frozen):
    """The base of every task's options, and the options of a task that has none."""

    model_config = ConfigDict(use_attribute_docstrings=True)


class SolutionOptions(TaskOptions):
    """The base of the options of tasks about solutions, whose drafts have :attr:`Draft.given`."""

    solutions: bool = False
    """Problems with their solutions, for verifiers to judge, instead of questions about these."""
    balanced: bool = False
    """Problems with right and with wrong solutions take turns, as long as there are both."""


class ParallelOptions(TaskOptions):
    """The base of the options of tasks whose parts are languages, where translations of one problem share a :attr:`Draft.key`."""

    parallel: bool = False
    """Problems with their questions in all other languages that are there, for ``cross-lingual`` with ``mode=parallel``."""
    distinct: bool = False
    """Each problem in one of the languages only, in turn, so that no problem counts twice."""


@dataclass(frozen=True)
class Parts:
    """A data set in parts: files of a folder; configurations, splits or files at the hub."""

    option: str
    """Field of the task's options, of type :data:`core.options.Names`, that chooses parts; empty means all there are."""
    names: tuple[str, ...]
    file: str
    """Pattern of the name of a part's local file: ``mgsm_{part}.*``."""


@dataclass(frozen=True)
class Hub:
    """Where the public data set lies, for the ``datasets`` library. ``{part}`` stands for the name of a part."""

    repo: str
    config: str | None = None
    splits: Mapping[Split, str] | str = "test"
    """The publisher's split for each of ours. A single name where only one is published: content decides then."""
    file: str | None = None
    """A file of the repository to be read as a local one would be, where ``datasets`` could only run the repository's code."""


@dataclass(frozen=True)
class Task:
    """A registry entry (group ``symposia.tasks``)."""

    name: str
    summary: str
    source: str
    """Citation and licence."""
    read: Callable[[Record], Draft | None]
    """Raises :class:`KeyError` for a missing field, :class:`ValueError` for one that cannot be read; the loader says where.
    None for a record that holds no problem, such as a pair of equal answers: left out and counted."""
    grader: str
    """Name of its grader."""
    answer_kind: AnswerKind = AnswerKind.NUMBER
    language: str = "en"
    groups: tuple[str, ...] = ()
    """Fields of :attr:`Item.data` by which results may be broken down: level, subject, language."""
    options: type[TaskOptions] = TaskOptions
    """What ``--task-option`` may set: ``language`` for MGSM, ``dataset`` for reasoning-gym."""
    hub: Hub | None = None
    parts: Parts | None = None
    generate: Callable[[Any], Iterable[Record]] | None = None
    """For tasks made by a program: records from its options."""
    file: Path | None = None
    """For tasks that come with the library."""
    columns: tuple[str, ...] = ()
    """Of its TSV or CSV files, where these have no header line."""


TASKS: Registry[Task] = Registry("symposia.tasks", "task", Task)
"""Every task by name, other packages' included."""
