"""What is asked of a sandbox, checked before any code runs."""

from __future__ import annotations

import json
import keyword
from collections.abc import Mapping
from typing import Any

from ...core.errors import UsageError


def checked_inputs(inputs: Mapping[str, Any] | None) -> dict[str, Any]:
    """``inputs`` as the code will see them: plain JSON under names that Python code can use.

    Raises :class:`UsageError` where they are something else.
    """
    for name in inputs or {}:
        if not isinstance(name, str) or not name.isidentifier() or keyword.iskeyword(name):
            raise UsageError(f"input {name!r} cannot be a variable", hint="use a Python name")
    if not inputs:
        return {}
    try:
        checked: dict[str, Any] = json.loads(json.dumps(dict(inputs), allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        hint = "numbers, text, lists, dictionaries, true, false, null"
        raise UsageError(f"the inputs of code must be JSON: {error}", hint=hint) from None
    return checked


def request_of(code: str, inputs: dict[str, Any]) -> str:
    """What is sent to where ``code`` runs: JSON, in ASCII."""
    return json.dumps({"code": code, "inputs": inputs})


def one_line(text: str, most: int = 500) -> str:
    """``text`` on one line, cut where it is longer than ``most`` characters."""
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[: most - 1]}…"
