"""Chat completions on the wire: core types to JSON, JSON to core types. Shared by every transport.

Parsing is strict where a mistake could become an answer: a payload without choices, or with fields of a wrong type, raises
:class:`BrokenReplyError` and never turns into an empty text. It is lenient only about accounting: a reply whose usage cannot
be read keeps its text and is charged its upper bounds (``usage_estimated``).
"""

from __future__ import annotations

import math
import re
from typing import Any

from ..core.calls import ChatRequest, Choice, FinishReason, Reply
from ..core.errors import BrokenReplyError
from ..core.model_spec import Ability, ModelSpec
from ..core.problem import Message, ToolCall, ToolFunction
from .http_errors import error_for, error_from_body, excerpt, redact

__all__ = ["body", "error_for", "excerpt", "redact", "reply", "split_thinking"]

_FINISH = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "content_filter": FinishReason.FILTER,
}
_THINK = re.compile(r"\s*<think>(.*?)(?:</think>\s*|\Z)", re.DOTALL)
_THINK_END = "</think>"


def body(spec: ModelSpec, request: ChatRequest, *, stream: bool) -> dict[str, Any]:
    """The JSON body of ``/v1/chat/completions``.

    ``spec.extra`` and then ``request.extra`` are merged in last and win. ``seed`` is sent only to models with that ability.
    With ``stream`` the server is asked to report usage at the end of the stream.
    """
    fields: dict[str, Any] = {
        "model": spec.remote_name,
        "messages": [_message(message) for message in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
    }
    if request.n > 1:
        fields["n"] = request.n
    if request.stop:
        fields["stop"] = list(request.stop)
    if request.seed is not None and Ability.SEED in spec.abilities:
        fields["seed"] = request.seed
    if request.effort is not None:
        fields["reasoning_effort"] = request.effort
    if stream:
        fields["stream"] = True
        fields["stream_options"] = {"include_usage": True}
    fields.update(spec.extra)
    fields.update(request.extra)
    return fields


def reply(payload: object, spec: ModelSpec, request: ChatRequest, seconds: float) -> Reply:
    """Read a chat completion.

    Choices are ordered by their index; of more than ``request.n`` the first are kept, fewer are taken as they are. Raises
    :class:`BrokenReplyError` for anything that is no chat completion, and the error of the tree where the payload is an
    error object sent with status 200.
    """
    if not isinstance(payload, dict):
        raise _broken(spec, "is not a JSON object", payload)
    choices = payload.get("choices")
    if not choices and payload.get("error"):
        raise error_from_body(payload, spec)
    if not isinstance(choices, list) or not choices:
        raise _broken(spec, "holds no choices", payload)
    numbered = [(_index(item, position, spec), item) for position, item in enumerate(choices)]
    numbered.sort(key=lambda pair: pair[0])
    model = payload.get("model")
    usage = _usage(payload.get("usage"))
    return Reply(
        model=model if isinstance(model, str) and model else spec.remote_name,
        choices=tuple(_choice(item, spec) for _, item in numbered[: request.n]),
        prompt_tokens=request.prompt_bound() if usage is None else usage[0],
        cached_tokens=0 if usage is None else usage[1],
        completion_tokens=request.n * request.max_tokens if usage is None else usage[2],
        usage_estimated=usage is None,
        seconds=seconds,
    )


def split_thinking(content: str) -> tuple[str, str]:
    """Thinking and text of ``content``.

    Thinking is a leading ``<think>…</think>`` block; one that is never closed is all thinking. Where a model's template opens
    the block in the prompt, only the closing mark is in the content: what stands before it is thinking too.
    """
    opened = _THINK.match(content)
    if opened is not None:
        return opened[1].strip(), content[opened.end() :]
    before, mark, after = content.partition(_THINK_END)
    return (before.strip(), after.lstrip()) if mark else ("", content)


def _message(message: Message) -> dict[str, object]:
    # The plain message is nearly every message, and dumping a pydantic model costs ten times as much as this.
    if isinstance(message.content, str) and not message.tool_calls and message.name is None and message.tool_call_id is None:
        return {"role": message.role, "content": message.content}
    return message.wire()


def _index(item: object, position: int, spec: ModelSpec) -> int:
    if not isinstance(item, dict):
        raise _broken(spec, "holds a choice that is not an object", item)
    index = item.get("index")
    return index if isinstance(index, int) else position


def _choice(item: dict[str, Any], spec: ModelSpec) -> Choice:
    message = item.get("message")
    if not isinstance(message, dict):
        raise _broken(spec, "holds a choice without a message", item)
    content = message.get("content")
    if content is not None and not isinstance(content, str):
        raise _broken(spec, "holds a content that is not text", content)
    thinking = message.get("reasoning") or message.get("reasoning_content") or ""
    if not isinstance(thinking, str):
        raise _broken(spec, "holds a reasoning that is not text", thinking)
    text = content or ""
    if not thinking:
        thinking, text = split_thinking(text)
    return Choice(
        text=text,
        thinking=thinking,
        finish_reason=_FINISH.get(str(item.get("finish_reason")), FinishReason.OTHER),
        tool_calls=_tool_calls(message.get("tool_calls"), spec),
        logprob=_logprob(item.get("logprobs")),
    )


def _tool_calls(calls: object, spec: ModelSpec) -> tuple[ToolCall, ...]:
    if not calls:
        return ()
    if not isinstance(calls, list):
        raise _broken(spec, "holds tool calls that are not a list", calls)
    found = []
    for position, call in enumerate(calls):
        function = call.get("function") if isinstance(call, dict) else None
        name = function.get("name") if isinstance(function, dict) else None
        arguments = function.get("arguments") if isinstance(function, dict) else None
        if not isinstance(name, str) or not isinstance(arguments, str | None):
            raise _broken(spec, "holds a tool call that cannot be read", call)
        # Some servers send no id; one that names the place is as good, since ids only tie a result to its call.
        name_of_call = str(call.get("id") or f"call_{position}")
        found.append(ToolCall(id=name_of_call, function=ToolFunction(name=name, arguments=arguments or "")))
    return tuple(found)


def _logprob(logprobs: object) -> float | None:
    content = logprobs.get("content") if isinstance(logprobs, dict) else None
    if not isinstance(content, list) or not content:
        return None
    values = [token.get("logprob") if isinstance(token, dict) else None for token in content]
    if not all(isinstance(value, int | float) for value in values):
        return None
    total = math.fsum(values)  # type: ignore[arg-type]  # checked in the line above
    return total if math.isfinite(total) else None


def _usage(usage: object) -> tuple[int, int, int] | None:
    """Prompt, cached and completion tokens, or None where they cannot be read."""
    if not isinstance(usage, dict):
        return None
    prompt, completion = _count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens"))
    if prompt is None or completion is None:
        return None
    details = usage.get("prompt_tokens_details")
    cached = _count(details.get("cached_tokens")) if isinstance(details, dict) else None
    return prompt, min(cached or 0, prompt), completion


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _broken(spec: ModelSpec, what: str, payload: object) -> BrokenReplyError:
    return BrokenReplyError(f"the reply of {spec.name} {what}: {excerpt(payload)}")
