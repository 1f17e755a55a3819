"""Asks a language model how likely its replies begin with certain labels, over vLLM's ``POST /generative_scoring``.

The route takes a query, the items that may follow it, and tells the probability of one label after each. Conversations are
rendered by the server's own template; what their token ids have in common at the beginning is the query, so that every text is
cut into tokens as in a chat. Each label is a request of its own: only so are probabilities to be had that say how likely the
model was to write anything else. They are sent one after the other, so that all but the first find the prompts in the cache of a
server that has one.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence

from ..core.calls import ChatRequest, Choice, LabelRequest, Reply
from ..core.errors import BrokenReplyError, ConfigError, ContextLengthError
from ..core.model_spec import ModelSpec
from .completion_servers import VllmServer, one_token
from .http_session import Call, Http
from .reading import broken, counts

_SERVER = VllmServer()
_ROUNDING = 1e-6


class LabelClient:
    """One attempt at a time; keeps nothing but the token ids of labels."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._known: dict[tuple[str | None, str, str], int] = {}

    async def labels(self, call: Call, request: LabelRequest) -> Reply:
        """A choice for each conversation, with the log-probabilities of the labels and no text.

        Raises :class:`ModelError`, :class:`LabelTokensError`, and :class:`ConfigError` for a server without the route.
        """
        if call.spec.engine != "vllm":
            said = f"{call.spec.name} cannot be asked for several labels in one request: no vLLM serves it"
            raise ConfigError(said, hint="set engine = 'vllm' where one does")
        began = time.perf_counter()
        ids = [await self._label(call, label) for label in request.labels]
        asked = [ChatRequest(messages=messages, max_tokens=1) for messages in request.conversations]
        prompts = await asyncio.gather(*(_SERVER.render(self._http, call, each) for each in asked))
        told = [await self._probabilities(call, prompts, token) for token in ids]
        return Reply(
            model=call.spec.remote_name,
            choices=tuple(_choice(request.labels, each) for each in zip(*told, strict=True)),
            prompt_tokens=len(ids) * sum(map(len, prompts)),
            seconds=time.perf_counter() - began,
        )

    async def _label(self, call: Call, label: str) -> int:
        key = (call.spec.endpoint, call.spec.remote_name, label)
        if key not in self._known:
            self._known[key] = await one_token(_SERVER, self._http, call, label)
        return self._known[key]

    async def _probabilities(self, call: Call, prompts: Sequence[tuple[int, ...]], token: int) -> list[float]:
        """Of the token as the next one, after each prompt."""
        shared = _shared(prompts)
        body = {
            "model": call.spec.remote_name,
            "query": prompts[0][:shared],
            "items": [prompt[shared:] for prompt in prompts],
            "label_token_ids": [token],
            "apply_softmax": False,
        }
        payload = await self._http.json(call, "/generative_scoring", body)
        _require_whole(payload, sum(map(len, prompts)), call.spec)
        return _scores(payload, len(prompts), call.spec)


def _shared(prompts: Sequence[tuple[int, ...]]) -> int:
    """How many tokens all prompts begin with. The last one of each is left out: an item must not be empty."""
    most = min(map(len, prompts)) - 1
    return next((place for place in range(most) if len({prompt[place] for prompt in prompts}) > 1), most)


def _choice(labels: Sequence[str], probabilities: Sequence[float]) -> Choice:
    pairs = zip(labels, probabilities, strict=True)
    return Choice(text="", labels={label: math.log(value) for label, value in pairs if value > 0})


def _require_whole(payload: object, sent: int, spec: ModelSpec) -> None:
    """Raise :class:`ContextLengthError` where the server read less than it was sent: it cuts what is too long in silence."""
    read = counts(payload.get("usage") if isinstance(payload, dict) else None)
    if read is not None and read.prompt < sent:
        raise ContextLengthError(f"{spec.name} read {read.prompt} of {sent} tokens: what is to be judged is too long for it")


def _scores(payload: object, expected: int, spec: ModelSpec) -> list[float]:
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(data, list):
        raise broken(spec, "holds no scores", payload)
    if len(data) != expected:
        raise BrokenReplyError(f"{spec.name} judged {len(data)} places, {expected} were sent")
    scores: dict[object, float] = {}
    for each in data:
        value = each.get("score") if isinstance(each, dict) else None
        if isinstance(value, bool) or not isinstance(value, int | float) or not -_ROUNDING <= value <= 1 + _ROUNDING:
            raise broken(spec, "has a score that is no probability", each)
        scores[each.get("index")] = min(float(value), 1.0)
    if scores.keys() != set(range(expected)):
        raise broken(spec, "does not say which score is whose", data)
    return [scores[index] for index in range(expected)]
