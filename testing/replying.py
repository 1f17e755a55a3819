"""A loopback server that gives canned replies: for clients of other people's APIs, their errors and limits included."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from aiohttp import web


@dataclass(frozen=True)
class Canned:
    """One reply."""

    status: int = 200
    json: Any = None
    """The body, as JSON; ``body`` where it is None."""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Content type JSON where none is given."""
    packed: bool = False
    """With gzip."""
    fault: Literal["", "drop", "cut", "stall"] = ""
    """``drop``: the connection is closed before a byte. ``cut``: in the middle of the body. ``stall``: nothing ever comes."""

    @property
    def content(self) -> bytes:
        """The bytes of the body."""
        plain = self.body if self.json is None else json.dumps(self.json, ensure_ascii=False).encode()
        return gzip.compress(plain) if self.packed else plain


@dataclass(frozen=True)
class Asked:
    """A request that arrived."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    """By lower-case name."""
    body: Any
    """As JSON; None where it is empty."""


class ReplyServer:
    """Use it as ``async with ReplyServer(Canned(…), Canned(…)) as server``: replies in order, the last one again and again."""

    def __init__(self, *replies: Canned) -> None:
        self.requests: list[Asked] = []
        """In order of arrival."""
        self.replies: Sequence[Canned] = replies
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The base address."""
        return f"http://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._reply)
        runner = self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self._port = int(runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def _reply(self, request: web.Request) -> web.StreamResponse:
        canned = self.replies[min(len(self.requests), len(self.replies) - 1)]
        read = await request.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.requests.append(
            Asked(request.method, request.path, dict(request.query), headers, json.loads(read) if read else None)
        )
        if canned.fault == "stall":
            await asyncio.Event().wait()
        if canned.fault == "drop":
            _close(request)
            return web.Response()
        named = {"Content-Type": "application/json"} | ({"Content-Encoding": "gzip"} if canned.packed else {})
        response = web.StreamResponse(status=canned.status, headers=named | dict(canned.headers))
        content = canned.content
        response.content_length = len(content)
        await response.prepare(request)
        with contextlib.suppress(ConnectionError):  # a client that has read enough goes
            await response.write(content[: len(content) // 2] if canned.fault == "cut" else content)
        if canned.fault == "cut":
            _close(request)
        return response


def _close(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.close()
