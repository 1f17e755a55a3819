"""Documents and finding them: what search tools, templates, step examples and papers share."""

from __future__ import annotations

from typing import Any, Protocol

from pydantic import Field

from .base import Frozen


class Document(Frozen):
    """A text of a corpus."""

    id: str = Field(min_length=1, max_length=200)
    """Unique in its corpus; one of the same id replaces it."""
    text: str
    title: str = ""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """JSON: address, year, licence; what a search may be limited to."""


class Hit(Frozen):
    """A document that was found."""

    document: Document
    score: float
    """By reciprocal rank fusion: comparable within one search only."""
    text_rank: int | None = None
    """Place by full text, from 1; None where the words did not find it."""
    vector_rank: int | None = None
    """Place by vectors; None where they did not find it, or there are none."""


class Retriever(Protocol):
    """Searches the corpora of a store."""

    async def search(self, query: str, *, corpus: str, limit: int = 10) -> tuple[Hit, ...]:
        """The best documents of a corpus, best first; none where nothing fits.

        Any text is a query: what looks like an operator is a word. Raises :class:`UnknownNameError` for a corpus that there
        is not.
        """
        ...
