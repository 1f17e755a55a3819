"""``wiki``: the passage of an encyclopedia that fits a question, by the MediaWiki API.

One request searches and extracts at once (``generator=search``, ``prop=extracts|info``), as documented for Wikipedia and any
other MediaWiki with the TextExtracts extension. Of the page's plain text the paragraph that has most of the question's words
is given, the first of several. Themis finds its passage by ColBERTv2 over a dump.
"""

from __future__ import annotations

import re
from typing import Any

from pydantic import Field
from yarl import URL

from ..core.base import Frozen
from ..core.tooling import Permission, ToolContext, WebRequest
from .providers import Provider, Shape, ask
from .text import cut, shortened
from .tool import Tool, ToolError

_WORD = re.compile(r"\w+")
_MAX_PAGE = 4 * 2**20


class Query(Frozen):
    """Arguments of ``wiki``."""

    query: str = Field(min_length=1, max_length=300, description="What to look up: a name or a short question.")


class WikiSettings(Frozen):
    """``[tools.wiki]``."""

    language: str = Field(default="en", pattern=r"^[a-z]{2,3}(-[a-z]+)*$")
    """Of the Wikipedia that is asked."""
    base_url: str | None = None
    """``api.php`` of another MediaWiki."""
    contact: str = ""
    """An address for the wiki's operators, sent as part of the user agent: Wikimedia asks for one from whoever asks often."""
    chars: int = Field(default=2_000, ge=100, le=20_000)
    """Of the passage."""


class _Page(Shape):
    title: str
    fullurl: str = ""
    extract: str = ""


class _Found(Shape):
    pages: list[_Page]


class _Problem(Shape):
    code: str
    info: str = ""


class _Reply(Shape):
    query: _Found | None = None
    """Left out where nothing was found."""
    error: _Problem | None = None
    """Comes with status 200."""


def best_passage(text: str, query: str) -> str:
    """The paragraph with most of the query's words, the first of several; the first one where none has any."""
    wanted = set(_WORD.findall(query.casefold()))
    paragraphs = [line.strip() for line in text.split("\n") if line.strip() and not line.startswith("==")]
    return max(paragraphs, key=lambda paragraph: len(wanted & set(_WORD.findall(paragraph.casefold()))), default="")


def make(settings: WikiSettings) -> Tool[Query]:
    """The tool with these settings."""
    address = settings.base_url or f"https://{settings.language}.wikipedia.org/w/api.php"
    place = URL(address).host or address

    async def look_up(query: Query, context: ToolContext) -> dict[str, Any]:
        parameters = {
            "action": "query", "format": "json", "formatversion": "2", "redirects": "1",
            "generator": "search", "gsrsearch": query.query, "gsrlimit": "1",
            "prop": "extracts|info", "explaintext": "1", "exlimit": "1", "inprop": "url",
        }  # fmt: skip
        request = WebRequest(
            url=address,
            query=parameters,
            headers={"User-Agent": f"symposia ({settings.contact})"} if settings.contact else {},
            max_bytes=_MAX_PAGE,
            configured=settings.base_url is not None,
        )
        reply = await ask(context, request, Provider(place), _Reply)
        if reply.error is not None:
            raise ToolError(f"{place} does not take the request ({reply.error.code}): {shortened(reply.error.info)}")
        if reply.query is None or not reply.query.pages:
            raise ToolError(f"{place} has no page about {query.query!r}")
        page = reply.query.pages[0]
        passage = cut(best_passage(page.extract, query.query), settings.chars)
        return {"title": page.title, "url": page.fullurl, "passage": passage}

    return Tool(
        name="wiki",
        description="Looks something up in an encyclopedia and gives the passage that fits best, with the page it is from.",
        arguments=Query,
        work=look_up,
        permissions=frozenset({Permission.NETWORK}),
        timeout=90.0,
        settings=settings,
        rebuild=make,
    )


TOOL = make(WikiSettings())
