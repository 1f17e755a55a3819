"""A fake embedder: which words stand in a text, and how often."""

from __future__ import annotations

import re
import zlib
from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WORD = re.compile(r"\w+")


class HashEmbedder:
    """Counts words by a hash of each; texts that share words lie close. Needs nothing and takes microseconds.

    Words that are listed together in ``alike`` count as one. Texts that were embedded are in ``asked``.
    """

    def __init__(self, dimension: int = 256, *, name: str = "hash", alike: Iterable[Collection[str]] = ()) -> None:
        self.name = name
        self.dimension = dimension
        self.asked: list[str] = []
        self._first = {word: min(words) for words in alike for word in words}
        self._place = lru_cache(maxsize=2**18)(self._hash)

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """See :class:`symposia.core.retrieval.Embedder`."""
        import numpy as np  # noqa: PLC0415 - the other fakes do without

        self.asked += texts
        rows = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for number, text in enumerate(texts):
            np.add.at(rows[number], [self._place(word) for word in _WORD.findall(text.lower())], 1)
        return rows

    def _hash(self, word: str) -> int:
        return zlib.crc32(self._first.get(word, word).encode()) % self.dimension
