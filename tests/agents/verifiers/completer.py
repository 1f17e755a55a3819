"""A scripted model that goes on from where an answer stands: what it says depends on the prefix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from symposia.core.calls import ChatRequest, Reply
from symposia.core.errors import ModelError
from symposia.core.model_spec import ModelSpec
from symposia.testing import Answer, ScriptedCall, ScriptedModel

GoOn = Callable[[str, int], Answer]
"""From a prefix and the number of a completion of it to what comes next."""


class Completer:
    """A transport: ``go_on`` completes, ``reply`` answers what is no prefix; one :class:`ScriptedModel` for each prefix."""

    def __init__(
        self,
        go_on: GoOn,
        *,
        k: int = 4,
        reply: Any = "no answer",
        fail: Callable[[ScriptedCall], ModelError | None] | None = None,
        latency: Any = 0.0,
    ) -> None:
        self.calls: list[ScriptedCall] = []
        self._go_on, self._k, self._fail, self._latency = go_on, k, fail, latency
        self._others = ScriptedModel(reply, fail=self._note, latency=latency)
        self._models: dict[str, ScriptedModel] = {}

    @property
    def prefixes(self) -> list[str]:
        """Of the calls that continue an answer, in order; empty for the question alone."""
        return [call.request.prefix.text for call in self.calls if call.request.prefix is not None]

    async def complete(self, spec: ModelSpec, request: ChatRequest, **how: Any) -> Reply:
        """See :class:`~symposia.core.protocols.Transport`."""
        if request.prefix is None:
            return await self._others.complete(spec, request, **how)
        return await self._completing(request.prefix.text).complete(spec, request, **how)

    async def close(self) -> None:
        """Nothing is open."""

    def _completing(self, prefix: str) -> ScriptedModel:
        if prefix not in self._models:
            count = self._k if prefix else 1 << 10
            self._models[prefix] = ScriptedModel(
                lambda _prompt, sample: self._go_on(prefix, sample % count), fail=self._note, latency=self._latency
            )
        return self._models[prefix]

    def _note(self, call: ScriptedCall) -> ModelError | None:
        call.index = len(self.calls)
        self.calls.append(call)
        return self._fail(call) if self._fail else None
