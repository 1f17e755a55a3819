"""A model call: request, reply, and what became of it. The same shapes for every transport."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any

from pydantic import Field

from .base import Frozen
from .problem import Message, ToolCall


class FinishReason(StrEnum):
    """Why a choice ended."""

    STOP = "stop"
    """The model ended, or met a stop string."""
    LENGTH = "length"
    """``max_tokens`` ran out: the text is cut."""
    TOOL_CALLS = "tool_calls"
    FILTER = "content_filter"
    OTHER = "other"


class ChatRequest(Frozen):
    """A chat completion as asked. Hashed as it stands: the hash is what the journal checks on replay."""

    messages: tuple[Message, ...]
    max_tokens: int = Field(gt=0)
    temperature: float = Field(default=0.0, ge=0)
    top_p: float = Field(default=1.0, gt=0, le=1)
    n: int = Field(default=1, gt=0)
    stop: tuple[str, ...] = ()
    seed: int | None = None
    """Sent only to models with the ability ``seed``; numbers the sample in any case."""
    effort: str | None = None
    """Reasoning effort of thinking models: low, medium, high."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body, passed on as they are."""

    def hash(self) -> str:
        """128 bits of the sha256 of the canonical JSON form.

        Defaults are left out, so that a field added later does not cut old runs off from their journals.
        """
        return hashlib.sha256(self.model_dump_json(exclude_defaults=True).encode()).hexdigest()[:32]

    def prompt_bound(self) -> int:
        """An upper bound of the prompt's tokens: no byte-level tokenizer makes more tokens than bytes.

        64 tokens for what a chat template adds on its own (default system texts), 16 a message for its markers.
        """
        size = sum(len(message.text.encode()) for message in self.messages)
        calls = sum(len(call.model_dump_json()) for message in self.messages for call in message.tool_calls)
        return size + calls + 16 * len(self.messages) + 64


class Choice(Frozen):
    """One sampled completion. ``thinking`` is kept apart from ``text`` and never voted on."""

    text: str
    thinking: str = ""
    finish_reason: FinishReason = FinishReason.STOP
    tool_calls: tuple[ToolCall, ...] = ()
    logprob: float | None = None
    """Sum of the log-probabilities of the completion's tokens, where the model gives them."""


class Reply(Frozen):
    """What came back: ``choices`` has one entry per sample that the server really returned, at most ``n``."""

    model: str
    """The name the server gave: the model that really answered."""
    choices: tuple[Choice, ...]
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    usage_estimated: bool = False
    """The server sent no usage; the counts are our upper bounds."""
    seconds: float = 0.0
    """From sending the request to the complete reply, queueing and retries left out."""


class ModelCall(Frozen):
    """A request on behalf of a role. The run's team says which model plays the role."""

    role: str
    request: ChatRequest


class CallFailure(Frozen):
    """A call that failed for good, after the gateway's own retries."""

    code: str
    message: str
    """One sentence, its hint included."""
    retryable: bool = False


class CallResult(Frozen):
    """What became of call ``index`` of a wave: a reply or a failure, never both."""

    index: int
    key: str
    """The journal key, unique in the run."""
    reply: Reply | None = None
    failure: CallFailure | None = None
