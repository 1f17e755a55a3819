"""What the fake models answer: chat completions as a pure function of the request body."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain, repeat
from typing import Any

Answer = str | Mapping[str, Any]
"""The text of a choice, or its whole message (``content``, ``reasoning``, ``tool_calls``) with an optional ``finish_reason``.
Requests that ask for log-probabilities are told ``labels``, those of what the reply might have begun with, and ``logprobs``,
those of its tokens: the last one stands for all further tokens, -0.5 for each where there are none."""
ReplyFunction = Callable[[str, int], Answer]
"""From prompt text and sample number to the answer."""
Script = ReplyFunction | Sequence[str]
"""A function, or answers by sample number (repeated from the start where there are fewer)."""


def default_reply(prompt: str, sample: int) -> str:  # noqa: ARG001 - the shape of a ReplyFunction
    """The answer where a test does not care: the same number each time, marked as fake."""
    return f"FAKE reply number {sample}. The answer is \\boxed{{42}}."


def as_function(script: Script) -> ReplyFunction:
    """The reply function that ``script`` stands for."""
    if callable(script):
        return script
    answers = [script] if isinstance(script, str) else list(script)
    return lambda prompt, sample: answers[sample % len(answers)]  # noqa: ARG005 - the shape of a ReplyFunction


def prompt_text(body: Mapping[str, Any]) -> str:
    """The text of every message of a request body, separated by blank lines; a single message is its text."""
    texts = []
    for message in body.get("messages", ()):
        content = message.get("content")
        if isinstance(content, list):
            content = "\n".join(part.get("text", "") for part in content)
        texts.append(content or "")
    return "\n\n".join(texts)


def sample_number(seed: int | None) -> int:
    """The number that a seed of :func:`symposia.core.random.sample_seed` carries in its low ten bits; zero without one."""
    return (seed or 0) & 1023


def completion(
    reply: ReplyFunction, body: Mapping[str, Any], *, model: str, usage: bool = True, cached_tokens: int = 0
) -> dict[str, Any]:
    """The chat completion for ``body``. A token is a word; ``max_tokens`` and ``stop`` are honoured.

    ``usage=False`` leaves the usage out, as some servers do.
    """
    prompt = prompt_text(body)
    first = sample_number(body.get("seed"))
    choices = [_choice(index, _continued(reply, body, first + index), body) for index in range(body.get("n") or 1)]
    payload: dict[str, Any] = {"id": "chatcmpl-fake", "object": "chat.completion", "created": 0, "model": model}
    if usage:
        prompt_tokens = len(prompt.split())
        completion_tokens = sum(count for _, count in choices)
        payload["usage"] = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
            "prompt_tokens_details": {"cached_tokens": min(cached_tokens, prompt_tokens)},
        }
    return payload | {"choices": [choice for choice, _ in choices]}


def chunks(payload: Mapping[str, Any], *, include_usage: bool) -> Iterator[dict[str, Any]]:
    """The chunks in which ``payload`` is streamed: word by word, the choices in turn, the usage last."""
    head = {"id": payload["id"], "object": "chat.completion.chunk", "created": 0, "model": payload["model"]}
    for choice in payload["choices"]:
        message, index = choice["message"], choice["index"]
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        for field in ("reasoning", "reasoning_content", "refusal", "content"):
            deltas += [{field: token} for token in _tokens(message.get(field) or "")]
        calls = message.get("tool_calls") or ()
        deltas += [{"tool_calls": [{"index": place, **call}]} for place, call in enumerate(calls)]
        for delta in deltas:
            yield head | {"choices": [{"index": index, "delta": delta, "finish_reason": None}]}
        last = {"index": index, "delta": {}, "finish_reason": choice["finish_reason"], "stop_reason": choice["stop_reason"]}
        yield head | {"choices": [last | {"logprobs": choice.get("logprobs")}]}
    if include_usage and "usage" in payload:
        yield head | {"choices": [], "usage": payload["usage"]}


def _choice(index: int, answer: Answer, body: Mapping[str, Any]) -> tuple[dict[str, Any], int]:
    """A choice and the number of its tokens."""
    message = as_message(answer)
    finish = message.pop("finish_reason", "tool_calls" if message.get("tool_calls") else "stop")
    labels, logprobs = message.pop("labels", {}), message.pop("logprobs", (-0.5,))
    text, stop = cut_at_stop(message.get("content") or "", body)
    tokens, limit = _tokens(text), body.get("max_tokens") or 1 << 30
    thought = len(_tokens(message.get("reasoning") or ""))
    if len(tokens) + thought > limit:
        tokens, finish, stop = tokens[: max(0, limit - thought)], "length", None
    if message.get("content") is not None:
        message["content"] = "".join(tokens)
    choice: dict[str, Any] = {"index": index, "message": {"role": "assistant", **message}, "finish_reason": finish}
    choice["stop_reason"] = stop
    if body.get("logprobs"):
        values = chain(logprobs, repeat(logprobs[-1]))
        content = [{"token": token, "logprob": value, "top_logprobs": []} for token, value in zip(tokens, values, strict=False)]
        first = [{"token": label, "logprob": value} for label, value in labels.items()]
        choice["logprobs"] = {"content": [content[0] | {"top_logprobs": first}, *content[1:]] if content else []}
    return choice, min(limit, len(tokens) + thought)


def cut_at_stop(text: str, body: Mapping[str, Any]) -> tuple[str, str | None]:
    """``text`` up to the first stop string, and that string; kept at the end where the request wants it."""
    stops = [body["stop"]] if isinstance(body.get("stop"), str) else body.get("stop") or ()
    places = sorted((text.find(stop), stop) for stop in stops if stop in text)
    if not places:
        return text, None
    place, stop = places[0]
    return text[: place + (len(stop) if body.get("include_stop_str_in_output") else 0)], stop


def _continued(reply: ReplyFunction, body: Mapping[str, Any], sample: int) -> Answer:
    """The reply; of one that continues an unfinished answer, what the script's whole answer holds after it."""
    if not body.get("continue_final_message"):
        return reply(prompt_text(body), sample)
    *messages, unfinished = body["messages"]
    whole = reply(prompt_text({"messages": messages}), sample)
    return rest_of(whole, unfinished["content"])


def rest_of(whole: Answer, begun: str) -> dict[str, Any]:
    """What is left of a scripted answer after ``begun``; the whole where it does not begin so."""
    message = as_message(whole)
    return message | {"content": (message.get("content") or "").removeprefix(begun)}


def as_message(answer: Answer) -> dict[str, Any]:
    """The answer as a message of its own to change."""
    return {"content": answer} if isinstance(answer, str) else dict(answer)


def _tokens(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+\Z", text)
