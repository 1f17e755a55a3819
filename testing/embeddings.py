"""The route by which servers embed texts, for the loopback server: vectors are those of :class:`.embedder.HashEmbedder`."""

from __future__ import annotations

import json
from collections.abc import Callable

from aiohttp import web

from .embedder import HashEmbedder

_DIMENSION = 64


def add_embedding_route(router: web.UrlDispatcher, model: str, heard: Callable[[list[str]], None]) -> None:
    """Add ``/v1/embeddings``; ``heard`` is called with the texts of each request. A token is a word."""
    embedder = HashEmbedder(_DIMENSION)

    async def embeddings(request: web.Request) -> web.Response:
        texts = json.loads(await request.read())["input"]
        heard(texts)
        rows = (await embedder.embed(texts)).tolist()
        data = [{"object": "embedding", "index": index, "embedding": row} for index, row in enumerate(rows)]
        tokens = sum(len(text.split()) for text in texts)
        usage = {"prompt_tokens": tokens, "total_tokens": tokens}
        return web.json_response({"object": "list", "model": model, "data": data[::-1], "usage": usage})

    router.add_post("/v1/embeddings", embeddings)
