"""The vectors that a process holds in memory: a matrix for each corpus that it has searched.

Each search first reads what is new: vectors with a higher number than the last. What is nearest is then looked up in the store.
What is no longer there is forgotten, and the search repeated. Where much was removed, all are read anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import Connection, intersect, select

from ..database import Database
from ..schema import labels
from . import vectors
from .documents import Opened, Space

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


_MANY = 1000
"""Vectors removed since all were read that make it worth while to read them again: each search may meet 100 of them in a row."""


class _Held:
    """The vectors of one corpus, as of some time ago."""

    def __init__(self, corpus: Opened, space: Space) -> None:
        self.corpus = corpus.id
        self.space = space
        self.removals = corpus.removals
        self.matrix = vectors.Matrix(space.dimension)
        self.lock = asyncio.Lock()

    def serves(self, corpus: Opened, space: Space) -> bool:
        return (self.corpus, self.space) == (corpus.id, space) and corpus.removals - self.removals <= _MANY


class Nearest:
    """Which documents lie nearest to a vector. Belongs to an event loop."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held: dict[str, _Held] = {}

    async def search(
        self, corpus: Opened, space: Space, vector: NDArray[np.float32], labelled: Sequence[int], limit: int
    ) -> list[int]:
        """Numbers of the nearest documents that have all labels, nearest first."""
        held = self._held.get(corpus.name)
        if held is None or not held.serves(corpus, space):
            held = self._held[corpus.name] = _Held(corpus, space)
        among = await self._database.read(partial(_labelled, labelled=labelled)) if labelled else None
        async with held.lock:
            await self._read_new(held)
            while True:
                near = await asyncio.to_thread(held.matrix.nearest, vector, limit, among)
                found = await self._database.read(partial(vectors.documents_of, ids=near))
                if len(found) == len(near):
                    return [found[one] for one in near]
                held.matrix.forget(set(near) - set(found))

    async def _read_new(self, held: _Held) -> None:
        while page := await self._database.read(partial(vectors.page, corpus=held.corpus, after=held.matrix.last)):
            held.matrix.extend(page)  # some milliseconds; in a thread it could go on after a search that was cancelled
            if len(page) < vectors.BLOCK:
                break


def _labelled(connection: Connection, labelled: Sequence[int]) -> Sequence[int]:
    each = [select(labels.c.document).where(labels.c.label == label) for label in labelled]
    return connection.execute(intersect(*each)).scalars().all()
