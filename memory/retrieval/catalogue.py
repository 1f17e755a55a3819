"""Which corpora there are, and removing one.

Removing takes many transactions, so that nobody who writes has to wait long. The first of them takes the corpus's name and its
full text away: nobody finds it any more. What a process that is killed leaves behind goes with the next removal.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select, update

from ...core.errors import UnknownNameError
from ...core.retrieval import Corpus
from ..schema import corpora, documents, vectors
from .documents import find
from .full_text import TextIndex

_AT_A_TIME = 500
"""Documents a transaction that removes."""


def every(connection: Connection, name: str | None = None) -> list[Corpus]:
    """All corpora by name, or the one of this name, with how much is in them."""
    amounts = [
        select(func.count()).select_from(table).where(table.c.corpus == corpora.c.id).scalar_subquery().label(table.name)
        for table in (documents, vectors)
    ]
    about = (corpora.c.name, corpora.c.created_at, corpora.c.embedder, corpora.c.dimension)
    query = select(*about, *amounts).order_by(corpora.c.name)
    query = query.where(corpora.c.name.is_not(None) if name is None else corpora.c.name == name)
    return [Corpus.model_validate(dict(row._mapping)) for row in connection.execute(query)]  # noqa: SLF001 - public in all but name


def one(connection: Connection, name: str) -> Corpus:
    """A corpus with how much is in it. Raises :class:`UnknownNameError`."""
    found = every(connection, name)
    if not found:
        raise UnknownNameError("corpus", name, [corpus.name for corpus in every(connection)])
    return found[0]


def begin_removal(connection: Connection, index: TextIndex, name: str) -> None:
    """Have a corpus be found by nobody. Raises :class:`UnknownNameError`."""
    corpus = find(connection, name, lock=True)
    index.drop(connection, corpus.id)
    connection.execute(update(corpora).where(corpora.c.id == corpus.id).values(name=None))


def remove_some(connection: Connection) -> bool:
    """Delete a part of what corpora without a name hold, at last them; False where there is none left."""
    nameless = select(corpora.c.id).where(corpora.c.name.is_(None)).order_by(corpora.c.id).limit(1).with_for_update()
    corpus = connection.execute(nameless).scalar_one_or_none()
    if corpus is None:
        return False
    some = select(documents.c.id).where(documents.c.corpus == corpus).order_by(documents.c.id).limit(_AT_A_TIME)
    if connection.execute(delete(documents).where(documents.c.id.in_(some))).rowcount == 0:
        connection.execute(delete(corpora).where(corpora.c.id == corpus))
    return True
