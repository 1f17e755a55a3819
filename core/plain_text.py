"""Text of models, tools and people without what a terminal would obey."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]|\x1b")


def clean(text: str) -> str:
    """Text of a model, safe for a terminal: escape sequences and control characters are taken out."""
    return _CONTROL.sub("", text)
