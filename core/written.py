"""Tools that were written at run time: source, schema and tests, and where they come from.

All of it is untrusted, whoever wrote it: text that models read, and code that runs in a sandbox only.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from .base import Frozen

WRITER = "write-tool"
"""The strategy whose runs write tools."""


class ToolTest(Frozen):
    """Arguments, and what must come of them: a value, or an exception."""

    arguments: dict[str, Any]
    expected: Any = None
    """JSON. Not looked at where ``raises`` is given."""
    raises: str | None = None
    """The name of the exception, such as ``ValueError``."""


class ToolDraft(Frozen):
    """A tool as it is written, by a model or a person."""

    name: str
    description: str
    """What it does and when to use it, for the models that are offered it: one line."""
    parameters: dict[str, Any]
    """JSON schema of its arguments, in the part of it that :mod:`symposia.tools.schemas` reads."""
    source: str
    """Python that defines a function ``run``, which takes the arguments by name and returns JSON."""
    tests: tuple[ToolTest, ...]

    @property
    def digest(self) -> str:
        """The sha256 of all of it: what tells one version of a tool from another, wherever it is stored."""
        text = json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()


class Provenance(Frozen):
    """Where a written tool comes from."""

    admitted_by: str
    """The person who had it stored."""
    sandbox: str
    """In which its tests passed."""
    run_id: str | None = None
    """The run in which a model wrote it; None where a person did."""
    model: str | None = None


class WrittenTool(Frozen):
    """A version of a written tool, as stored. Versions are counted from 1; no number and no content ever changes."""

    draft: ToolDraft
    version: int
    written_at: float
    """Unix time."""
    provenance: Provenance

    @property
    def title(self) -> str:
        """``NAME@VERSION``."""
        return f"{self.draft.name}@{self.version}"
