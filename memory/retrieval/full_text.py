"""Full text search, as both kinds of store do it: the rarest words of the query find the documents.

Ranking takes time for each document that holds one of the words, and a common word tells little. So words are taken from the
rarest on, for as long as together they stand in at most some thousands of documents; the others come into play only where those
found too few. Of the documents of a word that is more common than that by itself, the newest are ranked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from sqlalchemy import Connection

from .words import Word, queried


class Row(NamedTuple):
    """A document on its way into the store."""

    name: str
    """Its own id."""
    body: str
    """JSON, redacted."""
    words: str
    """As of :func:`.words.indexed`."""
    labels: tuple[int, ...]
    vector: bytes | None = None


class TextIndex(Protocol):
    """What a kind of database does for itself. Everything happens in the caller's transaction."""

    most: int
    """Documents that may be ranked for a query."""

    def create(self, connection: Connection, corpus: int) -> None:
        """Prepare for a new corpus."""
        ...

    def drop(self, connection: Connection, corpus: int) -> None:
        """Have no document of a corpus found any more."""
        ...

    def insert(self, connection: Connection, corpus: int, rows: Sequence[Row]) -> dict[str, int]:
        """Insert documents with their words; their numbers, by name."""
        ...

    def forget(self, connection: Connection, corpus: int, documents: Mapping[int, str]) -> None:
        """Take the words of documents out; ``documents`` are their words by number, as they were indexed."""
        ...

    def count(self, connection: Connection, corpus: int, word: Word) -> int:
        """In how many documents a word stands; at most :attr:`most`."""
        ...

    def rank(
        self, connection: Connection, corpus: int, counts: Mapping[Word, int], labels: Sequence[int], limit: int
    ) -> list[int]:
        """Numbers of the best documents that hold one of the words and have all labels; of equal ones the lower first."""
        ...


def search(connection: Connection, index: TextIndex, corpus: int, query: str, *, labels: Sequence[int], limit: int) -> list[int]:
    """Numbers of the documents that the words of a query find, best first."""
    counts = {word: index.count(connection, corpus, word) for word in queried(query)}
    found: dict[int, None] = {}
    for group in groups({word: count for word, count in counts.items() if count}, index.most):
        found |= dict.fromkeys(index.rank(connection, corpus, group, labels, limit))
        if len(found) >= limit:
            break
    return list(found)[:limit]


def groups(counts: Mapping[Word, int], most: int) -> Iterator[dict[Word, int]]:
    """The words from the rarest on, in groups that stand in at most ``most`` documents; one that stands in more is alone."""
    group: dict[Word, int] = {}
    for word in sorted(counts, key=lambda word: (counts[word], word)):
        if group and sum(group.values()) + counts[word] > most:
            yield group
            group = {}
        group[word] = counts[word]
    if group:
        yield group
