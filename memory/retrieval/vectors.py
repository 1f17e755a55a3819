"""Vectors of a corpus in memory, and which of them lie nearest.

Every vector is compared: at 100,000 vectors of 256 numbers that takes some hundredths of a second and 0.1 GB, misses none, and
can be limited to any set of documents. They are held in blocks, so that adding some copies one block at most.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from ...core.errors import ConfigError
from ..schema import vectors

BLOCK = 4096
"""Vectors of a block: 4 MB at 256 numbers each."""

_STORED = np.dtype("<f4")


class Stored(NamedTuple):
    """A row of ``vectors``."""

    id: int
    document: int
    vector: bytes


class _Block(NamedTuple):
    ids: NDArray[np.int64]
    documents: NDArray[np.int64]
    rows: NDArray[np.float32]

    def of(self, kept: NDArray[np.bool_]) -> _Block:
        return self if kept.all() else _Block(self.ids[kept], self.documents[kept], self.rows[kept])


class Matrix:
    """Unit vectors of documents, in the order of their numbers in the store."""

    def __init__(self, dimension: int) -> None:
        self._dimension = dimension
        self._blocks: list[_Block] = []
        self.last = 0
        """The highest number of a vector that was added."""

    def __len__(self) -> int:
        return sum(len(block.ids) for block in self._blocks)

    def extend(self, found: Sequence[Stored]) -> None:
        """Add vectors, in the order of their numbers."""
        ids = np.array([one.id for one in found])
        documents = np.array([one.document for one in found])
        rows = np.frombuffer(b"".join(one.vector for one in found), dtype=_STORED).reshape(len(found), self._dimension)
        self._push(_Block(ids, documents, rows.astype(np.float32, copy=False)))
        self.last = found[-1].id

    def forget(self, ids: Collection[int]) -> None:
        """Take vectors out, by their numbers."""
        gone = np.array(list(ids))
        blocks, self._blocks = self._blocks, []
        for block in blocks:
            self._push(block.of(~np.isin(block.ids, gone)))

    def nearest(self, vector: NDArray[np.float32], limit: int, among: Collection[int] | None = None) -> list[int]:
        """Numbers of vectors by cosine, nearest first; of equal ones the older first, and none at a right angle or beyond.

        ``among`` are the numbers of the documents that they may belong to.
        """
        blocks = tuple(self._blocks)  # they may be changed meanwhile: this is run in a thread, and whoever waited may be gone
        if not blocks:
            return []
        # Not "@": its threads wait for each other on a machine that is busy, and one is as fast as the memory.
        scores = np.concatenate([np.vecdot(block.rows, vector) for block in blocks])
        ids = np.concatenate([block.ids for block in blocks])
        fits = scores > 0
        if among is not None:
            documents = np.concatenate([block.documents for block in blocks])
            fits &= np.isin(documents, np.fromiter(among, dtype=np.int64, count=len(among)))
        scores, ids = scores[fits], ids[fits]
        if len(scores) > limit:
            best = scores >= np.partition(scores, -limit)[-limit]
            scores, ids = scores[best], ids[best]
        return [int(number) for number in ids[np.lexsort((ids, -scores))[:limit]]]

    def _push(self, new: _Block) -> None:
        if self._blocks and len(self._blocks[-1].ids) + len(new.ids) <= BLOCK:
            last = self._blocks.pop()
            ids, documents = np.concatenate((last.ids, new.ids)), np.concatenate((last.documents, new.documents))
            new = _Block(ids, documents, np.concatenate((last.rows, new.rows)))
        if len(new.ids):
            self._blocks.append(new)


def unit(vectors: NDArray[np.float32], amount: int, dimension: int, embedder: str) -> NDArray[np.float32]:
    """Vectors of length 1; one of length 0 stays. Raises :class:`ConfigError` where these are not what was asked for."""
    rows = np.asarray(vectors, dtype=np.float32)
    if rows.shape != (amount, dimension):
        raise ConfigError(f"the embedder {embedder!r} made vectors of shape {rows.shape} where ({amount}, {dimension}) was due")
    if not np.isfinite(rows).all():
        raise ConfigError(f"the embedder {embedder!r} made a vector with a number that is not finite")
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    return (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)


def packed(rows: NDArray[np.float32]) -> list[bytes]:
    """Vectors as they are stored."""
    return [row.tobytes() for row in rows.astype(_STORED, copy=False)]


def page(connection: Connection, corpus: int, after: int) -> list[Stored]:
    """The next vectors of a corpus: one block of them at most."""
    query = select(vectors.c.id, vectors.c.document, vectors.c.vector).where(vectors.c.corpus == corpus, vectors.c.id > after)
    return [Stored(*row) for row in connection.execute(query.order_by(vectors.c.id).limit(BLOCK))]


def documents_of(connection: Connection, ids: Sequence[int]) -> dict[int, int]:
    """Numbers of the documents that vectors belong to; vectors that are no more are left out."""
    query = select(vectors.c.id, vectors.c.document).where(vectors.c.id.in_(ids))
    return {row.id: row.document for row in connection.execute(query)}
