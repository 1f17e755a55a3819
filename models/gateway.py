"""The only door to models: keys, limits, retries and deadlines around a transport.

A call queues for its endpoint (:mod:`.limiter`), makes one attempt, and tries again after errors that may pass: with
exponential back-off and full jitter, or after the time the provider asked for. One deadline covers queueing, waiting and
every attempt; a wait that would not end before it fails at once, with the error that made it necessary.
"""

from __future__ import annotations

import asyncio
import ipaddress
import os
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from ..core.calls import ChatRequest, EmbedReply, EmbedRequest, Fidelity, LabelRequest, Reply, ScoreReply, ScoreRequest
from ..core.errors import MissingKeyError, ModelError, ModelTimeoutError, RateLimitError, UnreachableError
from ..core.model_spec import ModelSpec
from ..core.protocols import OnAttempt, OnText, Scorer, Transport
from .continuation import ContinuationTransport
from .direct_transport import DirectTransport
from .embedding import EmbedClient
from .http_session import Call
from .limiter import AdaptiveLimiter, Outcome, Ticket
from .litellm_transport import LiteLLMTransport
from .scoring import ScoreClient

T = TypeVar("T")

LOCAL_CONCURRENCY = 64
REMOTE_CONCURRENCY = 16


class QueueTimeoutError(ModelTimeoutError):
    """The call's time ran out before it was sent: nothing was spent on it."""

    billed = False


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how fast a failed call is tried again. Seconds; jitter is full: a wait is drawn from zero upwards."""

    max_attempts: int = 4
    base: float = 0.5
    """The longest wait before the first retry; it doubles with each further one."""
    cap: float = 20.0
    unreachable_attempts: int = 3
    """Fewer where nobody answers: a wrong address should be said in about two seconds."""
    unreachable_base: float = 0.4

    def delay(self, error: ModelError, failures: int, rng: random.Random) -> float | None:
        """Seconds to wait after the ``failures``-th failure in a row, or None where there is no further attempt."""
        unreachable = isinstance(error, UnreachableError)
        if not error.retryable or failures >= (self.unreachable_attempts if unreachable else self.max_attempts):
            return None
        if error.retry_after is not None:
            # Never earlier than asked; a little later, so that those told the same do not come back in one moment.
            return error.retry_after + rng.uniform(0, min(self.base, error.retry_after / 10))
        base = self.unreachable_base if unreachable else self.base
        return rng.uniform(0, min(self.cap, base * 2 ** (failures - 1)))


class ModelGateway:
    """Implements :class:`~symposia.core.protocols.Gateway`.

    ``transports`` replaces transports by name ("direct", "litellm"), ``scorer`` what asks models for scores; the gateway
    closes them too. API keys are read from
    ``environ`` at each call, by the variable that the catalogue names. ``call_timeout`` holds where a call names none.
    """

    def __init__(
        self,
        *,
        transports: Mapping[str, Transport] | None = None,
        scorer: Scorer | None = None,
        environ: Mapping[str, str] = os.environ,
        retry: RetryPolicy = RetryPolicy(),
        call_timeout: float = 600,
    ) -> None:
        self._transports: dict[str, Transport] = dict(transports or {})
        self._environ = environ
        self._retry = retry
        self._call_timeout = call_timeout
        self._limiters: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, AdaptiveLimiter]] = WeakKeyDictionary()
        self._continuation = ContinuationTransport()
        self._scorer = scorer or ScoreClient()
        self._embedder = EmbedClient()
        self._rng = random.Random()  # noqa: S311 - spreads retries in time, decides nothing

    async def complete(
        self,
        spec: ModelSpec,
        request: ChatRequest,
        *,
        tag: str,
        timeout: float | None = None,
        on_attempt: OnAttempt | None = None,
        on_text: OnText | None = None,
    ) -> Reply:
        """One call with its retries; after a retry ``on_text`` hears the new text from its beginning.

        Raises :class:`MissingKeyError` where the key's variable is not set, what ``on_attempt`` raises, and otherwise the
        :class:`ModelError` of the last attempt. An attempt that was never sent for lack of time is a time-out with
        ``billed`` False.
        """
        transport, api_key = self._transport(spec, request), self._key(spec)

        async def attempt(left: float) -> Reply:
            asked = await self._with_label_tokens(Call(spec, api_key, left, tag), request)
            return await transport.complete(spec, asked, api_key=api_key, timeout=left, tag=tag, on_text=on_text)

        return await self._repeat(spec, attempt, timeout, on_attempt)

    async def score(
        self,
        spec: ModelSpec,
        request: ScoreRequest,
        *,
        tag: str,
        timeout: float | None = None,
        on_attempt: OnAttempt | None = None,
    ) -> ScoreReply:
        """Have a reward model judge a solution, with retries as for :meth:`complete`. Raises :class:`ModelError`."""
        api_key = self._key(spec)

        async def attempt(left: float) -> ScoreReply:
            return await self._scorer.score(spec, request, api_key=api_key, timeout=left, tag=tag)

        return await self._repeat(spec, attempt, timeout, on_attempt)

    async def labels(
        self,
        spec: ModelSpec,
        request: LabelRequest,
        *,
        tag: str,
        timeout: float | None = None,
        on_attempt: OnAttempt | None = None,
    ) -> Reply:
        """Ask a model how likely its replies begin with the labels, with retries as for :meth:`complete`.

        Raises :class:`ModelError`, and :class:`LabelTokensError` for labels that the model cannot be asked for.
        """
        api_key = self._key(spec)

        async def attempt(left: float) -> Reply:
            return await self._scorer.labels(spec, request, api_key=api_key, timeout=left, tag=tag)

        return await self._repeat(spec, attempt, timeout, on_attempt)

    async def embed(
        self,
        spec: ModelSpec,
        request: EmbedRequest,
        *,
        tag: str,
        timeout: float | None = None,
        on_attempt: OnAttempt | None = None,
    ) -> EmbedReply:
        """Have an embedding model make vectors, with retries as for :meth:`complete`. Raises as that does."""
        api_key = self._key(spec)

        async def attempt(left: float) -> EmbedReply:
            return await self._embedder.embed(spec, request, api_key=api_key, timeout=left, tag=tag)

        return await self._repeat(spec, attempt, timeout, on_attempt)

    async def _repeat(
        self, spec: ModelSpec, attempt: Callable[[float], Awaitable[T]], timeout: float | None, on_attempt: OnAttempt | None
    ) -> T:
        """The value of the first attempt that succeeds; each is told the seconds that are left for it."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (self._call_timeout if timeout is None else timeout)
        limiter = self._limiter(loop, spec)
        failures, error = 0, None
        while True:
            ticket = await _turn(limiter, deadline, spec, error)
            outcome = Outcome.NEUTRAL
            try:
                if on_attempt is not None:
                    await on_attempt(error)
                value = await attempt(max(0.001, deadline - loop.time()))
            except ModelError as caught:
                error = caught
                if isinstance(error, RateLimitError | ModelTimeoutError):
                    outcome = Outcome.THROTTLED
                if error.retry_after is not None:
                    limiter.pause(error.retry_after)
            else:
                outcome = Outcome.SUCCESS
                return value
            finally:
                limiter.release(ticket, outcome)
            failures += 1
            delay = self._retry.delay(error, failures, self._rng)
            if delay is None or loop.time() + delay >= deadline:
                raise error
            await asyncio.sleep(delay)

    async def close(self) -> None:
        """Close every transport."""
        for transport in self._transports.values():
            await transport.close()
        await self._continuation.close()
        await self._scorer.close()
        await self._embedder.close()

    def _transport(self, spec: ModelSpec, request: ChatRequest) -> Transport:
        if request.prefix is not None and spec.continues_by is not Fidelity.CHAT:
            return self._continuation
        transport = self._transports.get(spec.transport)
        if transport is None:
            transport = DirectTransport() if spec.transport == "direct" else LiteLLMTransport()
            self._transports[spec.transport] = transport
        return transport

    async def _with_label_tokens(self, call: Call, request: ChatRequest) -> ChatRequest:
        """The request, with the labels' token ids where the server takes them: only so it tells of unlikely labels too."""
        if not request.labels or call.spec.engine != "vllm":
            return request
        tokens = await self._continuation.label_tokens(call, request.labels)
        return request.model_copy(update={"extra": {**request.extra, "logprob_token_ids": tokens}})

    def _key(self, spec: ModelSpec) -> str | None:
        if spec.key_env is None:
            return None
        key = self._environ.get(spec.key_env, "").strip()
        if not key:
            raise MissingKeyError(f"{spec.name} needs an API key in the variable {spec.key_env}", hint=f"set {spec.key_env}")
        return key

    def _limiter(self, loop: asyncio.AbstractEventLoop, spec: ModelSpec) -> AdaptiveLimiter:
        of_loop = self._limiters.setdefault(loop, {})
        place = endpoint_of(spec)
        limiter = of_loop.get(place)
        if limiter is None:
            limiter = of_loop[place] = AdaptiveLimiter(concurrency_of(spec))
        return limiter


def endpoint_of(spec: ModelSpec) -> str:
    """What calls to this model queue for: its server's address, or its provider."""
    return spec.endpoint or (spec.litellm or spec.name).partition("/")[0]


def concurrency_of(spec: ModelSpec) -> int:
    """Calls in flight at the model's endpoint, as long as it keeps up."""
    return spec.concurrency or (LOCAL_CONCURRENCY if _is_local(spec.endpoint) else REMOTE_CONCURRENCY)


async def _turn(limiter: AdaptiveLimiter, deadline: float, spec: ModelSpec, error: ModelError | None) -> Ticket:
    """Wait for a ticket until ``deadline``; then raise ``error``, the failure before, or a time-out where there is none."""
    left = deadline - asyncio.get_running_loop().time()
    pause = limiter.paused_for()
    if pause > left:
        asked = f"{spec.name} asked for a pause of {pause:.3g} s more, longer than the call may take"
        raise error or RateLimitError(asked, retry_after=pause)
    try:
        async with asyncio.timeout_at(deadline):
            return await limiter.acquire()
    except TimeoutError:
        raise error or QueueTimeoutError(f"the call to {spec.name} waited {left:.3g} s for its turn and was not sent") from None


def _is_local(endpoint: str | None) -> bool:
    host = (urlsplit(endpoint).hostname or "") if endpoint else ""
    try:
        return ipaddress.ip_address(host).is_private  # loopback included
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local"))
