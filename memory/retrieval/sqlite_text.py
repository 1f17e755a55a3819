"""Full text by SQLite's FTS5: a table for each corpus, so that corpora neither slow each other down nor change their ranks.

Tables are contentless: the text stands in ``documents`` alone. Words come folded and separated (``ascii``) and are stemmed by
Porter's rules. Ranks are BM25's, as FTS5 computes it (k1 = 1.2, b = 0.75).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, bindparam, select

from .. import bulk
from ..schema import documents
from .full_text import Row
from .words import Word

_NUMBERS = select(documents.c.id, documents.c.name).where(
    documents.c.corpus == bindparam("of_corpus"), documents.c.name.in_(bindparam("names", expanding=True))
)


class SqliteText:
    """See :class:`.full_text.TextIndex`."""

    most: int = 10_000  # some microseconds each

    def create(self, connection: Connection, corpus: int) -> None:
        """Make the corpus's table."""
        tokenizer = "tokenize = 'porter ascii'"
        connection.exec_driver_sql(f"CREATE VIRTUAL TABLE {_table(corpus)} USING fts5(words, content = '', {tokenizer})")

    def drop(self, connection: Connection, corpus: int) -> None:
        """Drop the corpus's table."""
        connection.exec_driver_sql(f"DROP TABLE {_table(corpus)}")

    def insert(self, connection: Connection, corpus: int, rows: Sequence[Row]) -> dict[str, int]:
        """See :class:`.full_text.TextIndex`."""
        bulk.put(connection, documents, [{"corpus": corpus, "name": row.name, "body": row.body} for row in rows])
        names = [row.name for row in rows]
        numbers = {row.name: row.id for row in connection.execute(_NUMBERS, {"of_corpus": corpus, "names": names})}
        statement = f"INSERT INTO {_table(corpus)} (rowid, words) VALUES (?, ?)"  # noqa: S608 - our own name
        connection.exec_driver_sql(statement, [(numbers[row.name], row.words) for row in rows])
        return numbers

    def forget(self, connection: Connection, corpus: int, documents: Mapping[int, str]) -> None:
        """See :class:`.full_text.TextIndex`."""
        table = _table(corpus)
        statement = f"INSERT INTO {table} ({table}, rowid, words) VALUES ('delete', ?, ?)"  # noqa: S608
        connection.exec_driver_sql(statement, list(documents.items()))

    def count(self, connection: Connection, corpus: int, word: Word) -> int:
        """See :class:`.full_text.TextIndex`."""
        table = _table(corpus)
        statement = f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {table} MATCH ? LIMIT ?)"  # noqa: S608
        return int(connection.exec_driver_sql(statement, (_match(word), self.most)).scalar_one())

    def rank(
        self, connection: Connection, corpus: int, counts: Mapping[Word, int], labels: Sequence[int], limit: int
    ) -> list[int]:
        """See :class:`.full_text.TextIndex`."""
        table = _table(corpus)
        # "+": a document at a time is asked for its labels. Else SQLite would ask for the words, once for each labelled document.
        labelled = " AND +rowid IN (SELECT document FROM labels WHERE label = ?)" * len(labels)
        statement = (
            f"SELECT id FROM (SELECT rowid AS id, bm25({table}) AS score FROM {table} WHERE {table} MATCH ?{labelled} "  # noqa: S608
            "ORDER BY rowid DESC LIMIT ?) ORDER BY score, id LIMIT ?"
        )
        query = " OR ".join(map(_match, counts))
        return list(connection.exec_driver_sql(statement, (query, *labels, self.most, limit)).scalars())


def _table(corpus: int) -> str:
    return f"corpus_words_{corpus}"


def _match(word: Word) -> str:
    return f'"{word.text}" *' if word.prefix else f'"{word.text}"'
