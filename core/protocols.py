"""Protocols that let the layers meet without importing each other."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from .budget import Budget
from .calls import (
    CallResult,
    ChatRequest,
    EmbedReply,
    EmbedRequest,
    LabelRequest,
    ModelCall,
    Reply,
    ScoreReply,
    ScoreRequest,
    ToolSpec,
)
from .candidate import Answer, Candidate, Score
from .errors import ModelError
from .events import Event
from .model_spec import ModelSpec
from .result import StopReason
from .sandbox import Execution, Limits
from .tooling import ToolRequest, ToolResult

OnText = Callable[[int, str], None]
"""Called with choice index and new text while a reply streams in; telemetry only."""

OnAttempt = Callable[[ModelError | None], Awaitable[None]]
"""Awaited right before each attempt is sent, with the error of the attempt before it; raises to forbid the attempt."""


class Transport(Protocol):
    """One way to reach a model over the wire. Makes exactly one attempt and translates every error to the tree."""

    async def complete(
        self, spec: ModelSpec, request: ChatRequest, *, api_key: str | None, timeout: float, tag: str, on_text: OnText | None
    ) -> Reply:
        """Send one chat completion.

        ``timeout`` bounds the whole call in seconds. ``tag`` goes out as the header ``X-Request-Id``. Cancelling the task
        closes the connection, so that the server stops generating. Raises only :class:`ModelError`.
        """
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Scorer(Protocol):
    """One way to have solutions judged without a text being written. Makes exactly one attempt, as :class:`Transport` does."""

    async def score(self, spec: ModelSpec, request: ScoreRequest, *, api_key: str | None, timeout: float, tag: str) -> ScoreReply:
        """Have a reward model judge a solution."""
        ...

    async def labels(self, spec: ModelSpec, request: LabelRequest, *, api_key: str | None, timeout: float, tag: str) -> Reply:
        """Ask a language model how likely its replies begin with the labels."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class Gateway(Protocol):
    """The only door to models: limits, retries, deadlines and prices around a transport."""

    async def complete(
        self,
        spec: ModelSpec,
        request: ChatRequest,
        *,
        tag: str,
        timeout: float | None = None,
        on_attempt: OnAttempt | None = None,
        on_text: OnText | None = None,
    ) -> Reply:
        """One call with its retries. ``timeout`` in seconds covers queueing and retries too. Raises :class:`ModelError`."""
        ...

    async def score(
        self,
        spec: ModelSpec,
        request: ScoreRequest,
        *,
        tag: str,
        timeout: float | None = None,
        on_attempt: OnAttempt | None = None,
    ) -> ScoreReply:
        """Have a reward model judge a solution, with retries as for :meth:`complete`. Raises :class:`ModelError`."""
        ...

    async def labels(
        self,
        spec: ModelSpec,
        request: LabelRequest,
        *,
        tag: str,
        timeout: float | None = None,
        on_attempt: OnAttempt | None = None,
    ) -> Reply:
        """Ask a model how likely its replies begin with the labels, with retries as for :meth:`complete`.

        Raises :class:`ModelError`, and :class:`LabelTokensError` for labels that the model cannot be asked for.
        """
        ...

    async def embed(
        self,
        spec: ModelSpec,
        request: EmbedRequest,
        *,
        tag: str,
        timeout: float | None = None,
        on_attempt: OnAttempt | None = None,
    ) -> EmbedReply:
        """Have an embedding model make vectors, with retries as for :meth:`complete`. Raises :class:`ModelError`."""
        ...

    async def close(self) -> None:
        """Close every transport."""
        ...


class Wave(NamedTuple):
    """What came of a wave of calls."""

    results: tuple[CallResult, ...]
    """The counted results, by index."""
    late: tuple[CallResult, ...]
    """Replies that arrived after the stopping rule had decided: kept, never counted."""
    stop_reason: StopReason
    """``finished`` where every call was made, else why not."""


class ToolWave(NamedTuple):
    """What came of a wave of tool calls."""

    results: tuple[ToolResult | None, ...]
    """By index; None for a call that was not made, or broken off, because the run was halted."""
    stop_reason: StopReason
    """``finished`` where every call was made, else why not."""


class Executions(NamedTuple):
    """What came of running several programs."""

    results: tuple[Execution | None, ...]
    """By index; None as in :class:`ToolWave`."""
    stop_reason: StopReason


Consume = Callable[[CallResult], Awaitable[bool]]
"""Called once per result in index order; True stops the wave. A pure function of the results so far, never of arrival."""


class Scope(Protocol):
    """Where a strategy runs: a path, a share of the budget, a root of randomness, a prefix of the journal."""

    @property
    def path(self) -> str:
        """Unique in the run; empty for the root."""
        ...

    @property
    def seed(self) -> int:
        """The run's seed."""
        ...

    @property
    def prompts(self) -> Mapping[str, str]:
        """Prompt texts by name, as fixed when the run was created."""
        ...

    @property
    def candidates(self) -> Mapping[str, Candidate]:
        """The run's candidate pool by id, shared by all scopes."""
        ...

    def spec(self, role: str) -> ModelSpec:
        """The model that plays ``role``."""
        ...

    def rng(self, node: str, visit: int = 0, index: int = 0) -> random.Random:
        """A generator for one place, made where it is used."""
        ...

    async def wave(
        self, node: str, calls: Sequence[ModelCall], *, consume: Consume, window: int | None = None, visit: int = 0
    ) -> Wave:
        """Make ``calls`` concurrently, at most ``window`` beyond the settled prefix, and consume results in index order.

        Every result is journaled before it is used. A failed call is a result with a failure; the others carry on. Budget,
        deadline and stop end the wave early with their reason and what has been consumed so far.
        """
        ...

    async def effect(
        self, node: str, name: str, request: Mapping[str, Any], perform: Callable[[], Awaitable[Any]], *, visit: int = 0
    ) -> Any:
        """The journaled value of something that may differ a second time; ``perform`` runs only where none is journaled."""
        ...

    @property
    def tools(self) -> Mapping[str, ToolSpec]:
        """The tools that this run may call, by name, as fixed when it was created."""
        ...

    async def call_tools(self, node: str, calls: Sequence[ToolRequest], *, visit: int = 0) -> ToolWave:
        """Call tools concurrently; each result is journaled before it is used, and a replay calls none.

        Whatever is wrong with a call is a result with an error for the model: a tool that the run does not have, arguments
        that cannot be read, work that fails, a person who says no. A call that was under way when its process died is made
        again, as a model call is. Budget, deadline and stop end the wave early.
        """
        ...

    async def execute(self, node: str, programs: Sequence[str], *, limits: Limits, visit: int = 0) -> Executions:
        """Run programs concurrently in the run's sandbox; each execution is journaled before it is used.

        Only for strategies that declare that they need a sandbox. Raises :class:`SandboxError` where it breaks down.
        """
        ...

    async def same_answer(self, a: Answer, b: Answer) -> bool:
        """Whether two answers are equal, symbolically where plain comparison cannot tell; verdicts are journaled."""
        ...

    def child(self, name: str, budget: Budget | None = None) -> Scope:
        """A scope inside this one, for a wrapped strategy; it draws on this one's budget, within ``budget`` if given."""
        ...

    def add(self, candidate: Candidate) -> None:
        """Put a candidate into the pool (an event)."""
        ...

    def rate(self, candidate: str, score: Score, *, node: str, visit: int = 0, index: int = 0) -> None:
        """Give a candidate of the pool, by id, a further score (an event; ``index`` tells those of one node apart).

        Only once the score is final: an event is a fact, and a resumed run cannot take it back.
        """
        ...

    def judging(self) -> Scope:
        """This scope for who judges, children included: what a person tells those who write is kept from its calls.

        A verifier is given such a one.
        """
        ...

    def emit(self, event: Event) -> None:
        """Append an event to the run's log."""
        ...
