"""A scripted model behind the transport protocol: no network, no waiting, every reply marked FAKE."""

from __future__ import annotations

import asyncio
import random
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from ..core.calls import ChatRequest, Choice, LabelRequest, ModelRequest, Reply, ScoreReply, ScoreRequest
from ..core.errors import ModelError, ModelTimeoutError
from ..core.model_spec import Ability, ModelSpec
from ..core.protocols import OnText
from ..models import reading, reward_forms, wire
from .completions import Script, as_function, as_message, chunks, completion, default_reply, prompt_text, sample_number
from .loopback import Latency
from .rewards import Judge, share_of_vowels


@dataclass
class ScriptedCall:
    """A call that the scripted model took."""

    index: int
    spec: ModelSpec
    request: ModelRequest
    tag: str
    prompt: str
    sample: int
    """Number of the first sample asked for."""
    cancelled: bool = False


class ScriptedModel:
    """A :class:`~symposia.core.protocols.Transport` and :class:`~symposia.core.protocols.Scorer` that answers from a script.

    Args:
        reply: what to answer, as a function of prompt text and sample number, or answers by sample number. The sample number
            is the low ten bits of the request's seed plus the choice's index.
        latency: seconds before each reply; draws come from a generator seeded with ``seed``.
        fail: called with each call; the error it returns is raised instead of a reply.
        judge: what a reward model says of a text that ends where it is judged, in the scale of its reward form.
    """

    def __init__(
        self,
        reply: Script = default_reply,
        *,
        latency: Latency = 0.0,
        fail: Callable[[ScriptedCall], ModelError | None] | None = None,
        judge: Judge = share_of_vowels,
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
        self._judge = judge
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
        await self._take(spec, request, tag, prompt_text(body), timeout, sample_number(request.seed))
        payload = completion(self._reply, body, model=f"FAKE/{spec.name}")
        if on_text is not None:
            _tell(payload, on_text)
        return reading.reply(payload, spec, request, time.perf_counter() - began)

    async def score(self, spec: ModelSpec, request: ScoreRequest, *, api_key: str | None, timeout: float, tag: str) -> ScoreReply:
        """Judge as a reward model of the spec's form; see :class:`~symposia.core.protocols.Scorer`. A token is a word."""
        del api_key
        form = spec.reward
        assert form is not None, f"{spec.name} has no reward form"  # noqa: S101 - a mistake of the test
        question = "\n\n".join(message.text for message in request.messages)
        await self._take(spec, request, tag, "\n\n".join((question, *request.steps)), timeout)
        ends = range(1, len(request.steps) + 1) if form.kind != "outcome" else [len(request.steps)]
        raw = tuple(self._judge("".join(request.steps[:end])) for end in ends)
        return ScoreReply(
            model=f"FAKE/{spec.name}",
            raw=raw,
            probabilities=None if form.scale is None else tuple(reward_forms.probability(value, form.scale) for value in raw),
            prompt_tokens=len(question.split()) + len("".join(request.steps).split()),
        )

    async def labels(self, spec: ModelSpec, request: LabelRequest, *, api_key: str | None, timeout: float, tag: str) -> Reply:
        """Tell the labels of what the script answers to each conversation; see :class:`~symposia.core.protocols.Scorer`."""
        del api_key
        prompts = ["\n\n".join(message.text for message in messages) for messages in request.conversations]
        await self._take(spec, request, tag, "\n\n".join(prompts), timeout)
        told = [as_message(self._reply(prompt, 0)).get("labels", {}) for prompt in prompts]
        choices = [{label: each[label] for label in request.labels if label in each} for each in told]
        return Reply(
            model=f"FAKE/{spec.name}",
            choices=tuple(Choice(text="", labels=labels) for labels in choices),
            prompt_tokens=len(request.labels) * sum(len(prompt.split()) for prompt in prompts),
        )

    async def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True

    async def _take(self, spec: ModelSpec, request: ModelRequest, tag: str, prompt: str, timeout: float, sample: int = 0) -> None:
        """Keep the call, and wait as long as it takes. Raises where it is to fail."""
        call = ScriptedCall(len(self.calls), spec, request, tag, prompt, sample)
        self.calls.append(call)
        error = self._queue.popleft() if self._queue else self._fail(call) if self._fail else None
        await self._wait(call, timeout)
        if error is not None:
            raise error

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
