"""Documents and finding them: what search tools, templates, step examples and papers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import Field

from .base import Frozen

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Scalar = str | int | float | bool | None
"""What a search can be limited by. Equal as in JSON: 1 is 1.0, and neither is true nor ``"1"``."""


class Document(Frozen):
    """A text of a corpus."""

    id: str = Field(min_length=1, max_length=200)
    """Unique in its corpus; one of the same id replaces it."""
    text: str
    title: str = ""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """JSON: address, year, licence. A search may be limited to the values that are :data:`Scalar`."""


class Corpus(Frozen):
    """Documents that are searched together."""

    name: str
    created_at: float
    documents: int
    vectors: int
    """How many of the documents can be found by vectors: all or none, unless they are being embedded."""
    embedder: str | None
    """Whose vectors they are; None for a corpus that is found by its words alone."""
    dimension: int | None
    """Numbers a vector; None where there are none."""


class Hit(Frozen):
    """A document that was found."""

    document: Document
    score: float
    """By reciprocal rank fusion: comparable within one search only."""
    text_rank: int | None = None
    """Place by full text, from 1; None where the words did not find it."""
    vector_rank: int | None = None
    """Place by vectors; None where they did not find it, or there are none."""


class Embedder(Protocol):
    """Makes vectors of texts, so that texts of like meaning lie close."""

    @property
    def name(self) -> str:
        """Names the vectors: what has the same name must give the same vector to the same text, today and in a year."""
        ...

    @property
    def dimension(self) -> int:
        """Numbers a vector."""
        ...

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text, finite, of any length: what is compared is the direction."""
        ...


class Retriever(Protocol):
    """Searches the corpora of a store."""

    async def search(
        self, query: str, *, corpus: str, limit: int = 10, where: Mapping[str, Scalar] | None = None
    ) -> tuple[Hit, ...]:
        """The best documents of a corpus, best first; none where nothing fits.

        Any text is a query: what looks like an operator is a word. ``where`` limits the search to documents whose metadata
        have these values. Raises :class:`UnknownNameError` for a corpus that there is not.
        """
        ...
