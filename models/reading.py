"""A chat completion's reply, read into core types. Shared by every transport; :mod:`.wire` is the other direction.

Reading is strict where a mistake could become an answer: a payload without choices, or with fields of a wrong type, raises
:class:`BrokenReplyError` and never turns into an empty text. It is lenient only about what is beside the answer: a reply whose
usage cannot be read keeps its text and is charged its upper bounds (``usage_estimated``).
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..core.calls import ChatRequest, Choice, Fidelity, FinishReason, Reply
from ..core.errors import BrokenReplyError
from ..core.model_spec import ModelSpec
from ..core.problem import ToolCall, ToolFunction
from ..core.thinking import split_thinking
from . import logprobs
from .http_errors import error_from_body, excerpt

_FINISH = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "model_length": FinishReason.LENGTH,  # Mistral: the context is full
    "model_context_window_exceeded": FinishReason.LENGTH,  # Anthropic, Z.ai
    "insufficient_system_resource": FinishReason.LENGTH,  # DeepSeek: cut for lack of capacity
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.FILTER,
    "refusal": FinishReason.FILTER,
    "sensitive": FinishReason.FILTER,  # Z.ai
}
_FAILED = {"error", "network_error"}
"""What OpenRouter, Mistral and Z.ai say of a text that broke off at the provider's."""


class Counts(NamedTuple):
    """Tokens as a server counts them."""

    prompt: int
    cached: int
    completion: int
    thinking: int


def reply(payload: object, spec: ModelSpec, request: ChatRequest, seconds: float) -> Reply:
    """Read a chat completion.

    Choices are ordered by their index; of more than ``request.n`` the first are kept, fewer are taken as they are. Raises
    :class:`BrokenReplyError` for anything that is no chat completion, and the error of the tree where the payload is an
    error object sent with status 200.
    """
    items = choices_of(payload, spec)
    assert isinstance(payload, dict)  # noqa: S101 - by the line above
    told = counts(payload.get("usage"))
    model = payload.get("model")
    return Reply(
        model=model if isinstance(model, str) and model else spec.remote_name,
        choices=tuple(_choice(item, spec, request) for item in items[: request.n]),
        **charges(told, request),
        prompt_logprobs=logprobs.of_prompt(payload.get("prompt_logprobs")) if request.prompt_logprobs else (),
        fidelity=None if request.prefix is None else Fidelity.CHAT,
        seconds=seconds,
    )


def choices_of(payload: object, spec: ModelSpec) -> list[dict[str, Any]]:
    """The choices of a completion, chat or text, by index. Raises as :func:`reply` does."""
    if not isinstance(payload, dict):
        raise broken(spec, "is not a JSON object", payload)
    choices = payload.get("choices")
    if not choices and payload.get("error"):
        raise error_from_body(payload, spec)
    if not isinstance(choices, list) or not choices:
        raise broken(spec, "holds no choices", payload)
    numbered = [(_index(item, position, spec), item) for position, item in enumerate(choices)]
    numbered.sort(key=lambda pair: pair[0])
    return [item for _, item in numbered]


def charges(told: Counts | None, request: ChatRequest) -> dict[str, Any]:
    """What a reply says of its cost, as fields of :class:`Reply`; upper bounds where the server told nothing."""
    if told is None:
        bound = request.n * request.max_tokens
        return {"prompt_tokens": request.prompt_bound(), "completion_tokens": bound, "usage_estimated": True}
    return {
        "prompt_tokens": told.prompt,
        "cached_tokens": told.cached,
        "completion_tokens": told.completion,
        "thinking_tokens": told.thinking,
    }


def counts(usage: object) -> Counts | None:
    """What ``usage`` says, or None where it cannot be read.

    Some APIs (Gemini, xAI) leave thinking out of ``completion_tokens`` and count it in ``total_tokens`` only: what is billed is
    the difference to the prompt.
    """
    if not isinstance(usage, dict):
        return None
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    completion = max(completion, (_count(usage.get("total_tokens")) or 0) - prompt)
    cached = _detail(usage, "prompt_tokens_details", "cached_tokens")
    if cached is None:  # DeepSeek's and Moonshot's own fields
        cached = _count(usage.get("prompt_cache_hit_tokens")) or _count(usage.get("cached_tokens"))
    thinking = _detail(usage, "completion_tokens_details", "reasoning_tokens")
    return Counts(prompt, min(cached or 0, prompt), completion, min(thinking or 0, completion))


def finish_reason(said: object) -> FinishReason:
    """Why a choice ended, in our words."""
    return _FINISH.get(str(said), FinishReason.OTHER)


def broken(spec: ModelSpec, what: str, payload: object) -> BrokenReplyError:
    """The error for a reply that cannot be read, with an excerpt of it."""
    return BrokenReplyError(f"the reply of {spec.name} {what}: {excerpt(payload)}")


def _index(item: object, position: int, spec: ModelSpec) -> int:
    if not isinstance(item, dict):
        raise broken(spec, "holds a choice that is not an object", item)
    index = item.get("index")
    return index if isinstance(index, int) else position


def _choice(item: dict[str, Any], spec: ModelSpec, request: ChatRequest) -> Choice:
    message = item.get("message")
    if not isinstance(message, dict):
        raise broken(spec, "holds a choice without a message", item)
    if item.get("error") or str(item.get("finish_reason")) in _FAILED:
        raise broken(spec, "ended with an error", item.get("error") or item)
    text, thinking = _texts(message, spec, request)
    ended, refusal, tool_calls = finish_reason(item.get("finish_reason")), _refusal(message, spec), message.get("tool_calls")
    if ended is FinishReason.FILTER or refusal:
        # What stood there before the filter stopped it is no answer, and must not be taken for one further on.
        text, refusal, tool_calls = "", refusal or text, None
    stop = item.get("stop_reason")
    tokens = logprobs.of_chat(item.get("logprobs")) if request.logprobs is not None or request.labels else ()
    return Choice(
        text=text,
        thinking=thinking,
        refusal=refusal,
        finish_reason=ended,
        stop=stop if isinstance(stop, str) and stop in request.stop else None,
        tool_calls=_tool_calls(tool_calls, spec),
        logprob=logprobs.total(item.get("logprobs")),
        logprobs=tokens if request.logprobs is not None else (),
        labels=logprobs.labels(request.labels, tokens[0] if tokens else None),
    )


def _texts(message: dict[str, Any], spec: ModelSpec, request: ChatRequest) -> tuple[str, str]:
    """Text and thinking. What continues an answer stays raw: the marks of thinking may stand in another piece of it."""
    text, thinking = content_of(message, spec)
    if request.prefix is not None:
        if spec.engine == "llama.cpp":  # which repeats what it continues
            text = text.removeprefix(request.prefix.text)
        return text, thinking
    if not thinking:
        thinking, text = split_thinking(text)
    return text, thinking


def content_of(message: dict[str, Any], spec: ModelSpec) -> tuple[str, str]:
    """Text and thinking of a message, or of a piece of one, as its fields tell them. Raises :class:`BrokenReplyError`."""
    content, in_parts = message.get("content") or "", ""
    if isinstance(content, list):  # Mistral's and Anthropic's way: the answer in typed parts, thinking among them
        content, in_parts = _parts(content, spec)
    if not isinstance(content, str):
        raise broken(spec, "holds a content that is not text", content)
    thinking = message.get("reasoning") or message.get("reasoning_content") or in_parts
    if not isinstance(thinking, str):
        raise broken(spec, "holds a reasoning that is not text", thinking)
    return content, thinking


def _parts(parts: list[Any], spec: ModelSpec) -> tuple[str, str]:
    texts: list[str] = []
    thoughts: list[str] = []
    for part in parts:
        match part:
            case {"type": "text", "text": str(text)}:
                texts.append(text)
            case {"type": "thinking", "thinking": str(text)}:
                thoughts.append(text)
            case {"type": "thinking", "thinking": [*inner]}:
                thoughts.append(_parts(inner, spec)[0])
            case _:
                raise broken(spec, "holds a part that is neither text nor thinking", part)
    return "".join(texts), "".join(thoughts)


def _refusal(message: dict[str, Any], spec: ModelSpec) -> str:
    refusal = message.get("refusal") or ""
    if not isinstance(refusal, str):
        raise broken(spec, "holds a refusal that is not text", refusal)
    return refusal


def _tool_calls(calls: object, spec: ModelSpec) -> tuple[ToolCall, ...]:
    if not calls:
        return ()
    if not isinstance(calls, list):
        raise broken(spec, "holds tool calls that are not a list", calls)
    found = []
    for position, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        arguments = function.get("arguments") if isinstance(function, dict) else None
        if not isinstance(name, str) or not isinstance(arguments, str | None):
            raise broken(spec, "holds a tool call that cannot be read", call)
        # Some servers send no id; one that names the place is as good, since ids only tie a result to its call.
        name_of_call = str(call.get("id") or f"call_{position}")
        found.append(ToolCall(id=name_of_call, function=ToolFunction(name=name, arguments=arguments or "")))
    return tuple(found)


def _detail(usage: dict[str, Any], group: str, name: str) -> int | None:
    details = usage.get(group)
    return _count(details.get(name)) if isinstance(details, dict) else None


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
