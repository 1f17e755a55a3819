"""aiohttp straight to an OpenAI-compatible server: the transport with the least CPU a call.

For servers that need no translation (vLLM, llama.cpp, most gateways). Proxies named in the environment are not used: these
servers are local or on the same network.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator

import aiohttp
from pydantic_core import from_json, to_json

from ..core.calls import ChatRequest, Reply
from ..core.errors import BrokenReplyError, ConfigError
from ..core.model_spec import ModelSpec
from ..core.protocols import OnText
from . import wire
from .http_errors import error_for, excerpt
from .http_session import Sessions, connection_error, limits
from .streaming import Assembly


class DirectTransport:
    """One attempt over aiohttp. One session per event loop, made on first use, without a cap on connections."""

    def __init__(self) -> None:
        self._sessions = Sessions()

    async def complete(
        self, spec: ModelSpec, request: ChatRequest, *, api_key: str | None, timeout: float, tag: str, on_text: OnText | None
    ) -> Reply:
        """Send one chat completion; see :class:`~symposia.core.protocols.Transport`.

        Raises :class:`ModelError`, and :class:`ConfigError` for a model without an endpoint.
        """
        if spec.endpoint is None:
            raise ConfigError(f"{spec.name} has no endpoint", hint="set endpoint, or transport = 'litellm'")
        url = f"{spec.endpoint.rstrip('/')}/chat/completions"
        headers = {"Content-Type": "application/json", "X-Request-Id": tag}
        if api_key is not None:
            headers["Authorization"] = f"Bearer {api_key}"
        data = to_json(wire.body(spec, request, stream=on_text is not None))
        began = time.perf_counter()
        try:
            async with self._sessions.get().post(
                url, data=data, headers=headers, timeout=limits(timeout), allow_redirects=False
            ) as response:
                if response.status >= 300:
                    text = (await response.read()).decode(errors="replace")
                    raise error_for(response.status, response.headers, text, spec, secret=api_key)
                if on_text is None:
                    payload = _json(await response.read(), spec)
                else:
                    payload = await _assemble(response, spec, request.n, on_text)
        except (aiohttp.ClientError, OSError) as error:
            raise connection_error(error, spec, timeout, api_key) from error
        return wire.reply(payload, spec, request, time.perf_counter() - began)

    async def close(self) -> None:
        """Close every connection."""
        await self._sessions.close()


async def _assemble(response: aiohttp.ClientResponse, spec: ModelSpec, n: int, on_text: OnText) -> object:
    """Read server-sent events to their end. A server that ignores ``stream`` and sends plain JSON is understood too."""
    if response.content_type == "application/json":
        return _json(await response.read(), spec)
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
        assembly.feed(_json(data, spec))
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


def _json(data: bytes, spec: ModelSpec) -> object:
    try:
        return from_json(data)
    except ValueError as error:
        what = "an HTML page" if data.lstrip()[:1] == b"<" else "what is not JSON"
        raise BrokenReplyError(f"{spec.name} sent {what}: {excerpt(data)}") from error
