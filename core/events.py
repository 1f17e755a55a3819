"""Events: append-only, typed facts of a run, from which every view is folded.

An event's id is made from scope, node, visit, kind and index, so that a replayed event is recognised and dropped. Token
deltas are no events: they are telemetry in an overwritten table.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from .base import Frozen
from .budget import Budget
from .calls import CallFailure
from .candidate import Candidate, Score
from .result import Outcome, Status, StopReason


class _Event(Frozen):
    scope: str = ""
    """Scope path; empty for the run itself."""
    node: str = ""
    visit: int = 0
    index: int = 0

    @property
    def id(self) -> str:
        """Deterministic: the same fact has the same id in every replay."""
        kind = getattr(self, "type")  # noqa: B009 - declared by each subclass as a literal
        return f"{self.scope}/{self.node}.{self.visit}/{kind}.{self.index}"


class RunStarted(_Event):
    """A process took the lease and began to execute; ``index`` counts the times (0 = first, then resumptions)."""

    type: Literal["run_started"] = "run_started"
    strategy: str
    models: dict[str, str]


class WaveStarted(_Event):
    """A node begins a wave of ``size`` calls, ``window`` of them in flight at a time. Several roles or models are joined by +."""

    type: Literal["wave_started"] = "wave_started"
    role: str
    model: str
    size: int
    window: int


class CallFinished(_Event):
    """A model call came back."""

    type: Literal["call_finished"] = "call_finished"
    role: str
    model: str
    choices: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    dollars: float | None
    seconds: float


class CallFailed(_Event):
    """A model call failed for good, or was refused by the budget."""

    type: Literal["call_failed"] = "call_failed"
    role: str
    model: str
    failure: CallFailure


class CandidateAdded(_Event):
    """A candidate joined the pool."""

    type: Literal["candidate_added"] = "candidate_added"
    candidate: Candidate


class CandidateScored(_Event):
    """A verifier judged a candidate of the pool. A candidate's scores are those of its events, in their order."""

    type: Literal["candidate_scored"] = "candidate_scored"
    candidate: str
    """Its id."""
    score: Score


class ToolCalled(_Event):
    """A tool is called, or a program run (``tool`` is ``sandbox`` then). ``index`` is that of the call in its wave."""

    type: Literal["tool_called"] = "tool_called"
    tool: str
    arguments: Any
    """JSON; the text as the model wrote it where it is none."""
    justification: str = ""
    """Why the model said that it needs the tool."""


class ToolReturned(_Event):
    """What came of a tool's call."""

    type: Literal["tool_returned"] = "tool_returned"
    tool: str
    output: Any = None
    error: str | None = None
    seconds: float
    dollars: float | None
    """None where the price is not known."""


class ApprovalAsked(_Event):
    """A tool's call waits for a person's word."""

    type: Literal["approval_asked"] = "approval_asked"
    tool: str
    arguments: Any
    justification: str = ""


class ApprovalGiven(_Event):
    """A person decided on a tool's call."""

    type: Literal["approval_given"] = "approval_given"
    tool: str
    approved: bool
    author: str
    note: str = ""


class Lane(Frozen):
    """One slot of a step search after a round: a particle, or a place on the beam."""

    slot: int
    parent: int | None
    """Slot of the round before whose solution it continues: another than its own where it was copied. None in the first round."""
    step: str = ""
    """What it wrote in this round; empty where it was finished or dropped before."""
    score: float | None = None
    """Of that step, in [0, 1]."""
    weight: float | None = None
    """Its share of all weights after this round."""
    state: Literal["live", "finished", "dropped", "pruned"] = "live"


class FrontierAdvanced(_Event):
    """A step search finished a round: all its slots, in order. ``index`` counts rounds."""

    type: Literal["frontier_advanced"] = "frontier_advanced"
    method: Literal["particles", "beams"]
    lanes: tuple[Lane, ...]
    ess: float | None = None
    """Effective sample size of the weights before resampling."""
    threshold: float | None = None
    """At or below which it resamples."""
    resampled: bool = False


class TreeNode(Frozen):
    """A node of a search tree as it stands now."""

    id: str
    parent: str | None
    step: str = ""
    visits: int = 0
    """N."""
    value: float | None = None
    """Q, the mean of what was backed up, in [0, 1]."""
    prior: float | None = None
    state: Literal["open", "finished", "rejected"] = "open"


class TreeGrown(_Event):
    """A tree search finished a simulation: the nodes that it added or changed. ``index`` counts simulations."""

    type: Literal["tree_grown"] = "tree_grown"
    nodes: tuple[TreeNode, ...]
    here: str | None = None
    """The node that was expanded."""
    best: tuple[str, ...] = ()
    """The principal line, from the root."""


class Controlled(_Event):
    """A wish of a person was taken up. ``index`` is the control's number."""

    type: Literal["controlled"] = "controlled"
    kind: Literal["pause", "pause_now", "resume", "stop", "steer", "queue", "retune"]
    author: str
    text: str = ""
    """What the models are told, with ``steer``; what is asked next, with ``queue``."""
    budget: Budget | None = None
    """The run's caps from now on, with ``retune``."""


class Warned(_Event):
    """A declared fallback, or something the user should know; ``code`` is stable."""

    type: Literal["warned"] = "warned"
    code: str
    message: str


class StrategyFinished(_Event):
    """A strategy decided."""

    type: Literal["strategy_finished"] = "strategy_finished"
    strategy: str
    outcome: Outcome


class RunFinished(_Event):
    """The run ended; ``index`` as in :class:`RunStarted`."""

    type: Literal["run_finished"] = "run_finished"
    status: Status
    stop_reason: StopReason
    answer: str | None


Event = Annotated[
    RunStarted
    | WaveStarted
    | CallFinished
    | CallFailed
    | CandidateAdded
    | CandidateScored
    | ToolCalled
    | ToolReturned
    | ApprovalAsked
    | ApprovalGiven
    | FrontierAdvanced
    | TreeGrown
    | Controlled
    | Warned
    | StrategyFinished
    | RunFinished,
    Field(discriminator="type"),
]

EVENT: TypeAdapter[Event] = TypeAdapter(Event)
"""Reads an event back from JSON."""
