"""Metadata as labels: a number for each pair of key and value, by which a search is limited."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from ...core.errors import ConfigError
from ...core.retrieval import Scalar


def labels_of(corpus: str, metadata: Mapping[str, Any]) -> tuple[int, ...]:
    """Labels of a document: of its values that are scalar."""
    return tuple(_label(corpus, key, value) for key, value in metadata.items() if _is_scalar(value))


def labels_for(corpus: str, where: Mapping[str, Scalar]) -> tuple[int, ...]:
    """Labels that a document must have. Raises :class:`ConfigError` for a value that is no scalar."""
    for key, value in where.items():
        if not _is_scalar(value):
            raise ConfigError(
                f"a search cannot be limited by {key} = {value!r}", hint="give a text, a number, true, false or null"
            )
    return labels_of(corpus, where)


def _is_scalar(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)


def _label(corpus: str, key: str, value: Scalar) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    # 64 bits of sha256: that two of a million labels are one has a chance of 1 to 10^7.
    digest = sha256(json.dumps([corpus, key, value]).encode()).digest()
    return int.from_bytes(digest[:8], signed=True)
