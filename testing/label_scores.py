"""vLLM's ``/generative_scoring`` for the loopback server, where a token is a character and each word of a verdict is one.

What the script answers to a conversation tells its ``labels``; the probability of any other token is zero.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from aiohttp import web

from .completions import ReplyFunction, as_message
from .tokens import LABEL_TOKENS, conversation_of

_LABELS = {token: label for label, token in LABEL_TOKENS.items()}


def add_scoring_route(
    router: web.UrlDispatcher, reply: ReplyFunction, model: str, heard: Callable[[dict[str, Any]], None]
) -> None:
    """Add the route; ``heard`` is called with the body of each request. As vLLM does, it gives the first label's score only."""

    async def score(request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        heard(body)
        prompts = [[*body["query"], *item] for item in body["items"]]
        data = [{"index": index, "object": "score", "score": _score(reply, body, each)} for index, each in enumerate(prompts)]
        read = sum(map(len, prompts))
        usage = {"prompt_tokens": read, "completion_tokens": len(prompts), "total_tokens": read + len(prompts)}
        return web.json_response({"object": "list", "model": model, "data": data, "usage": usage})

    router.add_post("/generative_scoring", score)


def _score(reply: ReplyFunction, body: dict[str, Any], prompt: list[int]) -> float:
    told = as_message(reply(conversation_of(prompt), 0)).get("labels", {})
    shares = [math.exp(told.get(_LABELS.get(token, ""), -math.inf)) for token in body["label_token_ids"]]
    return shares[0] / (sum(shares) or 1.0) if body["apply_softmax"] else shares[0]
