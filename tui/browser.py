"""The application in a browser of this machine: each page that is opened is a process of its own.

Whoever reaches the page can do what the user can, so it listens on loopback only, and every request needs a key that is made at
the start and printed as part of the address: other users of the machine, and pages of the web, do not have it. A page that was
opened with the key keeps it in a cookie, for what it loads and for its socket.
"""

from __future__ import annotations

import asyncio
import hmac
import secrets
import socket
from collections.abc import Awaitable, Callable

from aiohttp import web
from textual_serve.server import Server

HOST = "127.0.0.1"
_POLICY = "font-src 'self' data:; style-src 'self' 'unsafe-inline'"  # nothing is loaded from elsewhere


def new_key() -> str:
    """A key that nobody guesses."""
    return secrets.token_urlsafe(24)


async def serve(command: str, port: int, key: str, told: Callable[[str], None]) -> None:
    """Serve what ``command`` runs until cancelled; ``told`` hears the address once it answers. Raises :class:`OSError`.

    Port 0 takes a free one.
    """
    with socket.create_server((HOST, port)) as door:
        taken = door.getsockname()[1]
        runner = web.AppRunner(await _Keyed(command, taken, key).make())
        await runner.setup()
        try:
            await web.SockSite(runner, door).start()
            told(f"http://{HOST}:{taken}/?key={key}")
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()


class _Keyed(Server):
    """textual-serve, behind a key and without its greeting."""

    def __init__(self, command: str, port: int, key: str) -> None:
        super().__init__(command, host=HOST, port=port, title="symposia")
        self._key = key
        self._cookie = f"symposia-{port}"

    async def make(self) -> web.Application:
        """What answers requests."""
        app = await self._make_app()
        app.middlewares.append(self._guard)
        return app

    async def on_startup(self, app: web.Application) -> None:
        """Say nothing: the address is printed by who started it."""

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Refuse what comes without the key."""
        given = request.query.get("key") or request.cookies.get(self._cookie, "")
        if not hmac.compare_digest(given.encode(), self._key.encode()):
            raise web.HTTPForbidden(text="This needs the address with its key, as `symposia tui --serve` printed it.\n")
        response = await handler(request)
        if not response.prepared:
            response.set_cookie(self._cookie, self._key, httponly=True, samesite="Strict")
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers["Content-Security-Policy"] = _POLICY
        return response
