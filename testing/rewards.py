"""A reward-model server on the loopback address that records every request and says what a function says.

Speaks ``/pooling`` and ``/tokenize`` as vLLM and our transformers engine do, and ``/classify`` and ``/score`` as vLLM does. Its
tokens are the bytes of the text.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Self

from aiohttp import web

from ..core.model_spec import ModelSpec, RewardForm
from ..models.reward_forms import abilities_of
from .faults import Fault
from .sending import commit, send_json

Judge = Callable[[str], float]
"""The number of a text that ends where it is judged, in the scale of the reward form."""
Answer = Callable[[str, dict[str, Any]], web.Response | Fault | None]
"""Path and body to another answer than the server's own, or the fault that it commits; None for its own."""


def share_of_vowels(text: str) -> float:
    """The share of a text's letters that are vowels: a judgement that differs from text to text and means nothing."""
    letters = [letter for letter in text.casefold() if letter.isalpha()]
    return sum(letter in "aeiou" for letter in letters) / max(1, len(letters))


class RewardServer:
    """Use it as ``async with RewardServer(form) as server``.

    Args:
        form: what kind of model it is; tags and labels are honoured as a real one does.
        judge: what it says. By default the share of a text's letters that are vowels.
        every_token: send a row for every token where no tag marks the steps, as vLLM does; else only the positions asked for.
        pace: seconds before each answer.
        answer: other answers: faults, garbage.
    """

    def __init__(
        self,
        form: RewardForm,
        judge: Judge = share_of_vowels,
        *,
        every_token: bool = False,
        pace: float = 0.0,
        answer: Answer | None = None,
    ) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        """Path and body of every request, in order of arrival."""
        self.headers: list[dict[str, str]] = []
        """Of every request, names in lower case."""
        self.in_flight = 0
        self.answered = 0
        """Requests answered as a sound server would."""
        self.cancelled = 0
        """Requests that the client gave up before they were answered."""
        self._form = form
        self._judge = judge
        self._every_token = every_token
        self._pace = pace
        self._answer = answer or _own
        self._runner: web.AppRunner | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """The base address, ending in ``/v1``."""
        return f"http://127.0.0.1:{self._port}/v1"

    def spec(self, name: str = "fake", **changes: Any) -> ModelSpec:
        """A catalogue entry for this server; ``changes`` are fields of :class:`ModelSpec`."""
        fields: dict[str, Any] = {"endpoint": self.url, "transport": "direct", "reward": self._form}
        fields["abilities"] = abilities_of(self._form)
        return ModelSpec(name=name, **(fields | changes))

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 2**20)
        for route, own in (("pooling", self._pooling), ("classify", self._classify), ("score", self._score)):
            app.router.add_post(f"/{route}", self._handler(own))
        app.router.add_post("/tokenize", self._handler(self._tokenize))
        # Without handler_cancellation nobody would notice that a client has gone.
        self._runner = web.AppRunner(app, handler_cancellation=True, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self._port = int(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def _handler(self, own: Callable[[dict[str, Any]], Any]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            body = json.loads(await request.read())
            self.requests.append((request.path, body))
            self.headers.append({name.lower(): value for name, value in request.headers.items()})
            self.in_flight += 1
            try:
                await asyncio.sleep(self._pace)
                said = self._answer(request.path, body)
                if isinstance(said, Fault):
                    return await commit(said, request, own(body))
                self.answered += said is None
                return said or await send_json(request, own(body))
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
            finally:
                self.in_flight -= 1

        return handle

    def _tokenize(self, body: dict[str, Any]) -> dict[str, Any]:
        text = body["prompt"] if "prompt" in body else _rendered(body["messages"]) + "assistant: "
        tokens = list(text.encode())
        return {"count": len(tokens), "max_model_len": 2**20, "tokens": tokens}

    def _pooling(self, body: dict[str, Any]) -> dict[str, Any]:
        given = body["input"] if "input" in body else _rendered(body["messages"])
        tokens = given.encode() if isinstance(given, str) else bytes(given)
        embed = body.get("task") == "token_embed"
        whole = self._form.kind == "outcome" and not embed
        places = [len(tokens)] if whole else self._places(tokens, body.get("positions"))
        texts = [tokens[:end].decode(errors="replace") for end in places]
        rows = [[float(len(text)), self._judge(text)] if embed else self._row(self._judge(text)) for text in texts]
        data = rows[0] if whole else rows
        usage = {"prompt_tokens": len(tokens), "total_tokens": len(tokens)}
        return {"object": "list", "model": "fake", "data": [{"index": 0, "object": "pooling", "data": data}], "usage": usage}

    def _classify(self, body: dict[str, Any]) -> dict[str, Any]:
        told = self._pooling(body)
        row = told["data"][0]["data"]
        return told | {"data": [{"index": 0, "label": f"LABEL_{row.index(max(row))}", "probs": row, "num_classes": len(row)}]}

    def _score(self, body: dict[str, Any]) -> dict[str, Any]:
        text = f"{body['text_1']}{body['text_2']}"
        told = {
            "data": [{"index": 0, "object": "score", "score": self._judge(text)}],
            "usage": {"prompt_tokens": len(text.encode())},
        }
        return {"object": "list", "model": "fake"} | told

    def _places(self, tokens: bytes, positions: Sequence[int] | None) -> list[int]:
        """How many tokens have been read at each place that is judged."""
        tag = self._form.tag.encode()
        if tag:
            return [end + len(tag) for end in range(len(tokens)) if tokens.startswith(tag, end)]
        if positions is not None and not self._every_token:
            return [position + 1 for position in positions]
        return list(range(1, len(tokens) + 1))

    def _row(self, value: float) -> list[float]:
        form = self._form
        if form.scale != "probability":
            return [value]
        return [value if label == form.positive else 1 - value for label in range(2)]


def _rendered(messages: Sequence[dict[str, Any]]) -> str:
    return "".join(f"{message['role']}: {message['content']}\n" for message in messages)


def _own(_: str, __: dict[str, Any]) -> None:
    """No other answer than the server's own."""
