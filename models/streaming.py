"""A streamed chat completion put together again: chunks in, the payload of the plain form out.

What comes out goes through the same parser as a reply that was not streamed, so that both mean the same. A choice that the
stream never finished makes the whole reply broken: a text cut off by a lost connection must not pass for an answer.
"""

from __future__ import annotations

from typing import Any

from ..core.errors import BrokenReplyError
from ..core.model_spec import ModelSpec
from ..core.protocols import OnText
from ..core.thinking import LiveText
from .http_errors import error_from_body, excerpt
from .reading import content_of


class Assembly:
    """Collects the chunks of one reply. ``on_text`` hears of every piece of text, thinking left out.

    Counts of tokens only grow in a stream: of each, the largest told is taken (Anthropic tells those of the prompt first).
    """

    def __init__(self, spec: ModelSpec, on_text: OnText) -> None:
        self._spec = spec
        self._on_text = on_text
        self._choices: dict[int, _Partial] = {}
        self._model: object = None
        self._usage: object = None

    def feed(self, chunk: object) -> None:
        """Take one chunk. Raises :class:`BrokenReplyError` for what is none, the error it means for an error object."""
        if not isinstance(chunk, dict):
            raise self._broken("holds a chunk that is not an object", chunk)
        choices = chunk.get("choices")
        if chunk.get("error") and self.begun:  # what came before it is billed, whatever status the error names
            raise self._broken("broke off with an error", chunk["error"])
        if chunk.get("error"):
            raise error_from_body(chunk, self._spec)
        self._model = self._model or chunk.get("model")
        self._usage = _largest(self._usage, chunk.get("usage"))
        if choices is not None and not isinstance(choices, list):
            raise self._broken("holds choices that are not a list", choices)
        for item in choices or ():
            if not isinstance(item, dict):
                raise self._broken("holds a choice that is not an object", item)
            self._take(item)

    @property
    def begun(self) -> bool:
        """Whether the server has begun a choice."""
        return bool(self._choices)

    def payload(self, *, expect: int = 0) -> dict[str, Any]:
        """The whole reply in its plain form.

        ``expect`` is the number of choices there must be: ``n`` where the stream did not say that it was done. Raises
        :class:`BrokenReplyError` where one is missing or has no end.
        """
        for partial in self._choices.values():
            if partial.finish_reason is None:
                raise self._broken("broke off after", "".join(partial.text)[-60:])
        if len(self._choices) < expect:
            raise self._broken("broke off with its choices", sorted(self._choices))
        return {
            "model": self._model,
            "usage": self._usage,
            "choices": [partial.plain(index) for index, partial in self._choices.items()],
        }

    def _take(self, item: dict[str, Any]) -> None:
        index = item.get("index", 0)
        delta = item.get("delta") or {}
        if not isinstance(index, int) or not isinstance(delta, dict):
            raise self._broken("holds a choice that cannot be read", item)
        partial = self._choices.get(index)
        if partial is None:
            partial = self._choices[index] = _Partial()
        text, thinking = content_of(delta, self._spec)
        refusal = delta.get("refusal") or ""
        if not isinstance(refusal, str):
            raise self._broken("holds a refusal that is not text", delta)
        partial.refusal += refusal
        if text:
            partial.text.append(text)
            live = partial.live.feed(text)
            if live:
                self._on_text(index, live)
        if thinking:
            partial.thinking.append(thinking)
        calls = delta.get("tool_calls") or []
        for call in calls if isinstance(calls, list) else [calls]:
            if not isinstance(call, dict) or not partial.add_call(call):
                raise self._broken("holds a tool call that cannot be read", call)
        logprobs = item.get("logprobs")
        if isinstance(logprobs, dict) and isinstance(logprobs.get("content"), list):
            partial.logprobs.extend(logprobs["content"])
        partial.finish_reason = item.get("finish_reason") or partial.finish_reason
        partial.stop_reason = item.get("stop_reason") or partial.stop_reason

    def _broken(self, what: str, piece: object) -> BrokenReplyError:
        return BrokenReplyError(f"the streamed reply of {self._spec.name} {what}: {excerpt(piece)}")


class _Partial:
    """One choice so far."""

    __slots__ = ("calls", "finish_reason", "live", "logprobs", "refusal", "stop_reason", "text", "thinking")

    def __init__(self) -> None:
        self.text: list[str] = []
        self.live = LiveText()
        self.thinking: list[str] = []
        self.calls: dict[int, dict[str, Any]] = {}
        self.logprobs: list[object] = []
        self.refusal = ""
        self.finish_reason: object = None
        self.stop_reason: object = None

    def add_call(self, call: dict[str, Any]) -> bool:
        """Add a piece of a tool call: the id and name come once, the arguments in pieces. False where it is none."""
        function = call.get("function") or {}
        place = call.get("index")
        if not isinstance(function, dict) or not isinstance(function.get("arguments"), str | None):
            return False
        whole = self.calls.setdefault(place if isinstance(place, int) else len(self.calls), {"function": {"arguments": ""}})
        whole["id"] = call.get("id") or whole.get("id")
        whole["function"]["name"] = function.get("name") or whole["function"].get("name")
        whole["function"]["arguments"] += function.get("arguments") or ""
        return True

    def plain(self, index: int) -> dict[str, Any]:
        """The choice as a reply that was not streamed spells it."""
        message = {
            "content": "".join(self.text),
            "reasoning": "".join(self.thinking),
            "refusal": self.refusal,
            "tool_calls": [self.calls[place] for place in sorted(self.calls)],
        }
        logprobs = {"content": self.logprobs} if self.logprobs else None
        ended = {"finish_reason": self.finish_reason, "stop_reason": self.stop_reason}
        return {"index": index, "message": message, "logprobs": logprobs, **ended}


def _largest(told: object, more: object) -> object:
    """Two reports of usage as one: of each count the larger, of anything else the later."""
    if isinstance(told, dict) and isinstance(more, dict):
        return told | {name: _largest(told.get(name), value) for name, value in more.items()}
    if isinstance(told, int) and isinstance(more, int):
        return max(told, more)
    return told if more is None else more
