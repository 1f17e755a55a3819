"""What both transports share of aiohttp: a session per event loop, and what its errors mean."""

from __future__ import annotations

import asyncio
from weakref import WeakKeyDictionary

import aiohttp

from ..core.errors import BrokenReplyError, ModelError, ModelTimeoutError, UnreachableError
from ..core.model_spec import ModelSpec
from .http_errors import excerpt

_CONNECT_SECONDS = 5.0
"""A host that does not take a connection within this is unreachable, however long the reply itself may take."""
_KEEPALIVE_SECONDS = 4.0
"""Below the 5 s after which uvicorn (so vLLM) closes an idle connection: a request that crosses the close is charged as lost."""


class Sessions:
    """One aiohttp session per event loop, made on first use, without a cap on connections: the gateway sets the limits."""

    def __init__(self, *, auto_decompress: bool = True) -> None:
        self._auto_decompress = auto_decompress
        self._of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, aiohttp.ClientSession] = WeakKeyDictionary()

    def get(self) -> aiohttp.ClientSession:
        """The session of the running loop."""
        loop = asyncio.get_running_loop()
        session = self._of_loop.get(loop)
        if session is None:
            session = self._of_loop[loop] = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=_KEEPALIVE_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),  # cookies would be state between calls
                auto_decompress=self._auto_decompress,
            )
        return session

    async def close(self) -> None:
        """Close every session: this loop's at once, another loop's as soon as that one runs."""
        here = asyncio.get_running_loop()
        for loop, session in list(self._of_loop.items()):
            if loop is here or loop.is_closed():
                await session.close()
            else:
                asyncio.run_coroutine_threadsafe(session.close(), loop)
        self._of_loop.clear()


def limits(timeout: float) -> aiohttp.ClientTimeout:
    """Time limits for one call.

    Connecting must end before the whole call does: a host that never took the request must not look like one that may have
    worked on it.
    """
    total = max(timeout, 0.001)  # zero would mean no limit to aiohttp
    return aiohttp.ClientTimeout(total=total, sock_connect=min(_CONNECT_SECONDS, 0.9 * total), ceil_threshold=3600)


def connection_error(error: BaseException, spec: ModelSpec, timeout: float, secret: str | None) -> ModelError:
    """What an error of aiohttp or the operating system means."""
    place = f"{spec.name} at {spec.endpoint}" if spec.endpoint else spec.name
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        return UnreachableError(f"{place} did not take the connection in time", hint="is the address right?")
    if isinstance(error, TimeoutError):
        return ModelTimeoutError(f"{place} sent no complete reply within {timeout:.3g} s")
    said = excerpt(str(error) or type(error).__name__, secret)
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.InvalidURL | aiohttp.NonHttpUrlClientError):
        return UnreachableError(f"nobody answers for {place}: {said}", hint="is the server running, and the address right?")
    return BrokenReplyError(f"the connection to {place} broke off: {said}")
