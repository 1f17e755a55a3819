"""Asks embedding models, over ``POST /v1/embeddings``, as OpenAI documents it and most servers speak it."""

from __future__ import annotations

import asyncio
import math
import time

from ..core.calls import EmbedReply, EmbedRequest
from ..core.errors import BrokenReplyError, ModelTimeoutError
from ..core.model_spec import ModelSpec
from .http_errors import error_from_body, excerpt
from .http_session import Call, Http


class EmbedClient:
    """Has vectors made, one attempt at a time. Keeps no state but its connections."""

    def __init__(self, http: Http | None = None) -> None:
        self._http = http or Http()

    async def embed(self, spec: ModelSpec, request: EmbedRequest, *, api_key: str | None, timeout: float, tag: str) -> EmbedReply:
        """Ask the model once; ``timeout`` in seconds covers everything, ``tag`` goes out as ``X-Request-Id``.

        Raises :class:`ModelError`, and :class:`ConfigError` for a model without an endpoint.
        """
        body = {"model": spec.remote_name, "input": list(request.texts), **spec.extra}
        began = time.perf_counter()
        try:
            async with asyncio.timeout(timeout):
                payload = await self._http.json(Call(spec, api_key, timeout, tag), "embeddings", body)
        except TimeoutError as error:
            raise ModelTimeoutError(f"{spec.name} sent no vectors within {timeout:.3g} s") from error
        return _reply(payload, spec, request, time.perf_counter() - began)

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()


def _reply(payload: object, spec: ModelSpec, request: EmbedRequest, seconds: float) -> EmbedReply:
    """What the server said. Raises :class:`BrokenReplyError` where that is not one vector of numbers for each text."""
    if not isinstance(payload, dict):
        raise _broken(spec, "is not a JSON object", payload)
    if payload.get("error") and not payload.get("data"):
        raise error_from_body(payload, spec)
    data = payload.get("data")
    if not isinstance(data, list) or len(data) != len(request.texts):
        raise _broken(spec, f"holds no list of {len(request.texts)}", payload)
    found: dict[int, tuple[float, ...]] = {}
    for place, each in enumerate(data):
        index = each.get("index", place) if isinstance(each, dict) else None
        if not isinstance(index, int) or index in found or not 0 <= index < len(data):
            raise _broken(spec, "does not say which text each vector is of", each)
        found[index] = _vector(each.get("embedding"), spec)
    if len({len(vector) for vector in found.values()}) != 1:
        raise BrokenReplyError(f"the vectors of {spec.name} are not all of one length")
    usage, model = payload.get("usage"), payload.get("model")
    tokens = usage.get("prompt_tokens") if isinstance(usage, dict) else None
    return EmbedReply(
        model=model if isinstance(model, str) and model else spec.remote_name,
        vectors=tuple(found[index] for index in range(len(data))),
        prompt_tokens=tokens if isinstance(tokens, int) and tokens > 0 else request.prompt_bound(),
        seconds=seconds,
    )


def _vector(value: object, spec: ModelSpec) -> tuple[float, ...]:
    if not isinstance(value, list) or not value:
        raise _broken(spec, "has something else than a list of numbers", value)
    for each in value:
        if isinstance(each, bool) or not isinstance(each, int | float) or not math.isfinite(each):
            raise _broken(spec, "has what is no finite number", each)
    return tuple(value)


def _broken(spec: ModelSpec, what: str, value: object) -> BrokenReplyError:
    return BrokenReplyError(f"the embedding of {spec.name} {what}: {excerpt(value)}")
