"""Clients of real providers, against a server that replays the replies, errors and limits that each documents.

The replies are written after the providers' documentation; they are no recordings.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from symposia.core.tooling import WebReply, WebRequest
from symposia.testing.replying import Asked, Canned, ReplyServer
from symposia.testing.tool_context import ScriptedContext
from symposia.tools.tool import ToolResult
from symposia.tools.translate import TOOL as TRANSLATE
from symposia.tools.weather import TOOL as WEATHER
from symposia.tools.web import Web
from symposia.tools.web_search import TOOL as SEARCH
from symposia.tools.wiki import TOOL as WIKI

KEY = "k-0123456789-secret"


@dataclass(frozen=True)
class Client:
    """A tool, set to one provider, with a call that its documentation answers."""

    tool: Any
    settings: Callable[[str], dict[str, Any]]
    arguments: dict[str, Any]
    replies: list[Any]
    output: Any
    variable: str = ""
    sent: Callable[[Asked], bool] = lambda _: True
    empty: tuple[Any, Any] | None = None
    """A reply that found nothing, and the output or the error's beginning for it."""
    before: list[Any] = field(default_factory=list)
    """Replies to requests before the one that matters."""


SERPER = {
    "searchParameters": {"q": "Füchse 🦊", "type": "search", "num": 2},
    "organic": [
        {"title": "Füchse 🦊", "link": "https://fox.example/1", "snippet": "Über den Fuchs.", "position": 1},
        {"title": "No snippet", "link": "https://fox.example/2", "position": 2},
        {"title": "One too many", "link": "https://fox.example/3", "position": 3},
    ],
    "credits": 1,
}
BRAVE = {
    "type": "search",
    "query": {"original": "foxes"},
    "web": {
        "type": "search",
        "results": [{"title": "Foxes", "url": "https://fox.example", "description": "Red.", "age": "1 day"}],
    },
}
TAVILY = {
    "query": "foxes",
    "answer": None,
    "images": [],
    "results": [{"title": "Foxes", "url": "https://fox.example", "content": "word " * 500, "score": 0.9, "raw_content": None}],
    "response_time": "1.2",
}
WIKI_REPLY = {
    "batchcomplete": True,
    "query": {
        "pages": [
            {
                "pageid": 1,
                "ns": 0,
                "title": "Fuchs 🦊",
                "index": 1,
                "extract": "Foxes are animals.\n\n\n== Food ==\nFoxes eat mice and berries.\nThey hunt alone.",
                "fullurl": "https://wiki.example/wiki/Fuchs",
            }
        ]
    },
}
PLACES = {
    "results": [
        {
            "id": 1,
            "name": "Berlin",
            "latitude": 52.5,
            "longitude": 13.4,
            "country": "Germany",
            "admin1": "Berlin",
            "timezone": "Europe/Berlin",
        },
        {"id": 2, "name": "Berlin", "latitude": 44.5, "longitude": -71.2, "country": "United States", "admin1": "New Hampshire"},
    ],
    "generationtime_ms": 0.6,
}
DAY = {
    "latitude": 44.5,
    "daily_units": {"time": "iso8601", "temperature_2m_max": "°C", "precipitation_sum": "mm"},
    "daily": {
        "time": ["2020-01-01"],
        "weather_code": [61],
        "temperature_2m_max": [3.5],
        "temperature_2m_min": [None],
        "precipitation_sum": [0.2],
    },
}


CLIENTS = {
    "serper": Client(
        SEARCH, lambda url: {"provider": "serper", "base_url": url}, {"query": "Füchse 🦊", "limit": 2}, [SERPER],
        [
            {"title": "Füchse 🦊", "url": "https://fox.example/1", "snippet": "Über den Fuchs."},
            {"title": "No snippet", "url": "https://fox.example/2", "snippet": ""},
        ],
        "SERPER_API_KEY",
        lambda asked: (asked.method, asked.path, asked.headers["x-api-key"], asked.body)
        == ("POST", "/search", KEY, {"q": "Füchse 🦊", "num": 2}),
        ({"organic": []}, []),
    ),
    "brave": Client(
        SEARCH, lambda url: {"provider": "brave", "base_url": url}, {"query": "foxes"}, [BRAVE],
        [{"title": "Foxes", "url": "https://fox.example", "snippet": "Red."}],
        "BRAVE_API_KEY",
        lambda asked: (asked.method, asked.path, asked.headers["x-subscription-token"], asked.query["q"], asked.query["count"])
        == ("GET", "/res/v1/web/search", KEY, "foxes", "5"),
        ({"type": "search", "query": {"original": "foxes"}}, []),
    ),
    "tavily": Client(
        SEARCH, lambda url: {"provider": "tavily", "base_url": f"{url}/"}, {"query": "foxes", "limit": 3}, [TAVILY],
        [{"title": "Foxes", "url": "https://fox.example", "snippet": ("word " * 200).rstrip()[:-5] + "…"}],
        "TAVILY_API_KEY",
        lambda asked: (asked.path, asked.headers["authorization"], asked.body)
        == ("/search", f"Bearer {KEY}", {"query": "foxes", "max_results": 3}),
        ({"results": []}, []),
    ),
    "deepl": Client(
        TRANSLATE, lambda url: {"provider": "deepl", "base_url": url}, {"text": "a fox", "source": "en", "target": "de"},
        [{"translations": [{"detected_source_language": "EN", "text": "ein Füchslein"}]}],
        {"text": "ein Füchslein", "by": "DeepL"},
        "DEEPL_API_KEY",
        lambda asked: (asked.path, asked.headers["authorization"], asked.body)
        == ("/v2/translate", f"DeepL-Auth-Key {KEY}", {"text": ["a fox"], "target_lang": "DE", "source_lang": "EN"}),
        ({"translations": []}, "DeepL sent a reply of another shape"),
    ),
    "libretranslate": Client(
        TRANSLATE, lambda url: {"provider": "libretranslate", "base_url": url}, {"text": "a fox", "target": "zh"},
        [{"translatedText": "一只狐狸", "detectedLanguage": {"confidence": 90, "language": "en"}}],
        {"text": "一只狐狸", "by": "LibreTranslate"},
        "",
        lambda asked: (asked.path, asked.body)
        == ("/translate", {"q": "a fox", "source": "auto", "target": "zh", "format": "text"}),
    ),
    "wiki": Client(
        WIKI, lambda url: {"base_url": f"{url}/w/api.php", "contact": "me@example.org"},
        {"query": "what do foxes eat"}, [WIKI_REPLY],
        {"title": "Fuchs 🦊", "url": "https://wiki.example/wiki/Fuchs", "passage": "Foxes eat mice and berries."},
        "",
        lambda asked: (asked.path, asked.query["generator"], asked.query["gsrsearch"], asked.headers["user-agent"])
        == ("/w/api.php", "search", "what do foxes eat", "symposia (me@example.org)"),
        ({"batchcomplete": True}, "127.0.0.1 has no page about 'what do foxes eat'"),
    ),
    "weather": Client(
        WEATHER,
        lambda url: {"geocoding_url": f"{url}/geo", "archive_url": f"{url}/archive", "forecast_url": f"{url}/forecast"},
        {"place": "Berlin, New Hampshire", "date": "1 January 2020"}, [DAY],
        {
            "place": "Berlin, New Hampshire, United States", "date": "2020-01-01", "kind": "recorded", "sky": "slight rain",
            "temperature_2m_max": "3.5 °C", "precipitation_sum": "0.2 mm",
        },
        "",
        lambda asked: (asked.path, asked.query["latitude"], asked.query["start_date"]) == ("/archive", "44.5", "2020-01-01"),
        ({"daily": {"time": ["2020-01-01"], "temperature_2m_max": [None]}}, "Open-Meteo knows nothing of that day"),
        [PLACES],
    ),
}  # fmt: skip


async def call(client: Client, *replies: Canned, key: str = KEY) -> tuple[ToolResult, ReplyServer]:
    """Call the tool; each request must be answered within a moment."""
    web = Web(backoff=0.01)

    async def fetch(request: WebRequest) -> WebReply:
        return await web.fetch(request.model_copy(update={"timeout": 0.15}))

    environ = {client.variable: key} if client.variable else {}
    async with ReplyServer(*(Canned(json=reply) for reply in client.before), *replies) as server:
        tool = client.tool.configured(client.settings(server.url))
        assert tool.keys == ((client.variable,) if client.variable else ())
        result = await tool.call(client.arguments, ScriptedContext(fetch=fetch, environ=environ))
        await web.close()
        return result, server


@pytest.fixture(params=CLIENTS)
def client(request: pytest.FixtureRequest) -> Client:
    return CLIENTS[request.param]


@pytest.mark.parametrize("packed", [False, True])
async def test_the_documented_reply_is_read(client: Client, packed: bool) -> None:
    result, server = await call(client, *(Canned(json=reply, packed=packed) for reply in client.replies))
    assert result.error is None
    assert result.output == client.output
    assert client.sent(server.requests[-1]), server.requests[-1]


@pytest.mark.parametrize("name", [name for name, client in CLIENTS.items() if client.empty])
async def test_nothing_found_is_said(name: str) -> None:
    client = CLIENTS[name]
    reply, said = client.empty or (None, None)
    result, _ = await call(client, Canned(json=reply))
    if isinstance(said, str):
        assert str(result.error).startswith(said)
    else:
        assert result == ToolResult(output=said)


FAILURES: dict[str, tuple[Canned, str]] = {
    "unauthorised": (Canned(401, {"message": f"Invalid API key {KEY}"}), r"refuses (the key|to answer) \(401\)"),
    "forbidden": (Canned(403, {"message": f"Wrong key {KEY}"}), r"refuses (the key|to answer) \(403\)"),
    "rate limit": (Canned(429, {}, headers={"Retry-After": "3600"}), r"allows no more calls now \(429\); it asks to wait 3600 s"),
    "quota of DeepL": (Canned(456, {"message": "Quota Exceeded"}), r"does not take the request \(456\): Quota Exceeded"),
    "bad request": (Canned(400, {"error": True, "reason": f"Bad\n{KEY} value"}), r"does not take the request \(400\)"),
    "nested error": (Canned(422, {"error": {"code": "X", "detail": "Field q is wrong"}}), r"\(422\): Field q is wrong"),
    "html error": (Canned(404, body=b"<html><body>gone</body></html>"), r"does not take the request \(404\)$"),
    "server error": (Canned(500, {"error": "oops"}), r"has a problem of its own \(500\): oops"),
    "overload": (Canned(503, {}, headers={"Retry-After": "0"}), r"has a problem of its own \(503\)"),
    "reset": (Canned(fault="drop"), "broke off the connection"),
    "body cut off": (Canned(json={"a": "b" * 500}, fault="cut"), "broke off the connection"),
    "silence": (Canned(fault="stall"), "gave no complete reply within 0.15 seconds"),
    "html": (Canned(body=b"<!DOCTYPE html><p>Captive portal</p>"), "sent what is not JSON: '<!DOCTYPE html>"),
    "cut JSON": (Canned(body=b'{"results": [{"title": "a"'), "sent what is not JSON"),
    "nothing": (Canned(body=b""), "sent what is not JSON"),
    "a list": (Canned(json=[1, 2]), "sent a reply of another shape than documented"),
    "another shape": (
        Canned(json={"organic": 1, "web": 1, "results": 1, "translations": 1, "translatedText": 1, "query": 1, "daily": 1}),
        "sent a reply of another shape than documented: (organic|web|results|translations|translatedText|query|daily)",
    ),
    "too long": (Canned(body=b" " * (5 * 2**20)), "sent more than"),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_every_failure_is_a_sentence_without_the_key(client: Client, failure: str) -> None:
    canned, said = FAILURES[failure]
    result, _ = await call(client, canned)
    assert result.output is None
    error = str(result.error)
    assert KEY not in error or not client.variable  # a key that nobody gave is a word like any other
    assert "\n" not in error
    assert re.search(said, error), error


async def test_a_passing_limit_is_waited_for(client: Client) -> None:
    limit = Canned(429, headers={"Retry-After": "0"})
    result, server = await call(client, limit, *(Canned(json=reply) for reply in client.replies))
    assert result.output == client.output
    assert len(server.requests) == len(client.before) + 2


@pytest.mark.parametrize("name", [name for name, client in CLIENTS.items() if client.variable])
async def test_a_missing_key_is_named_and_nothing_is_sent(name: str) -> None:
    client = CLIENTS[name]
    result, server = await call(client, Canned(json={}), key="")
    assert client.variable in str(result.error)
    assert server.requests == []


async def test_deepl_has_a_host_for_free_keys() -> None:
    for key, host in (("abc:fx", "api-free.deepl.com"), ("abc", "api.deepl.com")):
        context = ScriptedContext(environ={"DEEPL_API_KEY": key})
        await TRANSLATE.configured({"provider": "deepl"}).call({"text": "a", "target": "de"}, context)
        assert [wanted.of.url for wanted in context.wanted if wanted.what == "fetch"] == [f"https://{host}/v2/translate"]


async def test_a_wiki_error_comes_with_status_200() -> None:
    result, _ = await call(CLIENTS["wiki"], Canned(json={"error": {"code": "ratelimited", "info": "Too\nfast."}}))
    assert result.error == "127.0.0.1 does not take the request (ratelimited): Too fast."


async def test_a_place_that_there_is_not_is_said_with_those_that_there_are() -> None:
    client = CLIENTS["weather"]
    elsewhere = Client(client.tool, client.settings, {"place": "Berlin, Spain", "date": "2020-01-01"}, [], None, before=[PLACES])
    result, server = await call(elsewhere, Canned(json=DAY))
    assert result.error == (
        "there is no place 'Berlin, Spain'; there are Berlin, Berlin, Germany; Berlin, New Hampshire, United States"
    )
    assert len(server.requests) == 1
    nowhere = Client(client.tool, client.settings, {"place": "Xyzzy", "date": "2020-01-01"}, [], None)
    assert (await call(nowhere, Canned(json={"generationtime_ms": 0.3})))[0].error == "there is no place 'Xyzzy'"


@pytest.mark.parametrize("day", ["1939-12-31", "9000-01-01"])
async def test_weather_that_nobody_knows_is_not_asked_for(day: str) -> None:
    context = ScriptedContext()
    result = await WEATHER.call({"place": "Berlin", "date": day}, context)
    assert "is not known" in str(result.error)
    assert context.wanted == []


async def test_a_young_day_is_asked_of_the_forecast() -> None:
    client = CLIENTS["weather"]
    today = Client(
        client.tool, client.settings, {"place": "Berlin", "date": datetime.now(UTC).date().isoformat()}, [], None, before=[PLACES]
    )
    result, server = await call(today, Canned(json=DAY))
    assert result.output["kind"] == "forecast"
    assert server.requests[-1].path == "/forecast"
