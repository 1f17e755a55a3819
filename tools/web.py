"""The one door of tools to the web: what may be asked, how long, how much, and how often.

Addresses can come from a model, or from a page that it read, so that they are held to these rules at every step:

* ``https`` only, to addresses of the public internet. What a name stands for is looked up once, checked, and then connected
  to, so that a name cannot stand for something else a moment later. Loopback, private, link-local and metadata addresses, and
  plain ``http``, are for addresses that the user configured (:attr:`WebRequest.configured`).
* Redirects are followed a few times, for GET only, under the same rules. Headers, which may hold a key, stay with the host
  that they were meant for.
* A reply is read up to its limit, counted after unpacking, and a packed one is unpacked piece by piece: no small body becomes
  a large one.
* Rate limits and overload (429, 502, 503, 504), resets and time-outs are tried again a few times. What a server asks us to
  wait is waited for as long as that is short; a reply that stays a refusal is a reply, for the tool to explain.

Errors name scheme, host and path and never a query, a header or a body, where keys are.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import NamedTuple
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from ..core.tooling import WebReply, WebRequest
from .context import ToolError

ATTEMPTS = 3
MAX_WAIT = 20.0
"""Seconds. A server that asks for more is not asked again."""
MAX_REDIRECTS = 3
_BACKOFF = 0.5
_BUSY = frozenset({429, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_CHUNK = 2**16
_KEEPALIVE = 4.0


class _RefusedError(OSError):
    """A name stands for an address that may not be asked."""


class _BrokenError(Exception):
    """An attempt failed in a way that another one may not."""


class _PublicOnly(AbstractResolver):
    """Looks up names and refuses those that stand for anything but public addresses."""

    def __init__(self) -> None:
        self._names = ThreadedResolver()

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        """The addresses of a name, all of them public."""
        found = await self._names.resolve(host, port, family)
        if not all(is_public(result["host"]) for result in found):
            raise _RefusedError(f"{host} is not on the public internet")
        return found

    async def close(self) -> None:
        """Nothing is kept."""


class _Sessions(NamedTuple):
    public: aiohttp.ClientSession
    any: aiohttp.ClientSession


class Web:
    """Asks servers for tools; implements ``fetch`` of :class:`core.tooling.ToolContext`.

    Args:
        backoff: seconds before the second attempt, doubled for each further one, where the server does not say how long.
    """

    def __init__(self, *, backoff: float = _BACKOFF) -> None:
        self._backoff = backoff
        self._of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _Sessions] = WeakKeyDictionary()

    async def fetch(self, request: WebRequest) -> WebReply:
        """Ask a server. Raises :class:`ToolError` for an address that may not be asked and for what stays broken."""
        url = _parsed(request.url, request.query)
        _check(url, configured=request.configured)
        for attempt in range(1, ATTEMPTS + 1):
            wait = self._backoff * 2 ** (attempt - 1)
            try:
                reply = await self._follow(request, url)
            except _BrokenError as broken:
                if attempt == ATTEMPTS:
                    raise ToolError(f"{_place(url)} {broken}") from None
            else:
                asked = retry_after(reply.headers)
                wait = wait if asked is None else asked
                if reply.status not in _BUSY or attempt == ATTEMPTS or wait > MAX_WAIT:
                    return reply
            await asyncio.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    async def _follow(self, request: WebRequest, url: URL) -> WebReply:
        """One attempt, redirects and all."""
        headers, configured = request.headers, request.configured
        for _ in range(MAX_REDIRECTS + 1):
            async with self._ask(request, url, headers, configured=configured) as response:
                target = response.headers.get("Location") if response.status in _REDIRECTS else None
                if target is None or request.method != "GET":
                    text = (await _body(response, request.max_bytes, _place(url))).decode(_charset(response), errors="replace")
                    return WebReply(status=response.status, headers=_lowered(response), text=text)
            before, url = url, _joined(url, target)
            if (url.scheme, url.host, url.port) != (before.scheme, before.host, before.port):
                headers, configured = {}, False
            _check(url, configured=configured)
        raise ToolError(f"{_place(url)} sends us on and on")

    @asynccontextmanager
    async def _ask(
        self, request: WebRequest, url: URL, headers: dict[str, str], *, configured: bool
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        sessions = self._sessions()
        session = sessions.any if configured else sessions.public
        limits = aiohttp.ClientTimeout(total=request.timeout, ceil_threshold=3600)
        sent = {"Accept-Encoding": "gzip, deflate"} | headers
        try:
            async with session.request(
                request.method, url, json=request.json_body, headers=sent, timeout=limits, allow_redirects=False
            ) as response:
                yield response
        except TimeoutError:
            raise _BrokenError(f"gave no complete reply within {request.timeout:g} seconds") from None
        except (aiohttp.ClientError, OSError, ValueError) as error:  # ValueError: a header with a line break
            if isinstance(error.__cause__, _RefusedError) or isinstance(error, _RefusedError):
                raise ToolError(f"{_place(url)} is not on the public internet, and nobody configured it") from None
            raise _broken(error) from None

    def _sessions(self) -> _Sessions:
        loop = asyncio.get_running_loop()
        sessions = self._of_loop.get(loop)
        if sessions is None:
            sessions = self._of_loop[loop] = _Sessions(_session(_PublicOnly()), _session(ThreadedResolver()))
        return sessions

    async def close(self) -> None:
        """Close every connection of the running loop, and forget the others."""
        sessions = self._of_loop.pop(asyncio.get_running_loop(), ())
        for session in sessions:
            await session.close()


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, also where IPv6 wraps one of IPv4."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        wrapped = found.ipv4_mapped or found.sixtofour or (found.teredo or (None, None))[1]
        if found in _NAT64:
            wrapped = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if wrapped is not None:
            return is_public(str(wrapped))
    return found.is_global and not found.is_multicast


_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def retry_after(headers: dict[str, str]) -> float | None:
    """Seconds that a server asks us to wait (a number or a date); None where it does not, or not readably."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal() and len(value) < 10:
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (at.replace(tzinfo=at.tzinfo or UTC) - datetime.now(UTC)).total_seconds())


def _session(resolver: AbstractResolver) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(resolver=resolver, use_dns_cache=False, keepalive_timeout=_KEEPALIVE),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        headers={"User-Agent": f"symposia/{version('symposia')}"},
    )


def _parsed(address: str, query: dict[str, str]) -> URL:
    try:
        url = URL(address)
        return url.update_query(query) if query else url
    except ValueError:
        raise ToolError("what should be asked is no web address") from None


def _check(url: URL, *, configured: bool) -> None:
    if not url.host or url.scheme not in {"https", "http"}:
        raise ToolError(f"{_place(url)} is no web address")
    if configured:
        return
    if url.scheme != "https":
        raise ToolError(f"{_place(url)} is not asked: only https is, or what the user configured")
    try:
        public = is_public(url.host)  # a name is checked when it is looked up
    except ValueError:
        return
    if not public:
        raise ToolError(f"{_place(url)} is not on the public internet, and nobody configured it")


def _joined(url: URL, target: str) -> URL:
    try:
        return url.join(URL(target))
    except ValueError:
        raise ToolError(f"{_place(url)} sends us to what is no address") from None


async def _body(response: aiohttp.ClientResponse, limit: int, place: str) -> bytes:
    """The unpacked body. Raises :class:`ToolError` where it is longer than the limit."""
    packed = response.headers.get("Content-Encoding", "identity").lower()
    if packed not in {"identity", "gzip", "deflate"}:
        raise ToolError(f"{place} sent a body packed as {packed!r}, which was not asked for")
    unpack = None if packed == "identity" else zlib.decompressobj(zlib.MAX_WBITS | 32)  # 32: gzip or zlib, by its beginning
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        try:
            body += chunk if unpack is None else unpack.decompress(chunk, limit + 1 - len(body))
        except zlib.error:
            raise _BrokenError("sent a packed body that cannot be unpacked") from None
        if len(body) > limit:
            raise ToolError(f"{place} sent more than {limit} bytes")
    if unpack is not None and not unpack.eof:
        raise _BrokenError("sent a packed body that breaks off")
    return bytes(body)


def _charset(response: aiohttp.ClientResponse) -> str:
    named = response.charset or "utf-8"
    try:
        "".encode(named)
    except LookupError:
        return "utf-8"
    return named


def _lowered(response: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.headers.items()}


def _broken(error: Exception) -> _BrokenError:
    """What an error means, without its own words: they may hold the whole address, keys and all."""
    if isinstance(error, aiohttp.ClientConnectorError):
        return _BrokenError("cannot be reached")
    if isinstance(error, aiohttp.ClientPayloadError | aiohttp.ServerDisconnectedError | ConnectionError):
        return _BrokenError("broke off the connection")
    return _BrokenError(f"cannot be asked: {type(error).__name__}")


def _place(url: URL) -> str:
    """Scheme, host and path: what may be shown of an address."""
    shown = f"{url.scheme}://{url.host or ''}{f':{url.explicit_port}' if url.explicit_port else ''}{url.path}"
    return shown if len(shown) <= 200 else f"{shown[:199]}…"
