"""Embedders by name: ``none``, ``wordllama``, those that a session was given, and models with the ability ``embed``.

The name of an embedder stands in the store beside the vectors that it made. So a name must mean the same vectors for good: a
model of the catalogue that is another one by now needs another name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..core.calls import EmbedReply, EmbedRequest
from ..core.errors import ConfigError
from ..core.model_spec import Ability, ModelSpec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NONE = "none"
WORDLLAMA = "wordllama"

Ask = Callable[[ModelSpec, EmbedRequest], Awaitable[EmbedReply]]
"""Has a model embed texts, and sees to it that somebody is charged."""

_TEXTS = 128
"""Texts of a request."""
_CHARACTERS = 60_000
"""Of a request: providers take some hundred thousand tokens at a time, and a character is hardly ever more than two."""


class ModelEmbedder:
    """See :class:`.core.retrieval.Embedder`: a model that is asked through ``ask``, some texts at a time."""

    def __init__(self, spec: ModelSpec, ask: Ask, dimension: int) -> None:
        self.name = spec.name
        self.dimension = dimension
        self._spec = spec
        self._ask = ask

    @classmethod
    async def measured(cls, spec: ModelSpec, ask: Ask) -> ModelEmbedder:
        """With the dimension of the vectors that the model makes: one word is embedded. Raises :class:`ModelError`."""
        reply = await ask(spec, EmbedRequest(texts=("word",)))
        return cls(spec, ask, len(reply.vectors[0]))

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """One row a text. Raises :class:`ModelError`, and :class:`ConfigError` for vectors of another length than before."""
        import numpy as np  # noqa: PLC0415 - most commands do without

        rows: list[tuple[float, ...]] = []
        for some in _requests(texts):
            rows += (await self._ask(self._spec, EmbedRequest(texts=some))).vectors
        if {len(row) for row in rows} - {self.dimension}:
            raise ConfigError(
                f"{self.name} makes vectors of {len(rows[-1])} numbers now, not of {self.dimension}",
                hint="its name stands for another model by now: give that one a name of its own in the catalogue",
            )
        return np.array(rows, dtype=np.float32).reshape(len(rows), self.dimension)


def require_embeds(spec: ModelSpec) -> None:
    """Raise :class:`ConfigError` for a model that does not make vectors of texts."""
    if spec.reward is not None:
        raise ConfigError(f"{spec.name} judges solutions: its vectors are of their steps, not of texts")
    if Ability.EMBED not in spec.abilities:
        raise ConfigError(
            f"{spec.name} is no embedder: it does not declare the ability 'embed'",
            hint='where it has /v1/embeddings, say so in its catalogue entry: abilities = ["embed"]',
        )


def _requests(texts: Sequence[str]) -> Iterator[tuple[str, ...]]:
    some: list[str] = []
    size = 0
    for text in texts:
        if some and (len(some) == _TEXTS or size + len(text) > _CHARACTERS):
            yield tuple(some)
            some, size = [], 0
        some.append(text or " ")  # a document may be empty, and servers refuse an empty text
        size += len(text)
    if some:
        yield tuple(some)
