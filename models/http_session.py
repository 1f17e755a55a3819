"""What everything that speaks HTTP to a model server shares: sessions, one way to post, and what errors mean."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import aiohttp
from pydantic_core import from_json, to_json

from ..core.errors import BrokenReplyError, ConfigError, ModelError, ModelTimeoutError, UnreachableError
from ..core.model_spec import ModelSpec
from .http_errors import error_for, excerpt

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


class Call(NamedTuple):
    """What every request of one attempt has in common."""

    spec: ModelSpec
    api_key: str | None
    timeout: float
    """Seconds for each request."""
    tag: str

    def url(self, path: str) -> str:
        """The address of ``path`` below the endpoint; ``/path`` is one beside ``/v1``. Raises :class:`ConfigError`."""
        if self.spec.endpoint is None:
            raise ConfigError(f"{self.spec.name} has no endpoint", hint="set endpoint, or transport = 'litellm'")
        base = self.spec.endpoint.rstrip("/")
        return base.removesuffix("/v1") + path if path.startswith("/") else f"{base}/{path}"


class Http:
    """Posts JSON to the server of a model. Raises :class:`ModelError` for whatever goes wrong on the way."""

    def __init__(self) -> None:
        self._sessions = Sessions()

    @contextlib.asynccontextmanager
    async def post(self, call: Call, path: str, body: Mapping[str, Any]) -> AsyncIterator[aiohttp.ClientResponse]:
        """The server's answer, its body unread; leaving the block early closes the connection."""
        spec, secret = call.spec, call.api_key
        headers = {"Content-Type": "application/json", "X-Request-Id": call.tag}
        if secret is not None:
            headers["Authorization"] = f"Bearer {secret}"
        url, data = call.url(path), to_json(body)
        try:
            async with self._sessions.get().post(
                url, data=data, headers=headers, timeout=limits(call.timeout), allow_redirects=False
            ) as response:
                if response.status >= 300:
                    text = (await response.read()).decode(errors="replace")
                    raise error_for(response.status, response.headers, text, spec, secret=secret)
                yield response
        except (aiohttp.ClientError, OSError) as error:
            raise connection_error(error, spec, call.timeout, secret) from error

    async def json(self, call: Call, path: str, body: Mapping[str, Any]) -> object:
        """The server's whole answer. Raises :class:`BrokenReplyError` where it is not JSON."""
        async with self.post(call, path, body) as response:
            return read_json(await response.read(), call.spec)

    async def close(self) -> None:
        """Close every connection."""
        await self._sessions.close()


def read_json(data: bytes, spec: ModelSpec) -> object:
    """Parse a body or a piece of one. Raises :class:`BrokenReplyError`."""
    try:
        return from_json(data)
    except ValueError as error:
        what = "an HTML page" if data.lstrip()[:1] == b"<" else "what is not JSON"
        raise BrokenReplyError(f"{spec.name} sent {what}: {excerpt(data)}") from error


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
