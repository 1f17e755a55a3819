"""The one door to the web: what may be asked, how often, how much, and what is never told."""

from __future__ import annotations

import socket
import zlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from symposia.core.tooling import WebRequest
from symposia.testing.replying import Canned, ReplyServer
from symposia.tools.context import ToolError
from symposia.tools.web import Web, is_public, retry_after

SECRET = "top-secret-value"


@pytest.fixture
async def web() -> AsyncIterator[Web]:
    web = Web(backoff=0.01)
    yield web
    await web.close()


def asking(server: ReplyServer, path: str = "/api", **changes: Any) -> WebRequest:
    return WebRequest(**({"url": server.url + path, "configured": True} | changes))


async def test_a_request_arrives_as_it_was_made_and_the_reply_comes_back(web: Web) -> None:
    async with ReplyServer(Canned(201, {"a": "é😀"}, headers={"X-Left": "3"})) as server:
        reply = await web.fetch(asking(server, method="POST", query={"q": "a b&c"}, headers={"X-Key": "k"}, json_body={"x": [1]}))
        assert (reply.status, reply.text, reply.headers["x-left"]) == (201, '{"a": "é😀"}', "3")
        (asked,) = server.requests
        assert (asked.method, asked.path, asked.query, asked.body) == ("POST", "/api", {"q": "a b&c"}, {"x": [1]})
        assert asked.headers["x-key"] == "k"
        assert asked.headers["user-agent"].startswith("symposia/")


@pytest.mark.parametrize(
    "first", [Canned(429), Canned(503), Canned(502), Canned(504), Canned(fault="drop"), Canned(200, {"a": 1}, fault="cut")]
)
async def test_what_may_pass_is_tried_again(web: Web, first: Canned) -> None:
    async with ReplyServer(first, Canned(200, {"ok": True})) as server:
        assert (await web.fetch(asking(server))).text == '{"ok": true}'
        assert len(server.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 418, 500])
async def test_what_will_not_pass_is_not(web: Web, status: int) -> None:
    async with ReplyServer(Canned(status, {"error": "no"})) as server:
        assert (await web.fetch(asking(server))).status == status
        assert len(server.requests) == 1


async def test_a_refusal_that_stays_is_a_reply(web: Web) -> None:
    async with ReplyServer(Canned(429, headers={"Retry-After": "0"})) as server:
        assert (await web.fetch(asking(server))).status == 429
        assert len(server.requests) == 3


async def test_a_server_that_asks_for_a_long_wait_is_not_asked_again(web: Web) -> None:
    async with ReplyServer(Canned(429, headers={"Retry-After": "3600"})) as server:
        assert (await web.fetch(asking(server))).status == 429
        assert len(server.requests) == 1


async def test_what_a_server_asks_us_to_wait_is_waited_for(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("symposia.tools.web.asyncio.sleep", sleep)
    async with ReplyServer(Canned(503, headers={"Retry-After": "7"}), Canned(200, {})) as server:
        await web.fetch(asking(server))
    assert 7 in waits


def test_retry_after_is_a_number_a_date_or_nothing() -> None:
    soon = format_datetime(datetime.now(UTC) + timedelta(seconds=30), usegmt=True)
    assert retry_after({"retry-after": "12"}) == 12
    assert 25 < (retry_after({"retry-after": soon}) or 0) <= 30
    assert retry_after({"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}) == 0
    assert [retry_after({"retry-after": text}) for text in ("", "soon", "-1", "9" * 30)] == [None] * 4
    assert retry_after({}) is None


async def test_time_outs_resets_and_closed_ports_end_in_a_sentence(web: Web) -> None:
    async with ReplyServer(Canned(fault="stall")) as server:
        with pytest.raises(ToolError, match=r"/api gave no complete reply within 0.05 seconds$"):
            await web.fetch(asking(server, timeout=0.05))
        assert len(server.requests) == 3
    async with ReplyServer(Canned(fault="drop")) as server:
        with pytest.raises(ToolError, match="broke off the connection"):
            await web.fetch(asking(server))
        address = server.url
    with pytest.raises(ToolError, match="cannot be reached"):
        await web.fetch(WebRequest(url=address, configured=True))
    with pytest.raises(ToolError, match="cannot be reached"):
        await web.fetch(WebRequest(url="https://no-such-host.invalid/"))


async def test_a_reply_is_read_up_to_its_limit(web: Web) -> None:
    async with ReplyServer(Canned(body=b"x" * 100)) as server:
        assert len((await web.fetch(asking(server, max_bytes=100))).text) == 100
        with pytest.raises(ToolError, match="sent more than 99 bytes"):
            await web.fetch(asking(server, max_bytes=99))


async def test_a_small_packed_body_becomes_no_large_one(web: Web) -> None:
    bomb = Canned(body=b"\0" * 50_000_000, packed=True)
    assert len(bomb.content) < 60_000
    async with ReplyServer(bomb) as server:
        with pytest.raises(ToolError, match="sent more than 1048576 bytes"):
            await web.fetch(asking(server))
        assert len(server.requests) == 1


async def test_packed_bodies_are_unpacked(web: Web) -> None:
    deflated = Canned(body=zlib.compress(b'{"a": 1}'), headers={"Content-Encoding": "deflate"})
    async with ReplyServer(Canned(json={"a": 1}, packed=True), deflated) as server:
        assert (await web.fetch(asking(server))).text == '{"a": 1}'
        assert (await web.fetch(asking(server))).text == '{"a": 1}'


@pytest.mark.parametrize(
    ("canned", "said"),
    [
        (Canned(body=b"no gzip", headers={"Content-Encoding": "gzip"}), "cannot be unpacked"),
        (Canned(body=zlib.compress(b"x" * 1000)[:-6], headers={"Content-Encoding": "deflate"}), "breaks off"),
        (Canned(body=b"?", headers={"Content-Encoding": "br"}), "packed as 'br', which was not asked for"),
    ],
)
async def test_broken_packing_is_a_sentence(web: Web, canned: Canned, said: str) -> None:
    async with ReplyServer(canned) as server:
        with pytest.raises(ToolError, match=said):
            await web.fetch(asking(server))


async def test_text_is_read_by_its_charset_and_never_fails(web: Web) -> None:
    latin = {"Content-Type": "text/plain; charset=latin-1"}
    odd = {"Content-Type": "text/plain; charset=no-such"}
    async with ReplyServer(Canned(body=b"\xe9", headers=latin), Canned(body=b"\xe9", headers=odd)) as server:
        assert (await web.fetch(asking(server))).text == "é"
        assert (await web.fetch(asking(server))).text == "\ufffd"


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/",
        "ftp://example.org/",
        "file:///etc/passwd",
        "example.org",
        "",
        "https://",
        "https://[bad",
        "https://example.org:99999/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://10.1.2.3/",
        "https://192.168.0.1/",
        "https://172.16.0.1/",
        "https://169.254.169.254/latest/meta-data/",
        "https://0.0.0.0/",
        "https://[fe80::1]/",
        "https://[fd00::1]/",
        "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/",
        "https://100.64.0.1/",
        "https://224.0.0.1/",
        "http://127.0.0.1:1/",
        "https://[2002:7f00:1::]/",
        "https://localhost/",
        "https://2130706433/",
        "https://0x7f.1/",
    ],
)
async def test_only_the_public_internet_is_asked_where_nobody_configured_more(web: Web, url: str) -> None:
    with pytest.raises(ToolError) as error:
        await web.fetch(WebRequest(url=url))
    assert "\n" not in str(error.value)
    assert any(said in str(error.value) for said in ("public internet", "only https", "no web address", "cannot be asked"))


@pytest.mark.parametrize(
    "url", ["https://exa mple.org/", "https://\u0000/", "https://x\n.example/", "https://" + "a" * 300 + ".example/"]
)
async def test_an_odd_address_is_a_sentence(web: Web, url: str) -> None:
    with pytest.raises(ToolError) as error:
        await web.fetch(WebRequest(url=url))
    assert len(str(error.value)) < 300


async def test_a_name_that_stands_for_a_private_address_is_refused_when_it_is_connected_to(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def look_up(host: str, *_: Any, **__: Any) -> Any:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    with pytest.raises(ToolError, match="not on the public internet"):
        await web.fetch(WebRequest(url="https://rebound.example/"))
    assert "rebound.example" in asked


def test_public_addresses() -> None:
    assert all(map(is_public, ("8.8.8.8", "2606:4700:4700::1111", "64:ff9b::808:808")))
    assert not any(map(is_public, ("127.0.0.1", "::", "::1%lo", "ff02::1", "::ffff:10.0.0.1", "169.254.0.1", "240.0.0.1")))


async def test_redirects_are_followed_on_the_same_host_with_headers(web: Web) -> None:
    async with ReplyServer(Canned(302, headers={"Location": "/there?x=1"}), Canned(200, {"ok": 1})) as server:
        assert (await web.fetch(asking(server, headers={"X-Key": SECRET}))).text == '{"ok": 1}'
        assert [(asked.path, asked.headers.get("x-key")) for asked in server.requests] == [("/api", SECRET), ("/there", SECRET)]


@pytest.mark.parametrize(
    "location", ["http://127.0.0.1:9/", "https://10.0.0.1/", "ftp://127.0.0.1/", "file:///etc/passwd", "http://[bad"]
)
async def test_a_redirect_leads_nowhere_else(web: Web, location: str) -> None:
    async with ReplyServer(Canned(302, headers={"Location": location})) as server:
        with pytest.raises(ToolError):
            await web.fetch(asking(server, headers={"X-Key": SECRET}))
        assert len(server.requests) == 1


async def test_a_redirect_to_another_host_of_this_machine_is_refused_even_from_a_configured_one(web: Web) -> None:
    async with ReplyServer(Canned(200, {"secret": True})) as inner:
        async with ReplyServer(Canned(302, headers={"Location": inner.url})) as server:
            with pytest.raises(ToolError, match="only https is"):
                await web.fetch(asking(server))
        assert inner.requests == []


async def test_a_redirect_to_another_host_takes_no_header_along(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("symposia.tools.web._check", lambda url, *, configured: None)
    async with ReplyServer(Canned(200, {"ok": 1})) as other, ReplyServer(Canned(301, headers={"Location": other.url})) as server:
        await web.fetch(asking(server, headers={"X-Key": SECRET}))
        assert "x-key" not in other.requests[0].headers


async def test_redirects_in_a_circle_end(web: Web) -> None:
    async with ReplyServer(Canned(302, headers={"Location": "/api"})) as server:
        with pytest.raises(ToolError, match="sends us on and on"):
            await web.fetch(asking(server))
        assert len(server.requests) == 4


async def test_a_post_is_not_sent_elsewhere(web: Web) -> None:
    async with ReplyServer(Canned(307, headers={"Location": "/there"})) as server:
        assert (await web.fetch(asking(server, method="POST", json_body={"key": SECRET}))).status == 307
        assert len(server.requests) == 1


@pytest.mark.parametrize("canned", [Canned(fault="drop"), Canned(fault="stall"), Canned(body=b"x" * 50)])
async def test_no_error_tells_a_key(web: Web, canned: Canned) -> None:
    async with ReplyServer(canned) as server:
        request = asking(server, query={"apikey": SECRET}, headers={"X-Key": SECRET}, timeout=0.05, max_bytes=5)
        with pytest.raises(ToolError) as error:
            await web.fetch(request)
    assert SECRET not in str(error.value)
    assert error.value.__cause__ is None
    with pytest.raises(ToolError) as refused:
        await web.fetch(WebRequest(url=f"http://user:{SECRET}@example.org/?key={SECRET}"))
    assert SECRET not in str(refused.value)


async def test_a_header_with_a_line_break_is_a_sentence(web: Web) -> None:
    async with ReplyServer(Canned(200, {})) as server:
        with pytest.raises(ToolError, match="cannot be asked"):
            await web.fetch(asking(server, headers={"X-Key": "a\r\nX-Other: b"}))
        assert server.requests == []
