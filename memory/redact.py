"""Keeps secrets out of the store: they are replaced by ``[redacted]`` before anything is written.

Secrets are the values of environment variables that are named like keys; anything that looks like an API key, a token or a
password in an address; and what stands beside a name such as ``x-api-key`` or ``password``. Finding that there is none takes
some microseconds for a page of text; only a text with a hit is taken apart, so that JSON stays JSON and a secret in a name or a
number cannot break it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from functools import cached_property
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic_core import SchemaValidator, core_schema

from ..core.events import EVENT
from ..core.records import ControlRecord, JournalEntry, RunRecord

REDACTED: Final = "[redacted]"

_NAMED_LIKE_KEYS = re.compile(r"(?:^|_)(?:API_?KEY|KEY|TOKEN|SECRET)$|PASSWORD$", re.IGNORECASE)
"""Environment variables whose values are secrets."""
_SHORTEST = 8
_NAMES = r"(?:api[-_]?key|authorization|password|client[-_]secret|secret[-_](?:access[-_])?key|(?:access|auth|refresh)[-_]token)"
_NAME = re.compile(rf"(?:.*[-_])?{_NAMES}", re.IGNORECASE)
"""Names in JSON whose values are secrets."""
_MIXED = r"(?=[^\s\"',;]*\d)(?=[^\s\"',;]*[A-Za-z])[\w.~+/=-]{8,}"
"""A value that is no word and no number: what people write behind "password:" in prose is no secret."""
_START = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt]))"
"""Where a token may begin: not inside a word, unless that is a line break written out, as in a quoted text."""
_PATTERNS = (
    # Keys that say what they are. A run of eight letters and digits tells a key from a formula such as sk-n-m.
    _START + r"[spr]k-(?=[\w-]*[A-Za-z0-9]{8})[\w-]{8,}",
    _START + r"[spr]k_(?:live|test)_\w{8,}",
    _START + r"(?:gsk|hf|gh[pousr]|r8)_[A-Za-z0-9]{20,}",
    _START + r"github_pat_\w{20,}",
    _START + r"(?:glpat|nvapi|pplx|xai|xapp|xox[abeoprs])-(?=[\w-]*\d)[\w-]{10,}",
    _START + r"AIza[\w-]{30,}",
    _START + r"(?:AKIA|ASIA)[A-Z0-9]{16}\b",
    _START + r"eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*",  # a JSON web token
    # Values beside a name, which stays: the first group.
    r"(://[^\s/:@\"']*:)[^\s/@\"']+(?=@)",
    rf"({_START}(?i:bearer\s+)){_MIXED}",
    r"((?i:authorization[\"']?\s*[:=]\s*[\"']?(?:bearer|basic|token)\s+))[\w.~+/=-]{8,}",
    rf"((?i:{_NAMES}[\"']?\s*[:=]\s*[\"']?)){_MIXED}",
)
_HINT = "|".join(
    (
        r"[spr]k[-_][A-Za-z0-9_-]{8}",
        r"(?:gsk|hf|gh[pousr]|r8)_[A-Za-z0-9]{20}|github_pat_",
        r"(?:glpat|nvapi|pplx|xai|xapp|xox[abeoprs])-[A-Za-z0-9_-]{10}",
        r"AIza[A-Za-z0-9_-]{30}|A[KS]IA[A-Z0-9]{16}|eyJ[A-Za-z0-9_-]{10}",
        r"://[^ /:@]*:[^ /@]+@",
        rf"(?i:bearer\s+\S{{8}}|authorization|{_NAMES}[\\'\x22 ]*[:=])",
    )
)
"""Is found in whatever the patterns find, in JSON text too. It is searched by pydantic's own engine (Rust's ``regex``, which
knows no look-around): some microseconds a page, where Python's takes a hundred."""


class Redactor:
    """Replaces the secrets known when it was made. Make one per store: the patterns are compiled once."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        secrets = self._secrets = _secrets(os.environ if environment is None else environment)
        # In JSON text a secret stands escaped.
        literal = (json.dumps(secret, ensure_ascii=False)[1:-1] for secret in secrets)
        hints = "|".join([*("".join(f"\\x{{{ord(char):x}}}" for char in each) for each in literal), _HINT])
        self._hinted = SchemaValidator(core_schema.str_schema(pattern=hints)).isinstance_python

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # Compiled when first needed: that takes longer than the rest of opening a store, and most runs hold no secret.
        return re.compile("|".join([*map(re.escape, self._secrets), *_PATTERNS]))

    def text(self, text: str) -> str:
        """Plain text without its secrets."""
        return self._pattern.sub(_blot, text)

    def json(self, text: str) -> str:
        """JSON text whose strings hold no secret; the same text where there was none."""
        if not self._hinted(text):
            return text
        return json.dumps(self._clean(json.loads(text)), ensure_ascii=False)

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.text(key): self._clean_named(key, item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._clean(item) for item in value]
        return value

    def _clean_named(self, name: str, value: Any) -> Any:
        return REDACTED if isinstance(value, str) and value and _NAME.fullmatch(name) else self._clean(value)


def _blot(match: re.Match[str]) -> str:
    return next((kept for kept in match.groups() if kept is not None), "") + REDACTED


def _secrets(environment: Mapping[str, str]) -> list[str]:
    """Values that are secrets, longest first: one that contains another is replaced as a whole."""
    values = {
        value.strip() for name, value in environment.items() if _NAMED_LIKE_KEYS.search(name) and len(value.strip()) >= _SHORTEST
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
