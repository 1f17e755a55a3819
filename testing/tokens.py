"""The routes by which vLLM and llama.cpp continue answers in token ids, for the loopback server.

A token is a character and its id the code point, so that every text has one tokenization and every id a text; but for the
words of verdicts, which are one token where they stand alone. A rendered conversation is its texts between marks; a completion
of it is what the script answers to that conversation after what the prompt holds of the answer already. Token 4 ends an answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from .completions import ReplyFunction, cut_at_stop, prompt_text, rest_of, sample_number

_BEGIN, _ASK, _END = "\x02", "\x03", "\x04"
LABEL_TOKENS = {"Yes": 0xE000, "No": 0xE001, "yes": 0xE002, "no": 0xE003}
"""Ids of the words that are one token."""


def add_token_routes(router: web.UrlDispatcher, reply: ReplyFunction, model: str) -> None:
    """Add ``/tokenize``, ``/detokenize``, ``/apply-template``, ``/v1/completions`` (vLLM) and ``/completion`` (llama.cpp)."""

    async def tokenize(request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        text = _rendered(body) if "messages" in body else body.get("prompt", body.get("content"))
        word = LABEL_TOKENS.get(text)
        return web.json_response({"tokens": [ord(char) for char in text] if word is None else [word]})

    async def detokenize(request: web.Request) -> web.Response:
        text = _text(json.loads(await request.read())["tokens"])
        return web.json_response({"prompt": text, "content": text})

    async def apply_template(request: web.Request) -> web.Response:
        return web.json_response({"prompt": _rendered(json.loads(await request.read()))})

    async def completions(request: web.Request) -> web.Response:
        body = json.loads(await request.read())
        pieces = [_piece(reply, body, index, body["max_tokens"]) for index in range(body.get("n") or 1)]
        choices = [
            {
                "index": index,
                "text": text,
                "finish_reason": "length" if ended is None else "stop",
                "stop_reason": ended or None,
                "token_ids": [ord(char) for char in text] + ([ord(_END)] if ended == "" else []),
                "logprobs": _vllm_logprobs(text) if "logprobs" in body else None,
            }
            for index, (text, ended) in enumerate(pieces)
        ]
        written = sum(len(text) + (ended == "") for text, ended in pieces)
        usage = {"prompt_tokens": len(body["prompt"]), "completion_tokens": written}
        return web.json_response({"model": model, "choices": choices, "usage": usage})

    async def completion(request: web.Request) -> web.Response:
        body = json.loads(await request.read()) | {"include_stop_str_in_output": True}
        text, ended = _piece(reply, body, 0, body["n_predict"])
        payload = {
            "model": model,
            "content": text.removesuffix(ended or ""),
            "tokens": [ord(char) for char in text] + ([ord(_END)] if ended == "" else []),
            "stop_type": "limit" if ended is None else "word" if ended else "eos",
            "stopping_word": ended or "",
            "tokens_evaluated": len(body["prompt"]),
            "tokens_predicted": len(text),
            "completion_probabilities": [{"token": char, "logprob": -0.5, "top_logprobs": []} for char in text],
        }
        return web.json_response(payload)

    router.add_post("/tokenize", tokenize)
    router.add_post("/detokenize", detokenize)
    router.add_post("/apply-template", apply_template)
    router.add_post("/v1/completions", completions)
    router.add_post("/completion", completion)


def conversation_of(tokens: Sequence[int]) -> str:
    """The texts of a conversation that was rendered."""
    return _text(tokens).removeprefix(_BEGIN).partition(_ASK)[0]


def _rendered(body: Mapping[str, Any]) -> str:
    return _BEGIN + prompt_text(body) + _ASK


def _text(tokens: Sequence[int]) -> str:
    return "".join(map(chr, tokens))


def _piece(reply: ReplyFunction, body: Mapping[str, Any], index: int, limit: int) -> tuple[str, str | None]:
    """The next piece of the answer, and what ended it: a stop string, the empty string for the end itself, None for the limit."""
    prompt = body["prompt"] if isinstance(body["prompt"], str) else _text(body["prompt"])
    conversation, _, begun = prompt.removeprefix(_BEGIN).partition(_ASK)
    answer = rest_of(reply(conversation, sample_number(body.get("seed")) + index), begun)
    text, stop = cut_at_stop(answer["content"], body)
    if len(text) > limit:
        return text[:limit], None
    return text, stop or ""


def _vllm_logprobs(text: str) -> dict[str, Any]:
    return {"tokens": list(text), "token_logprobs": [-0.5] * len(text), "top_logprobs": [None] * len(text)}
