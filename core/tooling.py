"""What a tool may use while it works: sandbox, web, documents, models. Each only where the tool declares that it needs it.

A tool works on arguments that a model wrote, so that what it may reach is decided before, by its author and by whoever runs it,
and never by its arguments or by what it reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Protocol

from pydantic import Field

from .base import Frozen
from .calls import ToolSpec
from .retrieval import Hit
from .sandbox import Execution, Limits


class Permission(StrEnum):
    """What a tool declares that it needs. Nothing else is given to it."""

    SANDBOX = "sandbox"
    """Runs code."""
    NETWORK = "network"
    """Asks servers on the web. What is sent may hold text of the model."""
    STORE = "store"
    """Reads documents of the store."""
    MODEL = "model"
    """Asks a model, within the run's budget."""


class Approval(StrEnum):
    """Whether a call may be made. Set by whoever asks for the run, by tool; no model and no tool can change it."""

    ALWAYS = "always"
    ASK = "ask"
    """A person decides, call by call."""
    NEVER = "never"


class Grant(Frozen):
    """That a run may call a tool. Fixed when the run is created: no model, no tool and no later edit adds to it."""

    spec: ToolSpec
    """As it is offered to models. A live call of a tool that has another one by now is refused."""
    approval: Approval = Approval.ALWAYS
    dollars: float | None = 0.0
    """What a call costs beside model calls; None where nobody knows."""
    digest: str | None = None
    """The sha256 of a tool that was written at run time: this one is called, whatever has its name by then."""


class ToolRequest(Frozen):
    """A call of a tool as a model asked for it."""

    name: str
    arguments: str
    """JSON text, as the model wrote it."""
    justification: str = ""
    """Why the model says that it needs the tool here; empty where it says nothing."""


class ToolResult(Frozen):
    """What came of a call: an output, or an error in one sentence. Both are JSON."""

    output: Any = None
    error: str | None = None


class WebRequest(Frozen):
    """A request to a server. Keys go into ``headers`` or ``query`` by the tool, out of :meth:`ToolContext.secret`."""

    url: str
    """``https``, on the public internet; any other only with ``configured``."""
    method: str = "GET"
    query: dict[str, str] = Field(default_factory=dict)
    headers: dict[str, str] = Field(default_factory=dict)
    json_body: Any = None
    timeout: float = 20.0
    """Seconds."""
    max_bytes: int = 2**20
    """A longer reply is an error."""
    configured: bool = False
    """Whether the user set this address, so that plain ``http`` and addresses of this machine and its networks may be asked.
    Never for one that comes from a model, or from what was read."""


class WebReply(Frozen):
    """What a server answered, with whatever status."""

    status: int
    headers: dict[str, str]
    """By lower-case name."""
    text: str


class ToolContext(Protocol):
    """What a tool's work is given beside its arguments. What was not declared raises :class:`ToolError`."""

    async def execute(self, code: str, *, inputs: Mapping[str, Any] | None = None, limits: Limits | None = None) -> Execution:
        """Run code in the sandbox of this session (:attr:`Permission.SANDBOX`)."""
        ...

    async def fetch(self, request: WebRequest) -> WebReply:
        """Ask a server (:attr:`Permission.NETWORK`). Rate limits are waited for, resets and time-outs tried again a few times;
        what stays broken raises :class:`ToolError` with a sentence.
        """
        ...

    async def search(self, query: str, *, corpus: str, limit: int = 10) -> tuple[Hit, ...]:
        """Search documents of the store (:attr:`Permission.STORE`)."""
        ...

    async def complete(self, prompt: str, *, max_tokens: int = 1024) -> str:
        """Ask the model of the role ``tool`` (the policy's where none is set), greedily (:attr:`Permission.MODEL`)."""
        ...

    def secret(self, variable: str) -> str:
        """An environment variable that the tool declares in ``keys``. Raises :class:`MissingKeyError` where it is not set."""
        ...
