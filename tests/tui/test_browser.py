"""The application in a browser: nothing is answered without the key."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp
import pytest

from symposia.tui.browser import new_key, serve

KEY = new_key()


@pytest.fixture
async def address() -> AsyncIterator[str]:
    told: asyncio.Queue[str] = asyncio.Queue()
    serving = asyncio.create_task(serve("true", 0, KEY, told.put_nowait))
    hearing = asyncio.create_task(told.get())
    await asyncio.wait({hearing, serving}, return_when=asyncio.FIRST_COMPLETED)
    yield await hearing if hearing.done() else await serving
    serving.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await serving


async def test_every_request_needs_the_key(address: str) -> None:
    base, _, query = address.partition("/?")
    assert base.startswith("http://127.0.0.1:")
    assert query == f"key={KEY}"
    async with aiohttp.ClientSession() as stranger:
        for path in ("/", "/ws", "/static/js/textual.js", "/download/1", "/?key=", "/?key=wrong", "/nothing"):
            async with stranger.get(base + path) as refused:
                assert refused.status == 403, path
                assert KEY not in await refused.text()
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await stranger.ws_connect(f"{base}/ws")


async def test_a_page_that_was_opened_with_the_key_keeps_it(address: str) -> None:
    base = address.partition("/?")[0]
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as browser:
        async with browser.get(address) as page:
            assert page.status == 200
            assert "samesite=strict" in page.headers["Set-Cookie"].lower()
            assert "httponly" in page.headers["Set-Cookie"].lower()
            assert KEY not in await page.text()
        async with browser.get(f"{base}/static/js/textual.js") as script:
            assert script.status == 200
        async with browser.ws_connect(f"{base}/ws?width=80&height=24") as socket:
            assert not socket.closed


async def test_a_port_that_is_taken(address: str) -> None:
    port = int(address.split(":")[2].split("/", maxsplit=1)[0])
    with pytest.raises(OSError, match="in use"):
        await serve("true", port, KEY, print)
