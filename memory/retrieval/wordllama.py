"""Vectors of WordLlama: 256 numbers a text, a tenth of a millisecond each on a processor, offline.

Token vectors taken from a large model's input layer, trained on and averaged (Miller, github.com/dleemiller/WordLlama). They tell
what a text is about, not what it says of it: neither order nor negation counts. The package (``symposia[embed]``) brings weights
and tokenizer along.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ...core.errors import ConfigError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class WordLlamaEmbedder:
    """See :class:`.core.retrieval.Embedder`. Raises :class:`ConfigError` where the package is not installed.

    The model (16 MB) is read when it is first used.
    """

    name = "wordllama-l2-supercat"
    dimension = 256

    def __init__(self) -> None:
        if find_spec("wordllama") is None:
            raise ConfigError("the embedder wordllama is not installed", hint='pip install "symposia[embed]"')

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text. The work is done in a thread."""
        return await asyncio.to_thread(self._embed, list(texts))

    def _embed(self, texts: list[str]) -> NDArray[np.float32]:
        return cast("NDArray[np.float32]", self._model.embed(texts))

    @cached_property
    def _model(self) -> Any:
        import wordllama  # noqa: PLC0415 - an extra, and half a second

        # Named as the cache, the package's own folder is where it finds the tokenizer that it brings along (0.4.0.post1).
        here = Path(wordllama.__file__).parent
        return wordllama.WordLlama.load(dim=self.dimension, cache_dir=here, disable_download=True)
