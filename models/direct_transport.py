"""aiohttp straight to an OpenAI-compatible server: the transport with the least CPU a call.

For servers that need no translation (vLLM, llama.cpp, most gateways). Proxies named in the environment are not used: these
servers are local or on the same network.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import aiohttp

from ..core.calls import ChatRequest, Reply
from ..core.errors import BrokenReplyError
from ..core.model_spec import ModelSpec
from ..core.protocols import OnText
from . import reading, wire
from .http_errors import excerpt
from .http_session import Call, Http, read_json
from .streaming import Assembly


class DirectTransport:
    """One attempt over aiohttp. One session per event loop, made on first use, without a cap on connections."""

    def __init__(self, http: Http | None = None) -> None:
        self._http = http or Http()

    async def complete(
        self, spec: ModelSpec, request: ChatRequest, *, api_key: str | None, timeout: float, tag: str, on_text: OnText | None
    ) -> Reply:
        """Send one chat completion; see :class:`~symposia.core.protocols.Transport`.

        Raises :class:`ModelError`, and :class:`ConfigError` for a model without an endpoint.
        """
        stream = on_text is not None and not request.prompt_logprobs  # which no server streams
        body = wire.body(spec, request, stream=stream)
        began = time.perf_counter()
        async with self._http.post(Call(spec, api_key, timeout, tag), "chat/completions", body) as response:
            if on_text is not None and stream:
                payload = await _assemble(response, spec, request.n, on_text)
            else:
                payload = read_json(await response.read(), spec)
        return reading.reply(payload, spec, request, time.perf_counter() - began)

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()


async def _assemble(response: aiohttp.ClientResponse, spec: ModelSpec, n: int, on_text: OnText) -> object:
    """Read server-sent events to their end. A server that ignores ``stream`` and sends plain JSON is understood too."""
    if response.content_type == "application/json":
        return read_json(await response.read(), spec)
    if response.content_type == "text/html":
        raise BrokenReplyError(f"{spec.name} sent an HTML page: {excerpt(await response.read())}")
    assembly, done = Assembly(spec, on_text), False
    async for line in _lines(response.content):
        if not line.startswith(b"data:"):
            continue  # comments that keep the connection alive, event names, the blank lines between events
        data = line[5:].strip()
        if data == b"[DONE]":
            done = True
            break
        assembly.feed(read_json(data, spec))
    return assembly.payload(expect=0 if done else n)


async def _lines(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """The lines of a stream. aiohttp's own reader refuses lines over 64 KiB, which log-probabilities can reach."""
    rest = b""
    async for piece in content.iter_any():
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            yield line
    if rest:
        yield rest
