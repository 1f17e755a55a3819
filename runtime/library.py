"""The documents of a session: every corpus is searched and added to with the embedder that its vectors are of.

Which one that is, the store says. The setting ``embedder`` decides for new corpora only, and for one that is embedded anew, so
that changing it makes nothing unreadable and never mixes vectors. One that cannot be had is an error: words alone find where
somebody chose that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import NamedTuple

from ..core.calls import EmbedReply, EmbedRequest
from ..core.errors import ConfigError, ModelError, UnknownNameError
from ..core.model_spec import Ability, ModelSpec
from ..core.protocols import Gateway
from ..core.retrieval import Corpus, Embedder, Hit, Scalar
from ..core.usage import Usage
from ..memory.retrieval.corpora import Corpora
from ..memory.retrieval.wordllama import WordLlamaEmbedder
from ..memory.store import Store
from .embedders import NONE, WORDLLAMA, Ask, ModelEmbedder, require_embeds
from .fit import upper_bound
from .settings import Settings
from .staff import Staff


class Models(NamedTuple):
    """Where models that embed come from."""

    staff: Callable[[], Staff]
    gateway: Gateway


class Library:
    """See the module's docstring; made by :attr:`.session.Session.library`.

    Without ``models`` none of them can be an embedder. ``given`` are embedders of whoever opened the session.
    """

    def __init__(
        self, settings: Settings, store: Callable[[], Store], models: Models | None = None, given: Sequence[Embedder] = ()
    ) -> None:
        self._settings = settings
        self._store = store
        self._models = models
        self._given = {embedder.name: embedder for embedder in given}
        self._specs: dict[str, ModelSpec] = {}
        self.usage = Usage()
        """What embedding did cost outside of runs."""

    async def of(self, corpus: str, *, ask: Ask | None = None) -> Corpora:
        """The corpora, opened with the embedder of one of them. A run that pays for it gives its own ``ask``.

        Raises :class:`UnknownNameError` for a corpus that there is not, :class:`ConfigError` for an embedder that cannot be
        had here.
        """
        found = await self._store().corpora().corpus(corpus)
        return self._store().corpora(await self._embedder_of(found, ask or self._asked))

    async def by(self, embedder: str | None = None) -> Corpora:
        """The corpora, opened with the embedder of this name: the configured one for None.

        Raises :class:`UnknownNameError`, :class:`ConfigError`, and :class:`ModelError` where a model does not answer.
        """
        name = embedder or self._settings.embedder
        return self._store().corpora(await self._embedder(name, self._asked))

    async def to_add(self, corpus: str) -> Corpora:
        """The corpora, opened to add to one of them: with its own embedder, or where it is new the configured one."""
        try:
            return await self.of(corpus)
        except UnknownNameError:
            return await self.by()

    async def search(
        self, query: str, *, corpus: str, limit: int = 10, where: Mapping[str, Scalar] | None = None, ask: Ask | None = None
    ) -> tuple[Hit, ...]:
        """The best documents of a corpus; see :class:`.core.retrieval.Retriever`. Raises as :meth:`of`, and ModelError."""
        return await (await self.of(corpus, ask=ask)).search(query, corpus=corpus, limit=limit, where=where)

    async def _embedder_of(self, corpus: Corpus, ask: Ask) -> Embedder | None:
        if corpus.embedder is None:
            return None
        try:
            return await self._embedder(corpus.embedder, ask, corpus.dimension)
        except UnknownNameError:
            raise ConfigError(
                f"the corpus {corpus.name!r} has vectors of {corpus.embedder!r}, which is no embedder here",
                hint=f"`symposia corpus embed {corpus.name} --embedder NAME` makes them anew; with none, words alone find",
            ) from None

    async def _embedder(self, name: str, ask: Ask, dimension: int | None = None) -> Embedder | None:
        if name == NONE:
            return None
        if name in self._given:
            return self._given[name]
        if name in {WORDLLAMA, WordLlamaEmbedder.name}:
            return self._wordllama
        spec = await self._spec(name)
        return await ModelEmbedder.measured(spec, ask) if dimension is None else ModelEmbedder(spec, ask, dimension)

    @cached_property
    def _wordllama(self) -> WordLlamaEmbedder:
        return WordLlamaEmbedder()

    async def _spec(self, name: str) -> ModelSpec:
        """A model that embeds, ready to be asked."""
        if name not in self._specs:
            if self._models is None:
                raise UnknownNameError("embedder", name, self._names())
            staff = self._models.staff()
            try:
                spec = await staff.spec(name)
            except UnknownNameError:
                embedding = [model.name for model in staff.with_ability(Ability.EMBED) if model.reward is None]
                raise UnknownNameError("embedder", name, [*self._names(), *embedding]) from None
            require_embeds(spec)
            self._specs[name] = await staff.ready(spec)
        return self._specs[name]

    def _names(self) -> list[str]:
        return [NONE, WORDLLAMA, *self._given]

    async def _asked(self, spec: ModelSpec, request: EmbedRequest) -> EmbedReply:
        """Outside of any run: nobody's budget, and counted here."""
        assert self._models is not None  # noqa: S101 - the spec came from there
        timeout = self._settings.call_timeout
        bound = upper_bound(spec, request, request.prompt_bound(), timeout).as_lost()

        async def lost(error: ModelError | None) -> None:
            if error is not None and error.billed:
                self.usage += bound

        try:
            reply = await self._models.gateway.embed(spec, request, tag="library", timeout=timeout, on_attempt=lost)
        except ModelError as error:
            await lost(error)
            raise
        self.usage += spec.cost(reply)
        return reply
