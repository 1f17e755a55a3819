"""A value as JSON text: what JSON holds as itself, anything else as its ``repr``.

A small object can stand for an endless text (a list that holds another twice, that another twice …), so that what a value would
take is counted before anything is written.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

MOST_BYTES = 2**20
"""A value that takes more is not given back."""


class ValueTooLargeError(Exception):
    """A value would take more than :data:`MOST_BYTES`."""


def to_json(value: object) -> str:
    """JSON text of ``value``, or of its ``repr`` where JSON does not hold it as it is (keys that are no text, sets, NaN …).

    A tuple is a list. Raises :class:`ValueTooLargeError`, and whatever the ``repr`` of the value raises.
    """
    text = json.dumps(value, allow_nan=False) if _is_plain(value) else json.dumps(repr(value))
    if len(text) > MOST_BYTES:
        raise ValueTooLargeError
    return text


def _is_plain(value: object) -> bool:
    """Whether JSON holds it. Raises :class:`ValueTooLargeError` as soon as it is clear that its text would be too large."""
    size, plain = 0, True
    todo: list[Any] = [value]
    while todo:
        item = todo.pop()
        parts, fits, length = _look(item)
        size += length
        plain = plain and fits
        if size > MOST_BYTES:
            raise ValueTooLargeError
        todo.extend(parts)
    return plain


def _look(item: Any) -> tuple[Iterable[Any], bool, int]:
    """What ``item`` holds, whether JSON has its kind, and the least that it takes."""
    if isinstance(item, dict):
        return (*item.keys(), *item.values()), all(type(key) is str for key in item), 2 * len(item) + 2
    if isinstance(item, (list, tuple)):
        return item, True, len(item) + 2
    if isinstance(item, (str, int, float, type(None))):
        return (), not isinstance(item, float) or math.isfinite(item), _length(item)
    return _inner(item), False, 2


def _length(item: str | float | None) -> int:
    if isinstance(item, str):
        return len(item) + 2
    return item.bit_length() // 4 + 1 if isinstance(item, int) else 3


def _inner(item: Any) -> Iterable[Any]:
    """What the ``repr`` of another kind of object would write out too."""
    if isinstance(item, (set, frozenset)):
        return item
    if isinstance(item, (bytes, bytearray)):
        return ("x" * min(len(item), MOST_BYTES),)
    if isinstance(item, BaseException):
        return item.args
    attributes = getattr(item, "attributes", None)  # of an object of monty's, which knows no other
    return (attributes,) if isinstance(attributes, dict) else ()
