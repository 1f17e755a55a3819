"""Documents in the store: each of these functions is one transaction, or a part of one.

Whoever changes a corpus locks its row first, so that a document, its words, its labels and its vector come and go together, and
whatever is new has a higher number than what was there.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

from pydantic import TypeAdapter
from sqlalchemy import Connection, Select, bindparam, delete, select, update

from ...core.errors import ConfigError, UnknownNameError
from ...core.retrieval import Document
from .. import bulk
from ..names import RULE, is_name
from ..rows import read
from ..schema import corpora, documents, labels, vectors
from .full_text import Row, TextIndex
from .words import indexed

DOCUMENT: TypeAdapter[Document] = TypeAdapter(Document)

_BODIES = select(documents.c.id, documents.c.body).where(documents.c.id.in_(bindparam("numbers", expanding=True)))


class Space(NamedTuple):
    """Whose vectors a corpus has."""

    embedder: str
    dimension: int


class Opened(NamedTuple):
    """A row of ``corpora``."""

    id: int
    name: str
    space: Space | None
    removals: int
    """Vectors that were removed since it was made."""


def content(document: Document) -> str:
    """What a document is found by."""
    return f"{document.title}\n{document.text}" if document.title else document.text


def find(connection: Connection, name: str, *, lock: bool = False) -> Opened:
    """A corpus; with ``lock`` nobody else changes it in this transaction. Raises :class:`UnknownNameError`."""
    query = select(corpora).where(corpora.c.name == name)
    found = _opened(connection, query.with_for_update() if lock else query)
    if found is None:
        raise UnknownNameError(
            "corpus", name, connection.execute(select(corpora.c.name).where(corpora.c.name.is_not(None))).scalars()
        )
    return found


def changed(connection: Connection, name: str, space: Space | None, rows: Sequence[Row]) -> list[Row]:
    """Those of ``rows`` that a corpus does not hold as they are, each with its vector where there is a ``space``.

    Raises as :func:`put` does: asked before anything is embedded, which may cost money.
    """
    corpus = _opened(connection, select(corpora).where(corpora.c.name == name))
    if corpus is None:
        _require_name(name)
        return list(rows)
    require_space(corpus, space)
    mine = documents.outerjoin(vectors, vectors.c.document == documents.c.id)
    query = select(documents.c.name, documents.c.body).select_from(mine)
    query = query.where(documents.c.corpus == corpus.id, documents.c.name.in_([row.name for row in rows]))
    if space is not None:
        query = query.where(vectors.c.id.is_not(None))
    known = {row.name: row.body for row in connection.execute(query)}
    return [row for row in rows if known.get(row.name) != row.body]


def put(connection: Connection, index: TextIndex, name: str, space: Space | None, rows: Sequence[Row]) -> None:
    """Add documents to a corpus, made where there is none; those of the same names are replaced.

    Raises :class:`ConfigError` where the corpus has vectors of another embedder, or none, and for a name that cannot be.
    """
    corpus = _find_or_make(connection, index, name, space)
    require_space(corpus, space)
    _take_out(connection, index, corpus, [row.name for row in rows])
    numbers = index.insert(connection, corpus.id, rows)
    labelled = [{"label": label, "document": numbers[row.name]} for row in rows for label in row.labels]
    bulk.put(connection, labels, labelled)
    put_vectors(connection, corpus, {numbers[row.name]: row.vector for row in rows if row.vector is not None})


def remove(connection: Connection, index: TextIndex, name: str, names: Collection[str]) -> int:
    """Remove documents from a corpus; how many there were. Raises :class:`UnknownNameError`."""
    return _take_out(connection, index, find(connection, name, lock=True), names)


def fetch(connection: Connection, numbers: Sequence[int]) -> dict[int, Document]:
    """Documents by their numbers; those that are no more are left out."""
    rows = connection.execute(_BODIES, {"numbers": list(numbers)})
    return {row.id: read(DOCUMENT, row.body, f"document {row.id}") for row in rows}


def named(connection: Connection, name: str, names: Collection[str]) -> dict[str, Document]:
    """Documents of a corpus by their own ids; those that there are not are left out. Raises :class:`UnknownNameError`."""
    corpus = find(connection, name)
    query = select(documents.c.id, documents.c.name, documents.c.body)
    query = query.where(documents.c.corpus == corpus.id, documents.c.name.in_(names))
    return {row.name: read(DOCUMENT, row.body, f"document {row.id}") for row in connection.execute(query)}


def oldest(connection: Connection, name: str, limit: int) -> list[Document]:
    """The documents of a corpus that have been in it longest. Raises :class:`UnknownNameError`."""
    corpus = find(connection, name)
    query = select(documents.c.id, documents.c.body).where(documents.c.corpus == corpus.id).order_by(documents.c.id)
    return [read(DOCUMENT, row.body, f"document {row.id}") for row in connection.execute(query.limit(limit))]


def require_space(corpus: Opened, space: Space | None) -> None:
    """Raise :class:`ConfigError` where vectors of ``space`` cannot stand beside those of the corpus."""
    if corpus.space == space:
        return
    if corpus.space is None:
        raise ConfigError(
            f"the corpus {corpus.name!r} has no vectors",
            hint=f"call `embed` once, or `symposia corpus embed {corpus.name}`: it makes one for each document",
        )
    theirs = f"vectors of {corpus.space.embedder!r} with {corpus.space.dimension} numbers"
    if space is None:
        raise ConfigError(f"the corpus {corpus.name!r} has {theirs}", hint="open the corpora with this embedder")
    raise ConfigError(
        f"the corpus {corpus.name!r} has {theirs}, which cannot be compared with those of {space.embedder!r} "
        f"with {space.dimension}",
        hint=f"use that embedder, or call `embed`, or `symposia corpus embed {corpus.name}`, to make all vectors anew",
    )


def enter_space(connection: Connection, name: str, space: Space | None) -> None:
    """Have all vectors of a corpus be of ``space``, or have it have none; others go. Raises :class:`UnknownNameError`."""
    corpus = find(connection, name, lock=True)
    if corpus.space != space:
        removed = connection.execute(delete(vectors).where(vectors.c.corpus == corpus.id)).rowcount
        embedder, dimension = space or (None, None)
        _change(connection, corpus, embedder=embedder, dimension=dimension, removals=corpus.removals + removed)


def without_vectors(connection: Connection, name: str, after: int, limit: int) -> dict[int, Document]:
    """The next documents with a number above ``after`` that have no vector, in their order. Raises :class:`UnknownNameError`."""
    corpus = find(connection, name)
    mine = documents.outerjoin(vectors, vectors.c.document == documents.c.id)
    query = select(documents.c.id, documents.c.body).select_from(mine).where(documents.c.corpus == corpus.id)
    query = query.where(documents.c.id > after, vectors.c.id.is_(None)).order_by(documents.c.id).limit(limit)
    return {row.id: read(DOCUMENT, row.body, f"document {row.id}") for row in connection.execute(query)}


def add_vectors(connection: Connection, name: str, space: Space, given: dict[int, bytes]) -> int:
    """Store vectors of documents that have none; how many. Raises :class:`UnknownNameError`, and :class:`ConfigError` where
    somebody has the corpus embedded otherwise meanwhile.
    """
    corpus = find(connection, name, lock=True)
    require_space(corpus, space)
    # Some may have been removed since they were read.
    mine = select(documents.c.id).where(documents.c.corpus == corpus.id, documents.c.id.in_(list(given)))
    return put_vectors(connection, corpus, {id_: given[id_] for id_ in sorted(connection.execute(mine).scalars())})


def put_vectors(connection: Connection, corpus: Opened, given: dict[int, bytes]) -> int:
    """Store vectors by the documents' numbers; how many are new."""
    rows = [{"corpus": corpus.id, "document": document, "vector": vector} for document, vector in given.items()]
    return bulk.put(connection, vectors, rows, key=("document",))


def _find_or_make(connection: Connection, index: TextIndex, name: str, space: Space | None) -> Opened:
    query = select(corpora).where(corpora.c.name == name).with_for_update()
    found = _opened(connection, query)
    if found is not None:
        return found
    _require_name(name)
    embedder, dimension = space or (None, None)
    row = {"name": name, "created_at": time.time(), "embedder": embedder, "dimension": dimension, "removals": 0}
    made = bulk.put(connection, corpora, [row], key=("name",))
    found = _opened(connection, query)
    if found is None:
        raise UnknownNameError("corpus", name, ())  # removed in between; the next call makes it
    if made:
        index.create(connection, found.id)
    return found


def _require_name(name: str) -> None:
    if not is_name(name):
        raise ConfigError(f"{name!r} cannot be the name of a corpus", hint=RULE)


def _opened(connection: Connection, query: Select[Any]) -> Opened | None:
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return Opened(row.id, row.name, None if row.embedder is None else Space(row.embedder, row.dimension), row.removals)


def _take_out(connection: Connection, index: TextIndex, corpus: Opened, names: Collection[str]) -> int:
    """Remove documents by name; how many there were."""
    mine = select(documents.c.id, documents.c.body).where(documents.c.corpus == corpus.id, documents.c.name.in_(names))
    old = connection.execute(mine).all()
    if not old:
        return 0
    words = {row.id: indexed(content(read(DOCUMENT, row.body, f"document {row.id}"))) for row in old}
    index.forget(connection, corpus.id, words)
    connection.execute(delete(documents).where(documents.c.id.in_(list(words))))  # takes labels and vectors along
    if corpus.space is not None:
        _change(connection, corpus, removals=corpus.removals + len(old))
    return len(old)


def _change(connection: Connection, corpus: Opened, **values: Any) -> None:
    connection.execute(update(corpora).where(corpora.c.id == corpus.id).values(**values))
