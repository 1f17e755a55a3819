"""Models behind LiteLLM: the only module that imports it, in a thread and on first use, since that takes five seconds.

Servers with an ``endpoint`` and no LiteLLM id go through ``hosted_vllm/`` with the same body as the direct transport sends, over
our own connections (:mod:`.httpx_bridge`). Other providers take LiteLLM's parameters and connections. Two things LiteLLM makes
up are found out: usage that nobody sent (zeros in a plain reply, its own count in a stream), and the end of a stream that broke
off. What cannot be had through it: ``finish_reason`` is ``stop`` where the server named none.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, NamedTuple

import aiohttp

from ..core.calls import ChatRequest, Reply
from ..core.errors import (
    BrokenReplyError,
    ConfigError,
    ContextLengthError,
    ModelError,
    ModelTimeoutError,
    UnreachableError,
)
from ..core.model_spec import ModelSpec
from ..core.protocols import OnText
from . import wire
from .http_errors import error_for, excerpt
from .http_session import connection_error
from .streaming import Assembly

if TYPE_CHECKING:
    from types import ModuleType

_HOSTED = "hosted_vllm/"
_NO_KEY = "none"
"""LiteLLM wants a key even where the server needs none."""
_BEFORE_IMPORT = {
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # else the import fetches a price list from the network
    "AIOHTTP_CONNECTOR_LIMIT": "0",  # no cap on connections: the gateway sets the limits
    "AIOHTTP_CONNECTOR_LIMIT_PER_HOST": "0",
}


class _Loaded(NamedTuple):
    """LiteLLM, httpx, and LiteLLM's HTTP handler over our own connections."""

    litellm: ModuleType
    httpx: ModuleType
    client: Any


class LiteLLMTransport:
    """One attempt through ``litellm.acompletion``; see the module's docstring.

    With ``on_text`` a single sample is streamed. Several samples are not: LiteLLM's stream loses the ends of all but one, so
    the text of each is told when it is complete.
    """

    def __init__(self) -> None:
        self._loading: Future[_Loaded] | None = None
        self._used_own_clients = False

    async def complete(
        self, spec: ModelSpec, request: ChatRequest, *, api_key: str | None, timeout: float, tag: str, on_text: OnText | None
    ) -> Reply:
        """Send one chat completion; see :class:`~symposia.core.protocols.Transport`.

        ``timeout`` does not cover importing LiteLLM: a call that was never sent must not look like one that was. Raises
        :class:`ModelError`, and :class:`ConfigError` where LiteLLM cannot be imported.
        """
        loaded = await self._load()
        stream = on_text is not None and request.n == 1
        arguments = self._arguments(loaded, spec, request, api_key, stream=stream)
        arguments |= {"timeout": timeout + 1, "extra_headers": {"X-Request-Id": tag}}  # ours ends first
        outer = sys.exception()  # what the caller is handling is in no error of this call's a cause
        began = time.perf_counter()
        try:
            async with asyncio.timeout(timeout):
                response = await loaded.litellm.acompletion(**arguments)
                payload = await _assemble(response, spec, on_text) if stream and on_text else _plain(response)
        except ModelError:
            raise
        except Exception as error:  # the boundary: LiteLLM raises its own, openai's, httpx' and builtin errors
            raise _translate(list(_chain(error, outer)), loaded, spec, timeout, api_key) from error
        reply = wire.reply(payload, spec, request, time.perf_counter() - began)
        if on_text is not None and not stream:
            for index, choice in enumerate(reply.choices):
                on_text(index, choice.text)
        return reply

    async def close(self) -> None:
        """Close our connections and, where a provider of LiteLLM's was called, LiteLLM's own."""
        if self._loading is None or not self._loading.done() or self._loading.exception() is not None:
            return  # nothing was ever opened
        loaded = self._loading.result()
        await loaded.client.close()
        if self._used_own_clients:
            await loaded.litellm.close_litellm_async_clients()

    async def _load(self) -> _Loaded:
        if self._loading is None:
            self._loading = ThreadPoolExecutor(max_workers=1, thread_name_prefix="import-litellm").submit(_import)
        try:
            if self._loading.done():
                return self._loading.result()
            # Shielded: one cancelled call must not cancel the import that others wait for.
            return await asyncio.shield(asyncio.wrap_future(self._loading))
        except ImportError as error:
            raise ConfigError(f"LiteLLM cannot be imported: {error}", hint="set transport = 'direct' for the model") from error

    def _arguments(
        self, loaded: _Loaded, spec: ModelSpec, request: ChatRequest, api_key: str | None, *, stream: bool
    ) -> dict[str, Any]:
        body = wire.body(spec, request, stream=stream)
        model = spec.litellm or f"{_HOSTED}{body['model']}"
        arguments: dict[str, Any] = {"model": model, "messages": body.pop("messages"), "num_retries": 0, "max_retries": 0}
        if stream:
            arguments |= {"stream": body.pop("stream"), "stream_options": body.pop("stream_options")}
        if spec.endpoint is not None:
            arguments["api_base"] = spec.endpoint
        if api_key is not None or spec.endpoint is not None:
            arguments["api_key"] = api_key or _NO_KEY  # without an endpoint LiteLLM finds the provider's key itself
        del body["model"]
        if model.startswith(_HOSTED):
            # As they are: what LiteLLM does not know it would drop, what it does know it would rename.
            return arguments | {"extra_body": body, "client": loaded.client}
        self._used_own_clients = True
        if body["top_p"] == 1:
            del body["top_p"]  # the default everywhere, and some providers refuse it beside a temperature
        return arguments | body


def _import() -> _Loaded:
    """Import LiteLLM, quietly unless the host has imported it before. Runs in a thread."""
    hosted = "litellm" in sys.modules
    for name, value in _BEFORE_IMPORT.items():
        os.environ.setdefault(name, value)
    import httpx  # noqa: PLC0415 - with LiteLLM, on first use
    import litellm  # noqa: PLC0415
    from litellm.llms.custom_httpx.http_handler import AsyncHTTPHandler  # noqa: PLC0415

    from .httpx_bridge import AiohttpBridge  # noqa: PLC0415

    if not hosted:
        litellm.suppress_debug_info = True
        for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
            # What it has to say is in the errors it raises; printed, it would run across a progress display.
            logger = logging.getLogger(name)
            logger.handlers = [logging.NullHandler()]
    return _Loaded(litellm, httpx, AsyncHTTPHandler(transport=AiohttpBridge()))


def _plain(response: Any) -> dict[str, Any]:
    payload: dict[str, Any] = response.model_dump()
    usage = payload.get("usage") or {}
    if not usage.get("prompt_tokens") and not usage.get("completion_tokens"):
        payload["usage"] = None  # LiteLLM writes zeros where the server told none
    return payload


async def _assemble(stream: Any, spec: ModelSpec, on_text: OnText) -> dict[str, Any]:
    """Put a stream together, and check it against what the server really sent."""
    assembly = Assembly(spec, on_text)
    async with contextlib.aclosing(stream):
        async for chunk in stream:
            fields = chunk.model_dump()
            # One sample was asked for; of any further one LiteLLM loses the end.
            fields["choices"] = [choice for choice in fields["choices"] if choice["index"] == 0]
            assembly.feed(fields)
    payload = assembly.payload()
    if not stream.received_finish_reason or not any(map(_says_something, payload["choices"])):
        # LiteLLM ends every stream with "stop", the one that broke off and the one without any choice too.
        raise BrokenReplyError(f"the streamed reply of {spec.name} broke off, or was empty")
    if not any(getattr(chunk, "usage", None) for chunk in stream.chunks):
        payload["usage"] = None  # what the last chunk tells then is LiteLLM's own count
    return payload


def _says_something(choice: dict[str, Any]) -> bool:
    return any(choice["message"].values())


def _translate(causes: list[BaseException], loaded: _Loaded, spec: ModelSpec, timeout: float, secret: str | None) -> ModelError:
    """What an error out of LiteLLM means, given with its causes: by the cause where that is known, else by LiteLLM's class."""
    for cause in causes:
        if isinstance(cause, aiohttp.ClientError | OSError):  # asyncio's time-out is an OSError too
            return connection_error(cause, spec, timeout, secret)
    of_httpx = _httpx_error(causes, loaded.httpx, spec, secret)
    if of_httpx is not None:
        return of_httpx
    litellm = loaded.litellm
    if any(isinstance(cause, litellm.Timeout) for cause in causes):
        return ModelTimeoutError(f"{spec.name} sent no complete reply within {timeout:.3g} s")
    status, headers, text = _refusal(causes, loaded.httpx)
    if isinstance(causes[0], litellm.ContextWindowExceededError):
        said = error_for(status or 400, {}, text, spec, secret=secret).message
        return ContextLengthError(said, hint="shorten the prompt or lower max_tokens")
    if status is not None:
        return error_for(status, headers, text, spec, secret=secret)
    return BrokenReplyError(f"{spec.name} sent what is no reply: {excerpt(text, secret)}")


def _httpx_error(causes: list[BaseException], httpx: ModuleType, spec: ModelSpec, secret: str | None) -> ModelError | None:
    """What an error of httpx' own connections means: those of providers that do not go over the bridge."""
    for cause in causes:
        said = excerpt(str(cause), secret)
        if isinstance(cause, httpx.ConnectError | httpx.ConnectTimeout):
            return UnreachableError(f"nobody answers for {spec.name}: {said}")
        if isinstance(cause, httpx.TimeoutException):
            return ModelTimeoutError(f"{spec.name} sent no complete reply in time")
        if isinstance(cause, httpx.TransportError):
            return BrokenReplyError(f"the connection to {spec.name} broke off: {said}")
    return None


def _refusal(causes: list[BaseException], httpx: ModuleType) -> tuple[int | None, dict[str, str], str]:
    """Status, headers and body of the provider's answer, the status None where it refused nothing.

    The first cause holds the answer untouched. Where there is none, LiteLLM refused the call itself or read the status in a
    body sent with 200; the status of what it cannot make out is 500.
    """
    for cause in reversed(causes):
        response: Any = getattr(cause, "response", None)
        if not _is_refusal(response, httpx):
            continue
        try:
            text = response.text
        except httpx.ResponseNotRead:
            text = str(getattr(cause, "message", cause))
        return response.status_code, dict(response.headers), text
    status = getattr(causes[0], "status_code", None)
    refused = isinstance(status, int) and 400 <= status < 600 and status != 500
    return status if refused else None, {}, str(getattr(causes[0], "message", causes[0]))


def _is_refusal(response: Any, httpx: ModuleType) -> bool:
    if not isinstance(response, httpx.Response) or not isinstance(response.status_code, int):
        return False
    return response.status_code >= 400 and bool(response.headers)  # what LiteLLM makes up has no headers


def _chain(error: BaseException, outer: BaseException | None) -> Iterator[BaseException]:
    """An error and its causes, down to what was being handled before the call."""
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and cause is not outer and id(cause) not in seen:
        seen.add(id(cause))
        yield cause
        cause = cause.__cause__ or cause.__context__
