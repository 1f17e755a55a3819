"""Corpora: documents in the store that can be searched by their words, by vectors, and by both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from ...core.errors import ConfigError, UsageError
from ...core.retrieval import Corpus, Document, Embedder, Hit, Scalar
from ..database import Database
from ..rows import RowMaker
from ..writer import Writer
from . import catalogue, documents, full_text
from .documents import DOCUMENT, Opened, Space, content
from .full_text import Row, TextIndex
from .fusion import Fused, fuse
from .labels import labels_for, labels_of
from .postgres_text import PostgresText
from .shared import Shared
from .sqlite_text import SqliteText
from .words import indexed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Told = Callable[[int], None]
"""Called with how many documents have been committed so far."""

LONGEST = 64_000
"""Characters of a document, its title included. Longer texts are to be cut into parts, each of which is found by itself: no
model could read more at a time, and PostgreSQL indexes no megabyte."""

MOST = 1000
"""Documents that a search may ask for."""

_DEPTH = 100
"""Documents of each ranking that are fused, where no more were asked for."""
_AT_ONCE = 200
"""Documents a transaction, as the store's other rows: whoever else writes waits some hundredths of a second."""
_CHARACTERS = 500_000
"""Of the documents of a transaction together."""


class Corpora:
    """The corpora of an open store; made by :meth:`.store.Store.corpora`. Belongs to the store's event loop.

    Each method raises :class:`StoreError` where the database cannot be used. Secrets are taken out of whatever is written.
    """

    def __init__(
        self, database: Database, writer: Writer, rows: RowMaker, shared: Shared, embedder: Embedder | None = None
    ) -> None:
        self._database = database
        self._writer = writer
        self._rows = rows
        self._shared = shared
        self._embedder = embedder
        self._space = None if embedder is None else Space(embedder.name, embedder.dimension)
        self._index: TextIndex = PostgresText() if database.dialect == "postgresql" else SqliteText()

    @property
    def embeds(self) -> bool:
        """Whether there is an embedder."""
        return self._embedder is not None

    async def every(self) -> list[Corpus]:
        """All corpora by name, with how much is in them."""
        return await self._database.read(catalogue.every)

    async def corpus(self, name: str) -> Corpus:
        """A corpus with how much is in it. Raises :class:`UnknownNameError`."""
        return await self._database.read(partial(catalogue.one, name=name))

    async def add(self, corpus: str, given: Iterable[Document], *, told: Told | None = None) -> int:
        """Add documents to a corpus, made with the first of them; how many. One of the same id is replaced.

        They are committed some at a time, each with its words, labels and vector: after a crash, add them all again. Those
        that are there as they are given are left alone, and neither written nor embedded once more. Raises
        :class:`ConfigError` for a name that cannot be, and where the corpus has vectors of another embedder than this one;
        :class:`UsageError` for a document of more than :data:`LONGEST` characters: those before it have been added then.
        """
        added = 0
        for batch in _batches(corpus, given):
            rows = await asyncio.to_thread(self._rows_of, corpus, batch)
            await self._put(corpus, rows)
            added += len(rows)
            if told is not None:
                told(added)
        return added

    async def _put(self, corpus: str, rows: list[Row]) -> None:
        rows = await self._database.read(partial(documents.changed, name=corpus, space=self._space, rows=rows))
        if rows and self._embedder is not None:
            # The stored text, not the given one: an embedder may be a service, and secrets are none of its business.
            vectors = await self._embed([content(DOCUMENT.validate_json(row.body)) for row in rows])
            rows = [row._replace(vector=vector) for row, vector in zip(rows, vectors, strict=True)]
        if rows:
            await self._writer.run(partial(documents.put, index=self._index, name=corpus, space=self._space, rows=rows))

    async def oldest(self, corpus: str, *, limit: int) -> list[Document]:
        """The documents that have been in a corpus longest, at most ``limit``. Raises :class:`UnknownNameError`."""
        return await self._database.read(partial(documents.oldest, name=corpus, limit=limit))

    async def named(self, corpus: str, ids: Collection[str]) -> dict[str, Document]:
        """Documents of a corpus by their ids, as stored; those that there are not are left out. A few hundred at a time.

        Raises :class:`UnknownNameError` for the corpus.
        """
        return await self._database.read(partial(documents.named, name=corpus, names=[self._rows.text(id_) for id_ in ids]))

    async def remove(self, corpus: str, ids: Collection[str]) -> int:
        """Remove documents; how many of them there were. Raises :class:`UnknownNameError`."""
        names = list({self._rows.text(id_) for id_ in ids})
        removed = 0
        for at in range(0, max(1, len(names)), _AT_ONCE):
            some = names[at : at + _AT_ONCE]
            removed += await self._writer.run(partial(documents.remove, index=self._index, name=corpus, names=some))
        return removed

    async def drop(self, corpus: str) -> None:
        """Remove a corpus with all its documents: nobody finds it once this has begun. Raises :class:`UnknownNameError`."""
        await self._writer.run(partial(catalogue.begin_removal, index=self._index, name=corpus))
        while await self._writer.run(catalogue.remove_some):
            pass

    async def forget_vectors(self, corpus: str) -> None:
        """Have a corpus be found by its words alone. Raises :class:`UnknownNameError`."""
        await self._writer.run(partial(documents.enter_space, name=corpus, space=None))

    async def embed(self, corpus: str, *, told: Told | None = None) -> int:
        """Have every document of a corpus have a vector of this embedder; how many were made.

        Vectors of another embedder are removed at once, and documents are found by their words alone until they have a new
        one. Called again after a crash, this goes on where it was. Raises :class:`UnknownNameError`, and :class:`ConfigError`
        without an embedder and where somebody begins to embed the corpus with another one meanwhile.
        """
        if self._space is None:
            raise ConfigError("these corpora have no embedder", hint="open them with one: `store.corpora(embedder)`")
        await self._writer.run(partial(documents.enter_space, name=corpus, space=self._space))
        made = after = 0
        next_page = partial(documents.without_vectors, name=corpus, limit=_AT_ONCE)
        while found := await self._database.read(partial(next_page, after=after)):
            vectors = await self._embed([content(document) for document in found.values()])
            given = dict(zip(found, vectors, strict=True))
            made += await self._writer.run(partial(documents.add_vectors, name=corpus, space=self._space, given=given))
            after = max(found)
            if told is not None:
                told(made)
        return made

    async def search(
        self, query: str, *, corpus: str, limit: int = 10, where: Mapping[str, Scalar] | None = None
    ) -> tuple[Hit, ...]:
        """See :class:`.core.retrieval.Retriever`. A corpus with vectors is searched by these too where there is an embedder.

        Raises :class:`ConfigError` where that is another one than the corpus's, and where ``where`` cannot be;
        :class:`UsageError` for a limit that is not between 1 and :data:`MOST`.
        """
        if not 1 <= limit <= MOST:
            raise UsageError(f"{limit:,} documents cannot be searched for", hint=f"ask for 1 to {MOST:,}")
        labels = labels_for(corpus, where or {})
        depth = max(_DEPTH, limit)

        def by_words(connection: Connection) -> tuple[Opened, list[int]]:
            opened = documents.find(connection, corpus)
            return opened, full_text.search(connection, self._index, opened.id, query, labels=labels, limit=depth)

        opened, worded = await self._database.read(by_words)
        near = await self._nearest_to(query, opened, labels, depth)
        return await self._hits(fuse(worded, near), limit)

    async def _nearest_to(self, query: str, corpus: Opened, labels: Sequence[int], depth: int) -> list[int]:
        if self._embedder is None or corpus.space is None or not query.strip():
            return []
        documents.require_space(corpus, self._space)
        rows = await self._unit([self._rows.text(query)])
        return await self._shared.nearest.search(corpus, corpus.space, rows[0], labels, depth)

    async def _hits(self, fused: list[Fused], limit: int) -> tuple[Hit, ...]:
        hits: list[Hit] = []
        while fused and len(hits) < limit:
            some, fused = fused[: limit - len(hits)], fused[limit - len(hits) :]
            found = await self._database.read(partial(documents.fetch, numbers=[one.id for one in some]))
            hits += (_hit(one, found[one.id]) for one in some if one.id in found)  # others were removed meanwhile
        return tuple(hits)

    async def _unit(self, texts: Sequence[str]) -> NDArray[np.float32]:
        from .vectors import unit  # noqa: PLC0415 - loads numpy, which most commands do not need

        assert self._embedder is not None  # noqa: S101 - callers see to it
        assert self._space is not None  # noqa: S101
        vectors = await self._embedder.embed(texts)
        return unit(vectors, len(texts), self._space.dimension, self._space.embedder)

    async def _embed(self, texts: Sequence[str]) -> list[bytes]:
        from .vectors import packed  # noqa: PLC0415 - as above

        return packed(await self._unit(texts))

    def _rows_of(self, corpus: str, batch: Sequence[Document]) -> list[Row]:
        """What is to be stored; of documents with one id the last."""
        rows: dict[str, Row] = {}
        for document in batch:
            name = self._rows.text(document.id)
            stored = self._rows.stored(DOCUMENT, document)
            rows.pop(name, None)
            rows[name] = Row(name, stored.text, indexed(content(stored.value)), labels_of(corpus, stored.value.metadata))
        return list(rows.values())


def _hit(fused: Fused, document: Document) -> Hit:
    text_rank, vector_rank = fused.ranks
    return Hit(document=document, score=fused.score, text_rank=text_rank, vector_rank=vector_rank)


def _batches(corpus: str, given: Iterable[Document]) -> Iterator[list[Document]]:
    """Some documents at a time. Raises :class:`UsageError` at one that is too long, once all before it were given."""
    batch: list[Document] = []
    characters = 0
    for document in given:
        size = len(content(document))
        if size > LONGEST:
            if batch:
                yield batch
            raise UsageError(
                f"document {document.id!r} of the corpus {corpus!r} has {size:,} characters, more than {LONGEST:,}",
                hint="cut it into parts, each with an id of its own",
            )
        if batch and (len(batch) == _AT_ONCE or characters + size > _CHARACTERS):
            yield batch
            batch, characters = [], 0
        batch.append(document)
        characters += size
    if batch:
        yield batch
