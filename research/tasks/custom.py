"""Tasks out of a table: field names or templates instead of code, for files of any form.

::

    [task]
    data = "problems.jsonl"
    question = "{Body} {Question}"
    gold = "Answer"
    answer_kind = "number"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import Formatter
from typing import Any

from pydantic import Field, field_validator

from ...core.base import Frozen
from ...core.errors import TaskError
from ...core.options import Names, read_options
from ...core.problem import AnswerKind
from .fields import picked, text
from .task import Draft, Record, Task

_GRADERS = {
    AnswerKind.NUMBER: "numeric",
    AnswerKind.EXPRESSION: "symbolic",
    AnswerKind.CHOICE: "choice",
    AnswerKind.JSON: "exact",
    AnswerKind.TEXT: "exact",
}


class TaskTable(Frozen):
    """A custom task as a table of an experiment's file writes it. A template holds field names in braces; ``{{`` is a brace."""

    question: str = "question"
    """Field with the question, or a template."""
    gold: str = "answer"
    """Field with the right answer, or a template."""
    name: str = Field(default="custom", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """What results call the task."""
    answer_kind: AnswerKind = AnswerKind.EXPRESSION
    grader: str | None = None
    """By default the one that fits the kind: numeric, symbolic, choice, exact."""
    language: str = "en"
    """Code of the questions' language, or a template that gives it."""
    split_key: str | None = None
    """Field or template whose value decides the split, for records that must stay together; the question by default."""
    groups: Names = ()
    """Fields by which results may be broken down."""

    @field_validator("question", "gold", "split_key", "language")
    @classmethod
    def _can_be_filled(cls, form: str | None) -> str | None:
        if form is not None:
            _template(form)
        return form


def custom_task(table: Mapping[str, Any]) -> Task:
    """The task that ``table`` describes; its keys are the fields of :class:`TaskTable`.

    Raises :class:`UnknownNameError` for a key that there is not, :class:`ConfigError` for a value that cannot be used,
    :class:`TaskError` for a kind of answer that needs a grader to be named.
    """
    fields = read_options(TaskTable, table, "the custom task", what="key")
    grader = fields.grader or _GRADERS.get(fields.answer_kind)
    if grader is None:
        raise TaskError(f"no grader fits answers of the kind {fields.answer_kind}", hint="name one: grader = …")
    question, gold = _filled(fields.question), _filled(fields.gold)
    key = _filled(fields.split_key) if fields.split_key else None
    language = _filled(fields.language) if "{" in fields.language else None

    def read(record: Record) -> Draft:
        for name in fields.groups:
            text(record, name)
        return Draft(
            question=question(record),
            gold=gold(record).strip(),
            key=key(record) if key else None,
            language=language(record).strip() if language else None,
            data=picked(record, **{name: name for name in fields.groups}),
        )

    return Task(
        name=fields.name,
        summary="A custom task.",
        source="the user's own file",
        read=read,
        grader=grader,
        answer_kind=fields.answer_kind,
        language="en" if language else fields.language,
        groups=fields.groups,
    )


def _filled(form: str) -> Callable[[Record], str]:
    """A function from a record to the value of a field, or to a filled template."""
    if "{" not in form:
        return lambda record: text(record, form)
    pieces = _template(form)
    return lambda record: "".join(literal + (text(record, name) if name else "") for literal, name in pieces)


def _template(form: str) -> list[tuple[str, str]]:
    """Literal text and the field name after it, empty after the last one. Raises ValueError for what is no template."""
    pieces = []
    for literal, name, spec, conversion in Formatter().parse(form):
        if name == "" or spec or conversion:
            raise ValueError("braces hold a field name and nothing else; a brace itself is written twice")
        pieces.append((literal, name or ""))
    return pieces
