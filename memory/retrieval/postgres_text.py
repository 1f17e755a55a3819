"""Full text by PostgreSQL: a ``tsvector`` beside each document under a GIN index.

Its own ``ts_rank`` does not know how rare a word is, so each word is ranked by itself and counts by its rarity.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, text

from .full_text import Row
from .words import Word

_INSERT = text(
    "INSERT INTO documents (corpus, name, body, terms) "
    "SELECT :corpus, name, body, to_tsvector('symposia_words', words) "
    "FROM unnest(CAST(:names AS text[]), CAST(:bodies AS text[]), CAST(:words AS text[])) AS rows (name, body, words) "
    "RETURNING id, name"
)
_COUNT = text(
    "SELECT count(*) FROM (SELECT 1 FROM documents "
    "WHERE corpus = :corpus AND terms @@ to_tsquery('symposia_words', :word) LIMIT :most) AS holders"
)
_HAS_LABEL = " AND id IN (SELECT document FROM labels WHERE label = :{})"
_BY_LENGTH = 1
"""Of ``ts_rank``: divided by 1 + the logarithm of the document's length."""


class PostgresText:
    """See :class:`.full_text.TextIndex`."""

    most: int = 2_000  # for each document ranked, a tsvector of some kilobytes is unpacked

    def create(self, connection: Connection, corpus: int) -> None:
        """Nothing: all corpora share the index."""

    def drop(self, connection: Connection, corpus: int) -> None:
        """Nothing: the words go with the documents, which nobody can ask for without their corpus's name."""

    def insert(self, connection: Connection, corpus: int, rows: Sequence[Row]) -> dict[str, int]:
        """See :class:`.full_text.TextIndex`."""
        columns = {
            "names": [row.name for row in rows],
            "bodies": [row.body for row in rows],
            "words": [row.words for row in rows],
        }
        return {row.name: row.id for row in connection.execute(_INSERT, {"corpus": corpus, **columns})}

    def forget(self, connection: Connection, corpus: int, documents: Mapping[int, str]) -> None:
        """Nothing: the words go with the documents."""

    def count(self, connection: Connection, corpus: int, word: Word) -> int:
        """See :class:`.full_text.TextIndex`."""
        values = {"corpus": corpus, "word": _match(word), "most": self.most}
        return int(connection.execute(_COUNT, values).scalar_one())

    def rank(
        self, connection: Connection, corpus: int, counts: Mapping[Word, int], labels: Sequence[int], limit: int
    ) -> list[int]:
        """See :class:`.full_text.TextIndex`."""
        words = {f"word{at}": _match(word) for at, word in enumerate(counts)}
        # Between log 2, for a word in as many documents as are counted, and log (1 + most), for a word in one.
        weights = {f"weight{at}": math.log(1 + self.most / count) for at, count in enumerate(counts.values())}
        asked = {f"label{at}": label for at, label in enumerate(labels)}
        queries = [f"to_tsquery('symposia_words', :{name})" for name in words]
        score = " + ".join(
            f"CAST(:{weight} AS float8) * ts_rank(terms, {query}, {_BY_LENGTH})"
            for weight, query in zip(weights, queries, strict=True)
        )
        labelled = "".join(map(_HAS_LABEL.format, asked))
        statement = (
            f"SELECT id FROM (SELECT id, terms FROM documents "  # noqa: S608 - values are bound
            f"WHERE corpus = :corpus AND terms @@ ({' || '.join(queries)}){labelled} ORDER BY id DESC LIMIT :most) AS newest "
            f"ORDER BY {score} DESC, id LIMIT :limit"
        )
        values = {"corpus": corpus, "most": self.most, "limit": limit, **words, **weights, **asked}
        return list(connection.execute(text(statement), values).scalars())


def _match(word: Word) -> str:
    return f"{word.text}:*" if word.prefix else word.text
