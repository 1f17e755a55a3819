"""Names that people and programs give to what is stored: safe in a shell, a file name and an address."""

from __future__ import annotations

_MAX = 64

RULE = f"at most {_MAX} letters, digits, '-' and '_'"
"""The rule, for the hint of an error."""


def is_name(text: str) -> bool:
    """Whether ``text`` can be the id of a run or the name of a ledger or an experiment."""
    return text.isascii() and text.replace("-", "").replace("_", "").isalnum() and len(text) <= _MAX
