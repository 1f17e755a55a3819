"""One of several things to choose from."""

from __future__ import annotations

from typing import NamedTuple


class Item(NamedTuple):
    """One of several things to choose from."""

    id: str
    """Empty for what the configuration decides."""
    label: str
    detail: str = ""
    disabled: str = ""
    """Why it cannot be chosen; empty where it can."""
