"""A scripted model behind the transport protocol: no network, no waiting, every reply marked FAKE."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..core.calls import ChatRequest, Reply
from ..core.errors import ModelError, ModelTimeoutError
from ..core.model_spec import Ability, ModelSpec
from ..core.protocols import OnText
from ..models import reading, wire
from .completions import Script, as_function, chunks, completion, default_reply, prompt_text, sample_number
from .loopback import Latency


@dataclass
class ScriptedCall:
    """A call that the scripted model took."""

    index: int
    spec: ModelSpec
    request: ChatRequest
    tag: str
    prompt: str
    sample: int
    """Number of the first sample asked for."""
    cancelled: bool = False


class ScriptedModel:
    """A :class:`~symposia.core.protocols.Transport` that answers from a script.

    Args:
        reply: what to answer, as a function of prompt text and sample number, or answers by sample number. The sample number
            is the low ten bits of the request's seed plus the choice's index.
        latency: seconds before each reply; draws come from a generator seeded with ``seed``.
        fail: called with each call; the error it returns is raised instead of a reply.
    """

    def __init__(
        self,
        reply: Script = default_reply,
        *,
        latency: Latency = 0.0,
        fail: Callable[[ScriptedCall], ModelError | None] | None = None,
        seed: int = 0,
    ) -> None:
        self.calls: list[ScriptedCall] = []
        """Every call, in order."""
        self.max_in_flight = 0
        self.in_flight = 0
        self.closed = False
        self._reply = as_function(reply)
        self._latency = latency
        self._fail = fail
        self._queue: deque[ModelError] = deque()
        self._rng = random.Random(seed)  # noqa: S311 - reproducible latencies

    def fail_next(self, *errors: ModelError) -> None:
        """Let the next calls fail, one with each error."""
        self._queue.extend(errors)

    def count(self, containing: str = "", *, model: str | None = None) -> int:
        """Calls whose prompt contains a text, of one model (so of a role, where each role has its own) or of all."""
        return sum(containing in call.prompt and model in {None, call.spec.name} for call in self.calls)

    async def complete(
        self, spec: ModelSpec, request: ChatRequest, *, api_key: str | None, timeout: float, tag: str, on_text: OnText | None
    ) -> Reply:
        """Answer from the script; see :class:`~symposia.core.protocols.Transport`. Keys are not looked at."""
        del api_key
        began = time.perf_counter()
        body = wire.body(spec, request, stream=False) | {"seed": request.seed}
        call = ScriptedCall(len(self.calls), spec, request, tag, prompt_text(body), sample_number(request.seed))
        self.calls.append(call)
        error = self._queue.popleft() if self._queue else self._fail(call) if self._fail else None
        await self._wait(call, timeout)
        if error is not None:
            raise error
        payload = completion(self._reply, body, model=f"FAKE/{spec.name}")
        if on_text is not None:
            _tell(payload, on_text)
        return reading.reply(payload, spec, request, time.perf_counter() - began)

    async def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    async def _wait(self, call: ScriptedCall, timeout: float) -> None:
        latency = self._latency
        if isinstance(latency, tuple):
            latency = self._rng.uniform(*latency)
        seconds = latency(self._rng) if callable(latency) else latency
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)
        try:
            await asyncio.sleep(min(seconds, timeout))
        except asyncio.CancelledError:
            call.cancelled = True
            raise
        finally:
            self.in_flight -= 1
        if seconds > timeout:
            raise ModelTimeoutError(f"{call.spec.name} sent no complete reply within {timeout:.3g} s")


def fake_spec(
    name: str = "fake",
    abilities: Iterable[Ability] = (Ability.CHAT, Ability.N, Ability.SEED, Ability.LOGPROBS),
    **changes: Any,
) -> ModelSpec:
    """A catalogue entry for a :class:`ScriptedModel` given to the gateway as transport "direct"."""
    fields: dict[str, Any] = {"endpoint": "http://127.0.0.1:9/v1", "transport": "direct"}
    return ModelSpec(name=name, abilities=frozenset(abilities), **(fields | changes))


def _tell(payload: dict[str, Any], on_text: OnText) -> None:
    for chunk in chunks(payload, include_usage=False):
        for choice in chunk["choices"]:
            if choice["delta"].get("content"):
                on_text(choice["index"], choice["delta"]["content"])
