"""What all scopes of an executing run share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..core.answers import SymbolicWorker
from ..core.calls import ChatRequest, ModelRequest
from ..core.candidate import Candidate
from ..core.events import Event
from ..core.model_spec import ModelSpec
from ..core.problem import Message
from ..core.protocols import Gateway
from ..core.tooling import Grant
from ..core.usage import Usage
from .control import Control
from .journal import Journal
from .telemetry import Telemetry
from .workshop import Workshop

if TYPE_CHECKING:
    from .steering import Steering

Listener = Callable[[Event], None]
"""Called with each event as it happens, in the executing process."""


class EventLog:
    """Appends events, each once: one whose id is known already (from before a crash) is dropped."""

    def __init__(self, known: Iterable[str], append: Callable[[Sequence[Event]], None] | None, listener: Listener | None) -> None:
        self._known = set(known)
        self._append = append
        self._listener = listener

    def emit(self, event: Event) -> None:
        """Append ``event``; the listener hears of known ones too, so that a resumed run's view is whole."""
        if self._listener is not None:
            self._listener(event)
        if event.id in self._known:
            return
        self._known.add(event.id)
        if self._append is not None:
            self._append([event])


class Clock:
    """Seconds the run has been executed, summed over resumptions."""

    def __init__(self, base: float) -> None:
        self._base = base
        self._started = time.monotonic()

    def elapsed(self) -> float:
        """Seconds so far."""
        return self._base + time.monotonic() - self._started


@dataclass
class Services:
    """See the module's docstring."""

    run_id: str
    seed: int
    models: Mapping[str, ModelSpec]
    """By role; roles not named are played by the policy's model."""
    prompts: Mapping[str, str]
    gateway: Gateway
    journal: Journal
    log: EventLog
    control: Control
    clock: Clock
    steering: Steering
    workshop: Workshop
    tools: Mapping[str, Grant]
    """What the run may call."""
    sandbox: str | None
    """The sandbox that it runs code in."""
    judge: SymbolicWorker
    call_timeout: float
    telemetry: Telemetry | None = None
    """Where streamed text goes; None asks for whole replies, which costs less."""
    candidates: dict[str, Candidate] = field(default_factory=dict)
    usage: dict[str, Usage] = field(default_factory=dict)
    replies: int = 0
    """Calls whose results were used and are no failures."""
    failures: dict[str, int] = field(default_factory=dict)
    error: str | None = None
    """Message of the last call that failed for good, by the order in which results are used."""
    _prompt_tokens: dict[tuple[str, tuple[Message, ...]], int] = field(default_factory=dict)

    def spec(self, role: str) -> ModelSpec:
        """The model that plays ``role``."""
        return self.models.get(role) or self.models["policy"]

    def spend(self, role: str, usage: Usage) -> None:
        """Count ``usage`` for ``role``."""
        self.usage[role] = self.usage.get(role, Usage()) + usage

    def prompt_size(self, spec: ModelSpec, request: ModelRequest) -> int:
        """Prompt tokens to reserve: the true number where a reply to the same conversation told it, else a bound."""
        if isinstance(request, ChatRequest) and _plain(request):
            return self._prompt_tokens.get((spec.name, request.messages)) or request.prompt_bound()
        return spec.prompt_bound(request)

    def learn_prompt(self, model: str, request: ChatRequest, tokens: int) -> None:
        """Remember the size of a conversation's prompt."""
        if _plain(request):
            self._prompt_tokens[model, request.messages] = tokens


def _plain(request: ChatRequest) -> bool:
    """Whether the messages alone make up the prompt."""
    return request.prefix is None and not request.tools
