"""What a task is: how records become problems, how answers are graded, where the records come from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...core.base import Frozen
from ...core.problem import AnswerKind
from ...core.registry import Registry

Record = Mapping[str, Any]
"""A row of a data file, by field name."""


class Draft(Frozen):
    """What a task reads out of one record."""

    question: str
    gold: str
    answer_kind: AnswerKind | None = None
    """Where it differs from the task's own (JEEBench mixes choices and numbers)."""
    key: str | None = None
    """What decides the split; the question by default. Translations of one problem share a key."""
    data: dict[str, Any] = {}


@dataclass(frozen=True)
class Hub:
    """Where the public data set lies, for the ``datasets`` library."""

    repo: str
    config: str | None = None
    splits: Mapping[str, str] = field(default_factory=dict)
    """The publisher's split for ours: ``{"dev": "train", "test": "test"}``. Where only one is published, content decides."""
    revision: str | None = None


@dataclass(frozen=True)
class Task:
    """A registry entry (group ``symposia.tasks``)."""

    name: str
    summary: str
    source: str
    """Citation and licence."""
    read: Callable[[Record], Draft]
    """Raises :class:`KeyError` for a missing field, :class:`ValueError` for one that cannot be read; the loader says where."""
    grader: str
    """Name of its grader."""
    answer_kind: AnswerKind = AnswerKind.NUMBER
    language: str = "en"
    hub: Hub | None = None
    generate: Callable[[int, int], Iterable[Record]] | None = None
    """For tasks made by a program: records from a count and a seed."""
    file: Path | None = None
    """For tasks that come with the library."""
    options: frozenset[str] = frozenset()
    """What ``--task-option`` may set: ``language`` for MGSM, ``dataset`` for reasoning-gym."""


TASKS: Registry[Task] = Registry("symposia.tasks", "task", Task)
"""Every task by name, other packages' included."""
