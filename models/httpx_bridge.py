"""An httpx transport over aiohttp, for LiteLLM. Imported only together with LiteLLM, which brings httpx along.

Instead of LiteLLM's own, because that one sends a request a second time after a lost connection (a call billed twice), caps
its pool, and outlives its event loop. Errors of aiohttp pass through as they are: whoever catches them translates.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import httpx
from yarl import URL

from .http_session import Sessions, limits


class AiohttpBridge(httpx.AsyncBaseTransport):
    """Sends httpx requests over the aiohttp session of the running loop."""

    def __init__(self) -> None:
        # Bodies are decompressed by httpx, which goes by the header.
        self._sessions = Sessions(auto_decompress=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and return as soon as its headers are there."""
        timeout = request.extensions.get("timeout", {}).get("read") or 600.0
        response = await self._sessions.get().request(
            request.method,
            URL(str(request.url), encoded=True),
            headers=[(name.decode("ascii"), value.decode("latin-1")) for name, value in request.headers.raw],
            data=await request.aread(),
            allow_redirects=False,
            timeout=limits(timeout),
        )
        return httpx.Response(response.status, headers=list(response.raw_headers), stream=_Body(response))

    async def aclose(self) -> None:
        """Close every connection."""
        await self._sessions.close()


class _Body(httpx.AsyncByteStream):
    """The body of a response. Closing it early closes the connection, so that the server stops generating."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._response.content.iter_any():
            yield piece

    async def aclose(self) -> None:
        self._response.close()
