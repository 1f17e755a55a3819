"""Asks reward models, over vLLM's ``POST /pooling``. The transformers engine speaks it too. An outcome model may be asked by
``/classify`` or ``/score`` instead, where its server has these only.

Two ways to say where the steps end, both exact. A model with a step tag gets the tagged text, and its server judges at the
tag's token. For any other the server cuts prompt and steps into tokens one by one, and their ids go out together with the
positions of the steps' last tokens; a server that takes no positions (vLLM) sends a row for every token, of which those are
read. Whatever comes back must be one finite row a step: anything else raises, it is never stretched to fit.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from ..core.calls import LabelRequest, Reply, ScoreReply, ScoreRequest
from ..core.errors import BrokenReplyError, ConfigError, ModelTimeoutError, RejectedError
from ..core.model_spec import ModelSpec, RewardForm
from . import reward_forms
from .http_errors import error_from_body, excerpt
from .http_session import Call, Http
from .label_scoring import LabelClient

_ROUNDING = 0.01
"""A server that computes with 16 bits may send 1.004 for a probability."""

_ROUTES = {"pooling": "data", "classify": "probs", "score": "score"}
"""The field of an answer that holds its numbers, by route."""

Row = tuple[float, ...]


class _Text(NamedTuple):
    """A solution as fields of a request."""

    fields: dict[str, Any]
    steps: int | None
    """How many rows it must give. None: one, for the whole."""
    ends: tuple[int, ...] = ()
    """Positions of the steps' last tokens; empty where the server finds the places itself."""


class ScoreClient:
    """Has solutions judged, one attempt at a time. Keeps no state but its connections."""

    def __init__(self, http: Http | None = None) -> None:
        self._http = http or Http()
        self._labels = LabelClient(self._http)

    async def score(self, spec: ModelSpec, request: ScoreRequest, *, api_key: str | None, timeout: float, tag: str) -> ScoreReply:
        """Ask the reward model once; ``timeout`` in seconds covers everything, ``tag`` goes out as ``X-Request-Id``.

        Raises :class:`ModelError`, and :class:`ConfigError` for a model without an endpoint or a reward form.
        """
        form = spec.reward
        if form is None:
            raise ConfigError(f"{spec.name} is no reward model", hint="say how it is asked: set reward in its catalogue entry")
        if form.kind == "states" and not request.hidden_states:
            raise RejectedError(f"{spec.name} has no head that could judge, only hidden states")
        try:
            async with asyncio.timeout(timeout):
                return await self._asked(Call(spec, api_key, timeout, tag), form, request)
        except TimeoutError as error:
            raise ModelTimeoutError(f"{spec.name} sent no complete score within {timeout:.3g} s") from error

    async def labels(self, spec: ModelSpec, request: LabelRequest, *, api_key: str | None, timeout: float, tag: str) -> Reply:
        """Ask a language model for labels, once; see :mod:`.label_scoring` and :class:`~symposia.core.protocols.Scorer`."""
        try:
            async with asyncio.timeout(timeout):
                return await self._labels.labels(Call(spec, api_key, timeout, tag), request)
        except TimeoutError as error:
            raise ModelTimeoutError(f"{spec.name} sent no complete score within {timeout:.3g} s") from error

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()

    async def _asked(self, call: Call, form: RewardForm, asked: ScoreRequest) -> ScoreReply:
        began = time.perf_counter()
        request = reward_forms.unmarked_steps(asked)
        exchange = _Exchange(self._http, call)
        at_places = form.kind == "outcome" or bool(form.tag)  # which the server finds in the text itself
        cut = None if form.tag or (at_places and not request.hidden_states) else await exchange.cut(form, request)
        text = _joined(form, request) if at_places or cut is None else cut
        raw: Row = ()
        if form.kind != "states":
            task = None if form.kind == "outcome" else "token_classify"
            rows = await exchange.rows(text, task=task, use_activation=form.scale == "probability", route=form.route)
            raw = tuple(_value(row, form, call.spec) for row in rows)
        states = await exchange.rows(cut or text, task="token_embed", use_activation=False) if request.hidden_states else []
        scale = form.scale
        return ScoreReply(
            model=exchange.model,
            raw=raw,
            probabilities=tuple(reward_forms.probability(value, scale) for value in raw) if scale and raw else None,
            hidden_states=tuple(states),
            prompt_tokens=call.spec.prompt_bound(asked) if exchange.untold else exchange.prompt_tokens,
            seconds=time.perf_counter() - began,
        )


class _Exchange:
    """The requests of one attempt."""

    def __init__(self, http: Http, call: Call) -> None:
        self._http = http
        self._call = call
        self._spec = call.spec
        self.prompt_tokens = 0
        """Of every text judged."""
        self.untold = False
        """Whether the server left out how many tokens it read."""
        self.model = call.spec.remote_name
        """The model that answered, by its own name."""

    async def cut(self, form: RewardForm, request: ScoreRequest) -> _Text:
        """The solution as token ids: prompt and steps cut one by one, so that a step's end is where its tokens end."""
        if form.prompt is None:
            messages = reward_forms.conversation(form, request.messages)
            opening: dict[str, Any] = {"messages": messages, "add_generation_prompt": True}
        else:
            opening = {"prompt": reward_forms.prompt(form, request.messages)}
        pieces = [{"prompt": step, "add_special_tokens": False} for step in request.steps]
        prompt, *steps = await asyncio.gather(*(self._tokens(body) for body in (opening, *pieces)))
        if [] in steps:
            raise RejectedError(f"step {steps.index([]) + 1} is empty, so {self._spec.name} cannot judge it")
        lengths = accumulate((len(step) for step in steps), initial=len(prompt))
        ends = tuple(length - 1 for length in lengths)[1:]
        ids = [token for piece in (prompt, *steps) for token in piece]
        return _Text({"input": ids, "positions": list(ends)}, len(ends), ends)

    async def rows(self, text: _Text, *, task: str | None, use_activation: bool, route: str = "pooling") -> list[Row]:
        """The numbers at each judged place. ``task`` None leaves it to the server."""
        body = {"model": self._spec.remote_name, "use_activation": use_activation, **text.fields}
        payload = await self._post(f"/{route}", body if task is None else body | {"task": task})
        data = payload.get("data")
        judged = data[0].get(_ROUTES[route]) if isinstance(data, list) and len(data) == 1 and isinstance(data[0], dict) else None
        if route == "score" and judged is not None:
            judged = [judged]
        if not isinstance(judged, list) or not judged:
            raise _broken(self._spec, "holds no scores", payload)
        self._count(payload)
        rows = [_row(each, self._spec) for each in (judged if isinstance(judged[0], list) else [judged])]
        return _at_places(rows, text, self._spec)

    async def _tokens(self, body: dict[str, Any]) -> list[int]:
        payload = await self._post("/tokenize", {"model": self._spec.remote_name, **body})
        tokens = payload.get("tokens")
        if not isinstance(tokens, list) or not all(isinstance(token, int) for token in tokens):
            raise _broken(self._spec, "holds no tokens", payload)
        return tokens

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        payload = await self._http.json(self._call, path, body)
        if not isinstance(payload, dict):
            raise _broken(self._spec, "is not a JSON object", payload)
        if payload.get("error") and not payload.get("data"):
            raise error_from_body(payload, self._spec)
        return payload

    def _count(self, payload: dict[str, Any]) -> None:
        usage, model = payload.get("usage"), payload.get("model")
        tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
        if isinstance(tokens, int) and tokens > 0:
            self.prompt_tokens += tokens
        else:
            self.untold = True
        self.model = model if isinstance(model, str) and model else self.model


def _joined(form: RewardForm, request: ScoreRequest) -> _Text:
    """The solution as one text. Raises :class:`RejectedError` where a step tag stands where it must not."""
    answer = reward_forms.solution(form, request)
    steps = None if form.kind == "outcome" else len(request.steps)
    if form.route == "score":
        return _Text({"text_1": reward_forms.prompt(form, request.messages), "text_2": answer}, steps)
    if form.prompt is not None:
        return _Text({"input": reward_forms.prompt(form, request.messages) + answer}, steps)
    turns = [*reward_forms.conversation(form, request.messages), {"role": "assistant", "content": answer}]
    return _Text({"messages": turns}, steps)


def _at_places(rows: list[Row], text: _Text, spec: ModelSpec) -> list[Row]:
    """The rows that were asked for, where the server sent every token's."""
    if text.steps is None:
        return rows[-1:]  # the last token has read the whole
    if len(rows) == text.steps:
        return rows
    if text.ends and len(rows) == len(text.fields["input"]):
        return [rows[end] for end in text.ends]
    raise BrokenReplyError(f"{spec.name} judged {len(rows)} places, {text.steps} steps were sent")


def _row(value: object, spec: ModelSpec) -> Row:
    if not isinstance(value, list) or not value:
        raise _broken(spec, "has no row of numbers", value)
    for each in value:
        if isinstance(each, bool) or not isinstance(each, int | float) or not math.isfinite(each):
            raise _broken(spec, "has a score that is no finite number", each)
    return tuple(float(each) for each in value)


def _value(row: Sequence[float], form: RewardForm, spec: ModelSpec) -> float:
    """The one number that judges, of a row of labels."""
    if len(row) == 1:
        value = row[0]
    elif form.scale == "probability" and form.positive < len(row):
        value = row[form.positive]
    else:
        raise BrokenReplyError(f"{spec.name} gave {len(row)} numbers for one judgement, which its reward form does not explain")
    if form.scale == "probability" and not -_ROUNDING <= value <= 1 + _ROUNDING:
        raise BrokenReplyError(f"{spec.name} gave {value:.4g} for a probability")
    return value


def _broken(spec: ModelSpec, what: str, value: object) -> BrokenReplyError:
    return BrokenReplyError(f"the score of {spec.name} {what}: {excerpt(value)}")
