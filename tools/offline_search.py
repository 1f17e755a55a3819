"""``offline-search``: documents of a corpus in the store."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from ..core.base import Frozen
from ..core.tooling import Permission, ToolContext
from .text import cut
from .tool import Tool


class Query(Frozen):
    """Arguments of ``offline-search``."""

    query: str = Field(min_length=1, max_length=2_000, description="What to look for: words, or a sentence that says it.")
    limit: int = Field(default=5, ge=1, le=20, description="How many documents at most.")


class CorpusSettings(Frozen):
    """``[tools.offline-search]``."""

    corpus: str = Field(default="documents", min_length=1)
    """The corpus that is searched. No argument changes it: what a model may read is set by whoever runs it."""
    chars: int = Field(default=2_000, ge=100, le=50_000)
    """Of each document, from its beginning."""


def make(settings: CorpusSettings) -> Tool[Query]:
    """The tool with these settings."""

    async def search(query: Query, context: ToolContext) -> list[dict[str, Any]]:
        hits = await context.search(query.query, corpus=settings.corpus, limit=query.limit)
        return [
            {"id": hit.document.id, "title": hit.document.title, "text": cut(hit.document.text, settings.chars)}
            for hit in hits[: query.limit]
        ]

    return Tool(
        name="offline-search",
        description="Searches a collection of documents on this machine and gives the best ones, best first.",
        arguments=Query,
        work=search,
        permissions=frozenset({Permission.STORE}),
        corpora=(settings.corpus,),
        settings=settings,
        rebuild=make,
    )


TOOL = make(CorpusSettings())
