"""A real OpenAI-compatible server on the loopback address that records every request and fails on demand.

Besides chat completions it has the token routes of vLLM and llama.cpp (:mod:`.tokens`), where a token is a character,
probabilities of labels (:mod:`.label_scores`), and vectors of texts (:mod:`.embeddings`).

Replies are a function of prompt text and sample number (the seed's low ten bits plus the choice's index): whoever asks the
same gets the same, in whatever order requests arrive.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Self

from aiohttp import web

from ..core.model_spec import Ability, ModelSpec
from .completions import Script, as_function, chunks, completion, default_reply
from .embeddings import add_embedding_route
from .faults import Fault, Faults, fault_for
from .label_scores import add_scoring_route
from .recorded import Recorded
from .sending import break_off, send, send_json
from .tokens import add_token_routes

Latency = float | tuple[float, float] | Callable[[random.Random], float]
"""Seconds before a reply: fixed, drawn evenly from a range, or drawn by a function from the server's seeded generator."""


@dataclass
class _Counters:
    in_flight: int = 0
    max_in_flight: int = 0
    replies: int = 0
    queue: deque[Fault] = field(default_factory=deque)


class LoopbackServer:
    """Use it as ``async with LoopbackServer(…) as server`` or, beside synchronous code, ``with LoopbackServer(…).running()``.

    Args:
        reply: what to answer.
        latency: seconds before each reply; draws come from a generator seeded with ``seed``, in order of arrival.
        pace: seconds between the chunks of a streamed reply.
        faults: which requests fail and how.
        usage: whether replies tell their usage.
        cached_tokens: prompt tokens reported as read from the cache.
        api_key: answer 401 to requests without it.
        hold: awaited before a reply is written: for tests that say themselves what is slow.
        deaf: never notice that a client has gone: write every reply to its end, as some servers do.
        on_request: called with the number of requests so far when one has arrived, before it is answered.
        on_reply: called with the number of replies so far when one has been sent: to kill a client after the k-th, say.
    """

    def __init__(
        self,
        reply: Script = default_reply,
        *,
        model: str = "fake",
        latency: Latency = 0.0,
        pace: float = 0.0,
        faults: Faults = (),
        usage: bool = True,
        cached_tokens: int = 0,
        api_key: str | None = None,
        hold: Callable[[Recorded], Awaitable[None]] | None = None,
        deaf: bool = False,
        on_request: Callable[[int], None] | None = None,
        on_reply: Callable[[int], None] | None = None,
        seed: int = 0,
        port: int = 0,
    ) -> None:
        self.requests: list[Recorded] = []
        """Every chat completion asked for, in order of arrival."""
        self.embedded: list[list[str]] = []
        """The texts of every request for vectors, in order of arrival."""
        self.scored: list[dict[str, Any]] = []
        """The body of every request for probabilities of labels, in order of arrival."""
        self.port = port
        self._reply = as_function(reply)
        self._model = model
        self._latency = latency
        self._pace = pace
        self._faults = faults
        self._usage = usage
        self._cached_tokens = cached_tokens
        self._api_key = api_key
        self._hold = hold
        self._deaf = deaf
        self._deaf_work: set[asyncio.Task[web.StreamResponse]] = set()
        self._on_request = on_request or _ignore
        self._on_reply = on_reply or _ignore
        self._rng = random.Random(seed)  # noqa: S311 - reproducible latencies
        self._counters = _Counters()
        self._born = time.monotonic()
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The base address, ending in ``/v1``."""
        return f"http://127.0.0.1:{self.port}/v1"

    @property
    def max_in_flight(self) -> int:
        """The most requests that were being answered at one time."""
        return self._counters.max_in_flight

    @property
    def in_flight(self) -> int:
        """Requests being answered now."""
        return self._counters.in_flight

    @property
    def cancelled(self) -> list[Recorded]:
        """Requests that the client gave up before the reply was out."""
        return [request for request in self.requests if request.state == "cancelled"]

    def spec(self, name: str = "fake", **changes: Any) -> ModelSpec:
        """A catalogue entry for this server; ``changes`` are fields of :class:`ModelSpec`."""
        fields: dict[str, Any] = {
            "endpoint": self.url,
            "transport": "direct",
            "served_name": self._model,
            "abilities": frozenset({Ability.CHAT, Ability.N, Ability.SEED, Ability.LOGPROBS}),
        }
        return ModelSpec(name=name, **(fields | changes))

    def fail_next(self, *faults: Fault) -> None:
        """Let the next requests fail, one each, before ``faults`` of the constructor are asked."""
        self._counters.queue.extend(faults)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        app.router.add_post("/v1/chat/completions", self._chat)
        app.router.add_get("/v1/models", self._models)
        add_token_routes(app.router, self._reply, self._model)
        add_scoring_route(app.router, self._reply, self._model, self.scored.append)
        add_embedding_route(app.router, self._model, self.embedded.append)
        app.router.add_get("/health", _health)
        app.router.add_get("/stats", self._stats)
        # Without handler_cancellation nobody would notice that a client has gone.
        runner = self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, backlog=2048)
        await site.start()
        self.port = int(runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None
        for task in self._deaf_work:
            task.cancel()
        await asyncio.gather(*self._deaf_work, return_exceptions=True)

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """Serve from a thread of its own until the block ends."""
        ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()

        async def serve() -> None:
            stop = asyncio.Event()
            try:
                await self.__aenter__()
            except OSError as error:  # the port is taken: for the thread that waits
                ready.set_exception(error)
                return
            ready.set_result((asyncio.get_running_loop(), stop))
            await stop.wait()
            await self.__aexit__()

        thread = threading.Thread(target=asyncio.run, args=(serve(),), name="symposia-loopback", daemon=True)
        thread.start()
        loop, stop = ready.result()
        try:
            yield self
        finally:
            loop.call_soon_threadsafe(stop.set)
            thread.join()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        body = json.loads(await request.read())
        headers = {name.lower(): value for name, value in request.headers.items()}
        record = Recorded(len(self.requests), headers.get("x-request-id", ""), headers, body, time.monotonic() - self._born)
        self.requests.append(record)
        if not self._deaf:
            return await self._work(request, record)
        task = asyncio.create_task(self._work(request, record))
        self._deaf_work.add(task)
        task.add_done_callback(self._deaf_work.discard)
        return await asyncio.shield(task)

    async def _work(self, request: web.Request, record: Recorded) -> web.StreamResponse:
        counters = self._counters
        counters.in_flight += 1
        counters.max_in_flight = max(counters.max_in_flight, counters.in_flight)
        try:
            self._on_request(len(self.requests))
            response = await self._answer(request, record)
        except asyncio.CancelledError:
            record.state = "cancelled"
            raise
        except ConnectionError:  # raised by a write that came before the cancellation
            record.state = "cancelled"
            return web.Response()
        finally:
            counters.in_flight -= 1
            record.ended = time.monotonic() - self._born
        if record.state == "open":
            record.state = "replied"
            counters.replies += 1
            self._on_reply(counters.replies)
        return response

    async def _answer(self, request: web.Request, record: Recorded) -> web.StreamResponse:
        delay = self._delay()
        fault = self._counters.queue.popleft() if self._counters.queue else fault_for(self._faults, record)
        await asyncio.sleep(delay)
        if self._hold is not None:
            await self._hold(record)
        if self._api_key is not None and record.headers.get("authorization") != f"Bearer {self._api_key}":
            wrong = record.headers.get("authorization", "none").removeprefix("Bearer ")
            fault = Fault.answer(401, json.dumps({"error": {"message": f"Incorrect API key provided: {wrong}"}}))
        if fault is not None and fault.kind != "choices":
            record.state = "failed"
            if fault.kind == "stall":
                await asyncio.sleep(fault.seconds)
            elif fault.kind in {"drop", "abort"}:
                return break_off(request, web.Response(), reset=fault.kind == "abort")
            elif fault.kind == "answer":
                response = web.Response(status=fault.status, text=fault.text, content_type=fault.content_type)
                response.headers.update(fault.headers)
                return await send(request, response)
        body = record.body if fault is None or fault.kind != "choices" else record.body | {"n": max(1, fault.count)}
        payload = completion(self._reply, body, model=self._model, usage=self._usage, cached_tokens=self._cached_tokens)
        record.generated = True
        if fault is not None and fault.kind == "choices":
            payload["choices"] = payload["choices"][: fault.count]
        cut = fault.kind if fault is not None and fault.kind in {"reset", "truncate"} else None
        if body.get("stream"):
            return await self._stream(request, body, payload, cut)
        return await send_json(request, payload, cut)

    async def _stream(
        self, request: web.Request, body: dict[str, Any], payload: dict[str, Any], cut: str | None
    ) -> web.StreamResponse:
        pieces = list(chunks(payload, include_usage=bool((body.get("stream_options") or {}).get("include_usage"))))
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"})
        await response.prepare(request)
        for piece in pieces[: len(pieces) // 2] if cut else pieces:
            await response.write(b"data: " + json.dumps(piece).encode() + b"\n\n")
            await asyncio.sleep(self._pace)
        if cut == "reset":
            return break_off(request, response)
        if not cut:
            await response.write(b"data: [DONE]\n\n")
        await response.write_eof()
        return response

    def _delay(self) -> float:
        latency = self._latency
        if isinstance(latency, tuple):
            return self._rng.uniform(*latency)
        return latency(self._rng) if callable(latency) else latency

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": self._model, "object": "model", "owned_by": "FAKE"}]})

    async def _stats(self, _: web.Request) -> web.Response:
        """What a test in another process can ask."""
        states = [request.state for request in self.requests]
        counts = {state: states.count(state) for state in ("open", "replied", "failed", "cancelled")}
        return web.json_response({"requests": len(states), "max_in_flight": self.max_in_flight, **counts})


async def _health(_: web.Request) -> web.Response:
    return web.Response(text="ok")


def _ignore(_: int) -> None:
    """The hook where none is given."""
