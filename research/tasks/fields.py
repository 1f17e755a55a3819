"""Reading fields of records: what every task needs. Missing ones raise :class:`KeyError`, unusable ones :class:`ValueError`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from .item import content_hash
from .task import Record

LETTERS = "ABCDEFGHIJ"


class Choices(NamedTuple):
    """Options as a list with letters, and the letter of the right one."""

    text: str
    gold: str


def text(record: Record, *names: str) -> str:
    """The first field of ``names`` that is there, as it is written. Blank ones and those that are no text are refused."""
    name = next((name for name in names if name in record), None)
    if name is None:
        raise KeyError(names[0])
    value = record[name]
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise ValueError(f"field {name!r} holds no text")  # noqa: TRY004 - what is wrong is the data
    if not str(value).strip():
        raise ValueError(f"field {name!r} is empty")
    return str(value)


def number(record: Record, *names: str) -> str:
    """A number as text: 10.0 is 10, as data sets that went through floating point mean it."""
    found = text(record, *names).strip()
    return found.removesuffix(".0")


def texts(record: Record, name: str) -> list[str]:
    """A list of texts."""
    value = record[name]
    if not isinstance(value, Sequence) or isinstance(value, str) or not value or not all(isinstance(each, str) for each in value):
        raise ValueError(f"field {name!r} holds no list of texts")
    return list(value)


def picked(record: Record, **fields: str) -> dict[str, Any]:
    """What is there of some fields, by the names that we give them: ``picked(record, level="Level")``."""
    return {ours: record[theirs] for ours, theirs in fields.items() if record.get(theirs) is not None}


def lettered(options: Sequence[str], right: int) -> Choices:
    """Options under each other as ``(A) …``, in the order given."""
    if len(options) > len(LETTERS):
        raise ValueError(f"{len(options)} options are more than the {len(LETTERS)} that have a letter")
    lines = [f"({letter}) {option.strip()}" for letter, option in zip(LETTERS, options, strict=False)]
    return Choices("\n".join(lines), LETTERS[right])


def shuffled(question: str, options: Sequence[str]) -> list[int]:
    """An order of ``options`` that their texts decide, so that it is the same everywhere and tells nothing about the answer."""
    return sorted(range(len(options)), key=lambda index: content_hash(f"{question}\n{options[index]}"))
