"""A model call: request, reply, and what became of it. The same shapes for every transport."""

from __future__ import annotations

import hashlib
from enum import StrEnum
from typing import Any

from pydantic import Field, model_validator

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


class Fidelity(StrEnum):
    """How exactly a model continues an unfinished answer: what the next token is conditioned on."""

    TOKENS = "tokens"
    """The prompt rendered by the server's own template and the answer's own tokens, as token ids: nothing is read anew."""
    TEXT = "text"
    """The rendered prompt and the answer as one text, cut into tokens anew: a word may be cut elsewhere."""
    CHAT = "chat"
    """An unfinished assistant message. Templates may trim it, so that the end of a step is lost; the last resort."""


class Prefix(Frozen):
    """An answer so far, to be continued. Empty at the root, where the answer begins with a normal generation prompt."""

    text: str = ""
    tokens: tuple[int, ...] = ()
    """Token ids of ``text``, as the replies gave them. Without them the text is cut into tokens anew."""

    def then(self, choice: Choice) -> Prefix:
        """The answer so far after one more piece. Token ids are kept only while every piece has them."""
        tokens = (*self.tokens, *choice.tokens) if choice.tokens and (self.tokens or not self.text) else ()
        return Prefix(text=self.text + choice.text, tokens=tokens)


class ToolSpec(Frozen):
    """A tool offered to a model. ``parameters`` is the JSON schema of its arguments."""

    name: str
    description: str = ""
    parameters: dict[str, Any] = Field(default_factory=lambda: {"type": "object", "properties": {}})


class ChatRequest(Frozen):
    """A chat completion as asked. Hashed as it stands: the hash is what the journal checks on replay."""

    messages: tuple[Message, ...]
    max_tokens: int = Field(gt=0)
    temperature: float = Field(default=0.0, ge=0)
    """Left out, like ``top_p``, for APIs whose model samples in its own way and refuses any other: most that always think."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    n: int = Field(default=1, gt=0)
    stop: tuple[str, ...] = ()
    seed: int | None = None
    """Sent only to models with the ability ``seed``; numbers the sample in any case."""
    effort: str | None = None
    """Reasoning effort of thinking models: low, medium, high."""
    prefix: Prefix | None = None
    """Answer step by step: continue this much of an answer. Needs the ability ``prefix``. The reply's text is then what is
    new, raw (thinking marks included), and a stop string that ended it is kept at its end."""
    logprobs: int | None = Field(default=None, ge=0, le=20)
    """Ask for the log-probability of every token, with this many likeliest alternatives each. Needs ``logprobs``."""
    labels: tuple[str, ...] = ()
    """Ask how likely the answer begins with each of these labels; each must be one token. Needs ``logprobs``."""
    prompt_logprobs: bool = False
    """Ask for the log-probability of every prompt token. Needs ``prompt_logprobs``."""
    json_schema: dict[str, Any] | None = None
    """The answer must be JSON of this schema. Needs ``json_schema``."""
    tools: tuple[ToolSpec, ...] = ()
    """Tools that the model may call. Needs ``tools``."""
    tool_choice: str | None = None
    """``auto`` (the default with tools), ``none``, ``required``, or the name of the one tool to be called."""
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further fields of the request body, passed on as they are."""

    @model_validator(mode="after")
    def _consistent(self) -> ChatRequest:
        if len(set(self.labels)) != len(self.labels) or "" in self.labels:
            raise ValueError(f"labels must differ and not be empty: {', '.join(map(repr, self.labels))}")
        if self.labels and self.logprobs:
            raise ValueError("ask for labels or for alternatives to every token, not for both")
        if self.prefix is not None and (self.tools or self.json_schema is not None):
            raise ValueError("an answer held to a schema, or one with tools, cannot be written in pieces")
        names = [tool.name for tool in self.tools]
        if self.tool_choice is not None and self.tool_choice not in {"auto", "none", "required", *names}:
            raise ValueError(f"tool_choice {self.tool_choice!r} is no tool of the request: {', '.join(names) or 'it has none'}")
        return self

    def hash(self) -> str:
        """128 bits of the sha256 of the canonical JSON form.

        Defaults are left out, so that a field added later does not cut old runs off from their journals.
        """
        return _hash(self)

    def prompt_bound(self) -> int:
        """An upper bound of the prompt's tokens: no byte-level tokenizer makes more tokens than bytes.

        64 tokens for what a chat template adds on its own (default system texts), 16 a message for its markers.
        """
        size = sum(len(message.text.encode()) for message in self.messages)
        calls = sum(len(call.model_dump_json()) for message in self.messages for call in message.tool_calls)
        offered = sum(len(tool.model_dump_json()) for tool in self.tools)
        prefix = len(self.prefix.text.encode()) if self.prefix is not None else 0
        return size + calls + offered + prefix + 16 * len(self.messages) + 64


class TokenLogprob(Frozen):
    """A token, its natural log-probability, and the likeliest tokens at its place (itself included where it is one)."""

    token: str
    logprob: float
    top: dict[str, float] = Field(default_factory=dict)


class Choice(Frozen):
    """One sampled completion. ``thinking`` is kept apart from ``text`` and never voted on."""

    text: str
    thinking: str = ""
    refusal: str = ""
    """What the model said in refusing, where its API tells refusals apart, or had said when a filter stopped it
    (``content_filter``); ``text`` is empty then."""
    finish_reason: FinishReason = FinishReason.STOP
    stop: str | None = None
    """The stop string that ended it, where the server tells. None with ``finish_reason`` stop: the model ended by itself."""
    tool_calls: tuple[ToolCall, ...] = ()
    tokens: tuple[int, ...] = ()
    """Token ids of ``text``, in continued answers with fidelity ``tokens``."""
    logprob: float | None = None
    """Sum of the log-probabilities of the completion's tokens, where the model gives them."""
    logprobs: tuple[TokenLogprob, ...] = ()
    """Token by token, where the request asked for it."""
    labels: dict[str, float] = Field(default_factory=dict)
    """Natural log-probability of each label of the request that the server told; an unlikely one may be missing."""


class Reply(Frozen):
    """What came back: ``choices`` has one entry per sample that the server really returned, at most ``n``."""

    model: str
    """The name the server gave: the model that really answered."""
    choices: tuple[Choice, ...]
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    thinking_tokens: int = 0
    """The part of the completion tokens that was thinking, where the server tells."""
    usage_estimated: bool = False
    """The server sent no usage; the counts are our upper bounds."""
    prompt_logprobs: tuple[TokenLogprob, ...] = ()
    """Of every prompt token but the first, where the request asked for it."""
    fidelity: Fidelity | None = None
    """How the answer was continued; None where it was not."""
    seconds: float = 0.0
    """From sending the request to the complete reply, queueing and retries left out."""


class CallFailure(Frozen):
    """A call that failed for good, after the gateway's own retries."""

    code: str
    message: str
    """One sentence, its hint included."""
    retryable: bool = False


class ScoreRequest(Frozen):
    """A solution for a reward model to judge: the conversation it answers, and its steps in order.

    An outcome reward model judges the whole (give one step, or all: they are joined as they stand), a process reward model
    every step.
    """

    messages: tuple[Message, ...]
    steps: tuple[str, ...] = Field(min_length=1)
    hidden_states: bool = False
    """Ask a model with the ability ``embed`` for the last layer's state at the end of every step too."""

    def hash(self) -> str:
        """As :meth:`ChatRequest.hash`."""
        return _hash(self)

    def prompt_bound(self) -> int:
        """An upper bound of the tokens that are judged: see :meth:`ChatRequest.prompt_bound`.

        32 tokens a step for its tag and what a reward form writes around it; twice all of it where states are asked for apart.
        """
        size = sum(len(message.text.encode()) for message in self.messages) + sum(len(step.encode()) for step in self.steps)
        return (size + 32 * len(self.steps) + 16 * len(self.messages) + 256) * (2 if self.hidden_states else 1)


class LabelRequest(Frozen):
    """Conversations that share most of their text, and of each: how likely does its reply begin with each of the labels?

    One call asks about all of them, such as every step of a solution. What comes back is a :class:`Reply` with a choice for
    each conversation, in their order, that has no text but its ``labels``. Needs the ability ``scoring``.
    """

    conversations: tuple[tuple[Message, ...], ...] = Field(min_length=1)
    labels: tuple[str, ...] = Field(min_length=1)
    """Each must be one token of the model."""

    def hash(self) -> str:
        """As :meth:`ChatRequest.hash`."""
        return _hash(self)

    def prompt_bound(self) -> int:
        """An upper bound of the tokens that are read, once for each label: see :meth:`ChatRequest.prompt_bound`."""
        messages = [message for conversation in self.conversations for message in conversation]
        size = sum(len(message.text.encode()) + 16 for message in messages) + 64 * len(self.conversations)
        return size * len(self.labels)


class ScoreReply(Frozen):
    """What a reward model said, in its own scale (``raw``) and as a probability where it has one."""

    model: str
    raw: tuple[float, ...]
    """One value per step (process reward, value head), or one for the whole (outcome reward)."""
    probabilities: tuple[float, ...] | None = None
    """The same in [0, 1], where the model's head is a classifier; None where it is a bare scalar."""
    hidden_states: tuple[tuple[float, ...], ...] = ()
    """One vector per step, where asked for."""
    prompt_tokens: int = 0
    seconds: float = 0.0


ModelRequest = ChatRequest | ScoreRequest | LabelRequest
"""What a model can be asked in a run."""


class ModelCall(Frozen):
    """A request on behalf of a role. The run's team says which model plays the role."""

    role: str
    request: ModelRequest


class EmbedRequest(Frozen):
    """Texts for an embedding model to make vectors of."""

    texts: tuple[str, ...] = Field(min_length=1)

    def prompt_bound(self) -> int:
        """An upper bound of the tokens: at most one a byte, and 16 for what a tokenizer puts around each text."""
        return sum(len(text.encode()) + 16 for text in self.texts)


class EmbedReply(Frozen):
    """Vectors of texts."""

    model: str
    vectors: tuple[tuple[float, ...], ...]
    """One for each text, in their order, all of one length."""
    prompt_tokens: int = 0
    seconds: float = 0.0


class CallResult(Frozen):
    """What became of call ``index`` of a wave: a reply, a reward model's scores, or a failure, never two of them."""

    index: int
    key: str
    """The journal key, unique in the run."""
    reply: Reply | None = None
    scored: ScoreReply | None = None
    failure: CallFailure | None = None


def _hash(request: ModelRequest) -> str:
    return hashlib.sha256(request.model_dump_json(exclude_defaults=True).encode()).hexdigest()[:32]
