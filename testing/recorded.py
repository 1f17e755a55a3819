"""What the loopback server remembers of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from .completions import prompt_text


@dataclass
class Recorded:
    """A request as the server saw it."""

    index: int
    """Order of arrival, from 0."""
    tag: str
    """The header ``X-Request-Id``."""
    headers: Mapping[str, str]
    """Names in lower case."""
    body: dict[str, Any]
    arrived: float
    """Seconds since the server was made."""
    ended: float | None = None
    state: Literal["open", "replied", "failed", "cancelled"] = "open"
    """``failed`` by a fault, ``cancelled`` by the client before the reply was out."""

    generated: bool = False
    """Whether the reply was written to its end, be it that nobody waited for it any more."""

    @property
    def prompt(self) -> str:
        """The text of its messages."""
        return prompt_text(self.body)
