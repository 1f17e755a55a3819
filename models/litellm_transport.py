"""Models behind LiteLLM: the only module that imports it, in a thread and on first use, since that takes five seconds.

Servers with an ``endpoint`` and no LiteLLM id go through ``hosted_vllm/`` with the same body as the direct transport sends, over
our own connections (:mod:`.httpx_bridge`). Other providers take LiteLLM's parameters, as far as the model takes them
(:func:`.providers.fit`), and LiteLLM's connections. Two things that LiteLLM makes up are found out: a usage of zeros that nobody
sent, and ``stop`` for ends that it does not know, errors among them.

What cannot be had through it:

* why a choice ended, where the server named no reason (``stop``; of Gemini's streams every piece ends so), where Claude's context
  was full, and in a stream where LiteLLM does not know the reason, ``error`` among them (``stop`` too);
* which stop string ended a reply of Claude; what Claude said in refusing beside ``content_filter``; ids of Gemini's tool calls;
* the server's own count of thinking tokens for Claude, where it gives none: LiteLLM counts the text it saw;
* the order of samples that came with other indices than their places.

An effort for Mistral's Magistral becomes a system text of LiteLLM's, put before the request's own.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
import time
from collections.abc import Iterator, Mapping
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
from . import reading, wire
from .http_errors import error_for, excerpt
from .http_session import connection_error
from .providers import fit
from .streaming import Assembly

if TYPE_CHECKING:
    from types import ModuleType

_HOSTED = "hosted_vllm/"
_NO_KEY = "none"
"""LiteLLM wants a key even where the server needs none."""
_STOPPED = {"stop", "end_turn", "stop_sequence", "eos", "eos_token", "complete", "completed"}
"""What providers say of a text that ended by itself, or at a stop string."""
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
    """One attempt through ``litellm.acompletion``; see the module's docstring."""

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
        stream = on_text is not None and not request.prompt_logprobs  # which no server streams
        assembly = Assembly(spec, on_text or _ignore)
        outer = sys.exception()  # what the caller is handling is in no error of this call's a cause
        began = time.perf_counter()
        try:
            arguments = _arguments(loaded, spec, request, api_key, stream=stream)
            arguments |= {"timeout": timeout + 1, "extra_headers": {"X-Request-Id": tag}}  # ours ends first
            self._used_own_clients |= "client" not in arguments
            async with asyncio.timeout(timeout):
                response = await loaded.litellm.acompletion(**arguments)
                payload = await _assemble(response, assembly) if stream else _plain(response)
        except ModelError:
            raise
        except Exception as error:  # the boundary: LiteLLM raises its own, openai's, httpx' and builtin errors
            meant = _translate(list(_chain(error, outer)), loaded, spec, timeout, api_key)
            # What a stream told before its error is billed, whatever status the error names.
            raise BrokenReplyError(meant.message) if assembly.begun and not meant.billed else meant from error
        return reading.reply(payload, spec, request, time.perf_counter() - began)

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


def _arguments(loaded: _Loaded, spec: ModelSpec, request: ChatRequest, api_key: str | None, *, stream: bool) -> dict[str, Any]:
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
    if body.pop("continue_final_message", False):
        del body["add_generation_prompt"]
        arguments["messages"][-1]["prefix"] = True  # as Anthropic, DeepSeek and Mistral have it through LiteLLM
    body.pop("include_stop_str_in_output", None)
    if body["top_p"] == 1:
        del body["top_p"]  # the default everywhere, and some providers refuse it beside a temperature
    return arguments | _for_provider(loaded.litellm, model, body)


def _for_provider(litellm: ModuleType, model: str, body: dict[str, Any]) -> dict[str, Any]:
    """The body as the model takes it. An effort goes out even to a model of which LiteLLM does not know that it takes one."""
    name, provider, *_ = litellm.get_llm_provider(model)
    allowed = ["reasoning_effort"]

    def translate(fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
        try:
            made: dict[str, Any] = litellm.get_optional_params(
                model=name, custom_llm_provider=provider, allowed_openai_params=allowed, **fields
            )
        except litellm.UnsupportedParamsError:
            return None
        return made

    fitted = fit(model, body, translate)
    known = litellm.get_supported_openai_params(name, provider) or ()  # which lags behind the providers
    if "reasoning_effort" in fitted and "reasoning_effort" not in known:
        fitted["allowed_openai_params"] = allowed
    return fitted


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
    for choice in payload.get("choices") or ():
        # LiteLLM keeps here what its own types have no field for.
        further = choice.get("provider_specific_fields") or {}
        choice.update(further)
        native = further.get("native_finish_reason")
        if choice.get("finish_reason") == "stop" and native is not None and str(native).lower() not in _STOPPED:
            choice["finish_reason"] = native  # LiteLLM says "stop" for errors too, and for whatever it does not know
        message = choice.get("message") or {}
        message.setdefault("refusal", (message.get("provider_specific_fields") or {}).get("refusal"))
    usage = payload.get("usage") or {}
    if not usage.get("prompt_tokens") and not usage.get("completion_tokens"):
        payload["usage"] = None  # LiteLLM writes zeros where the server told none
    return payload


async def _assemble(stream: Any, assembly: Assembly) -> dict[str, Any]:
    """Put a stream together from what the provider sent, as LiteLLM's adapter for it reads it.

    The stream that LiteLLM makes of that ends with "stop" whatever happened, counts tokens itself, takes every stream of Gemini
    for unfinished, and loses refusals, stop strings and the ends of all samples but one.
    """
    generic = False
    async with contextlib.aclosing(stream):
        pieces: Any = stream.completion_stream
        if pieces is None:  # the request is not sent yet
            pieces = await stream.fetch_stream()
        async for chunk in pieces:
            if chunk is None:  # a line without a meaning
                continue
            if not isinstance(chunk, dict):
                assembly.feed(chunk.model_dump())
                continue
            # Adapters that read into the form of OpenAI send such chunks too, with nothing in them, for comments and "[DONE]".
            generic = generic or bool(chunk.get("text") or chunk.get("tool_use") or chunk.get("usage"))
            if generic:
                assembly.feed(_generic(chunk))
    return assembly.payload()


def _generic(chunk: dict[str, Any]) -> dict[str, Any]:
    """LiteLLM's own kind of chunk, of adapters that do not read into the form of OpenAI, in that form."""
    delta = {"content": chunk.get("text"), "tool_calls": [chunk["tool_use"]] if chunk.get("tool_use") else None}
    finish = chunk.get("finish_reason") if chunk.get("is_finished") else None
    return {"choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": chunk.get("usage")}


def _ignore(_: int, __: str) -> None:
    """Nobody listens."""


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
