"""Keeps secrets out of the store: they are replaced by ``[redacted]`` before anything is written.

Secrets are the values of environment variables that are named like keys, and anything that looks like an API key or a
bearer token. Finding that there is none costs a few substring searches; only a text with a hit is taken apart, so that
JSON stays JSON and a secret in a name or a number cannot break it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from ..core.events import EVENT
from ..core.records import ControlRecord, JournalEntry, RunRecord

REDACTED: Final = "[redacted]"

_NAMED_LIKE_KEYS = ("_API_KEY", "_TOKEN", "_SECRET", "_KEY")
_SHORTEST = 8
_PATTERN = r"\bsk-[A-Za-z0-9_-]{8,}|(?<=\b[Bb]earer )[A-Za-z0-9._~+/=-]{8,}"
_MARKS = ("sk-", "earer ")


class Redactor:
    """Replaces the secrets known when it was made. Make one per store: the patterns are compiled once."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        secrets = _secrets(os.environ if environment is None else environment)
        # In JSON text a secret stands escaped.
        self._marks = (*_MARKS, *(json.dumps(secret, ensure_ascii=False)[1:-1] for secret in secrets))
        self._pattern = re.compile("|".join([*map(re.escape, secrets), _PATTERN]))

    def text(self, text: str) -> str:
        """Plain text without its secrets."""
        return self._pattern.sub(REDACTED, text)

    def json(self, text: str) -> str:
        """JSON text whose strings hold no secret; the same text where there was none."""
        if not any(mark in text for mark in self._marks):
            return text
        return json.dumps(self._clean(json.loads(text)), ensure_ascii=False)

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self._clean(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._clean(item) for item in value]
        return value


def _secrets(environment: Mapping[str, str]) -> list[str]:
    """Values that are secrets, longest first: one that contains another is replaced as a whole."""
    values = {
        value.strip()
        for name, value in environment.items()
        if name.upper().endswith(_NAMED_LIKE_KEYS) and len(value.strip()) >= _SHORTEST
    }
    plain = {value for value in values if re.fullmatch("[a-z_]+", value)}
    if plain:
        # SORT_KEY=assistant must not take the word out of every record: what our own records are spelt with is no secret.
        words = _vocabulary()
        values -= {value for value in plain if any(value in word for word in words)}
    return sorted(values, key=lambda value: (-len(value), value))


def _vocabulary() -> set[str]:
    """Field names and fixed values of everything that the store writes."""
    words: set[str] = set()

    def walk(schema: Any) -> None:
        if isinstance(schema, dict):
            found = (*schema.get("properties", ()), *schema.get("enum", ()), schema.get("const", ""))
            words.update(str(word) for word in found)
            for item in schema.values():
                walk(item)
        elif isinstance(schema, list):
            for item in schema:
                walk(item)

    adapters: list[TypeAdapter[Any]] = [TypeAdapter(model) for model in (RunRecord, JournalEntry, ControlRecord)]
    for adapter in (*adapters, EVENT):
        walk(adapter.json_schema())
    return words
