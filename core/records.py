"""What the store keeps of a run: the run itself, journal entries, stored events, controls and the lease."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal, NamedTuple

from pydantic import Field

from .base import Frozen
from .budget import Budget
from .calibration import AppliedCalibration
from .events import Event
from .model_spec import ModelSpec
from .problem import Problem
from .result import Result, RunState
from .tooling import Grant
from .usage import Amounts, Usage


class Origin(Frozen):
    """Where a forked run comes from. The fork holds copies: its parent may be removed."""

    run_id: str
    """The parent."""
    at: str | None
    """Journal key of the last entry that was copied; None where nothing was."""
    entries: int
    """How many were copied."""
    usage: Usage = Usage()
    """What the copied part cost the parent; it counts against the fork's budget and in its usage."""


class RunSpec(Frozen):
    """Everything that decides what a run does, fixed when it is created."""

    problem: Problem
    strategy: str
    config: dict[str, Any] = Field(default_factory=dict)
    """The strategy's configuration, complete (defaults filled in)."""
    models: dict[str, ModelSpec]
    """What the catalogue said of each role's model; a later edit of it changes no old run. ``policy`` is always there."""
    budget: Budget = Budget()
    seed: int = 0
    prompts: dict[str, str] = Field(default_factory=dict)
    """Text of every prompt the run uses, by name: a later edit of a prompt file changes no old run."""
    tools: dict[str, Grant] = Field(default_factory=dict)
    """What it may call, by name: these and no others, whatever a model or a tool says."""
    sandbox: str | None = None
    """The sandbox that it runs code in; None where it runs none."""
    version: str
    """Of symposia."""
    forked_from: Origin | None = None
    follows: str | None = None
    """The run whose conversation this one goes on with: it was queued behind that run's answer. That run may be gone."""
    ledger: str | None = None
    """A ledger of the store whose caps hold for all runs that name it, beside this run's own budget."""
    experiment: str | None = None
    """The experiment of the store that the run belongs to; lists of runs leave it out."""
    calibration: AppliedCalibration | None = None
    """What tells from its confidence how likely it is right; a later calibration changes no old run."""


class EntryKind(StrEnum):
    """What a journal entry records."""

    CALL = "call"
    """A model call."""
    EFFECT = "effect"
    """Any other thing that may differ a second time: a tool, a clock reading that decides, a symbolic verdict."""


class EntryStatus(StrEnum):
    """Where a journal entry stands. ``sent`` in a journal nobody executes means lost."""

    SENT = "sent"
    """Committed before the call is made, with the reserved upper bound as its charge."""
    DONE = "done"
    """Committed before the result is used, with the true charge."""
    FAILED = "failed"
    """Failed for good; ``response`` is a CallFailure."""
    LOST = "lost"
    """Broke off after the provider may have worked on it; the reservation stays charged."""


class JournalEntry(Frozen):
    """One attempt at one effect. ``(run, key, attempt)`` is unique; at most one attempt of a key is done or failed."""

    key: str
    """``SCOPE/NODE.VISIT.INDEX``."""
    attempt: int = 0
    kind: EntryKind
    status: EntryStatus
    request_hash: str
    """Of the request as asked, before clamping."""
    request: dict[str, Any]
    """As sent."""
    response: Any = None
    """A Reply, a CallFailure or the effect's value, as JSON."""
    role: str = ""
    model: str = ""
    charge: Usage = Usage()
    elapsed: float = 0.0
    """Seconds the run had been executed when this was written."""


class RunRecord(Frozen):
    """A stored run."""

    id: str
    spec: RunSpec
    state: RunState
    created_at: float
    """Unix time."""
    updated_at: float
    elapsed: float = 0.0
    """Seconds executed, summed over resumptions."""
    result: Result | None = None
    owner: str | None = None
    """Who executes it now, as HOST:PID; None when nobody does."""


class RunGlance(NamedTuple):
    """What a list of runs needs of each: nothing of what was asked or came of it, so that it costs little."""

    id: str
    state: RunState
    """As people see it."""
    created_at: float
    """Unix time."""
    updated_at: float
    elapsed: float
    """Seconds executed before the process that executes it now, if any, took it up."""
    owner: str | None
    """As in :class:`RunRecord`."""
    events: int
    """Number of the last one."""


class RawEvent(NamedTuple):
    """An event as its row has it, for who reads many: checking the types of 100,000 takes seconds."""

    seq: int
    at: float
    body: str
    """JSON, to be read by :data:`core.events.EVENT`."""


class Fold(NamedTuple):
    """What a program made of a run's events up to one of them, as it stored it."""

    seq: int
    """Of the last event that is in it."""
    body: bytes


class StoredEvent(Frozen):
    """An event with its place in the log. ``seq`` rises by one per run, given by the lease holder."""

    seq: int
    at: float
    event: Event


class Lease(Frozen):
    """The right to execute a run. ``fence`` rises with every hand-over and is checked in every write."""

    run_id: str
    owner: str
    fence: int


class ControlKind(StrEnum):
    """What a person can ask of a running run."""

    PAUSE = "pause"
    """Make no new call; those in flight go on."""
    PAUSE_NOW = "pause_now"
    """As pause, and calls in flight are cancelled; they are made again after it."""
    RESUME = "resume"
    STOP = "stop"
    """End with what there is."""
    STEER = "steer"
    """Tell the models that write something from here on."""
    QUEUE = "queue"
    """Ask something else, in a run of its own, once there is an answer."""
    RETUNE = "retune"
    """Change caps of the run's budget."""
    RESPOND = "respond"
    """Say whether a tool's call may be made."""


class Response(Frozen):
    """A person's word on a tool's call."""

    about: str
    """Journal key of the call: one word never counts for another call."""
    approve: bool
    note: str = ""
    """Told to the model where the call is not allowed."""


class Verdict(Frozen):
    """What was decided on a tool's call, as journaled."""

    approve: bool
    note: str = ""
    author: str
    """Who said so."""


class ControlRecord(Frozen):
    """A wish of a person, consumed at the next boundary (before a node, before a call)."""

    seq: int
    kind: ControlKind
    author: str
    state: Literal["pending", "consumed", "withdrawn"] = "pending"
    at: float
    response: Response | None = None
    """What was said; only with ``respond``."""
    text: str = ""
    """What the models are told, with ``steer``; what is asked next, with ``queue``."""
    budget: Budget | None = None
    """Caps to be changed, with ``retune``; those that are None stay as they are."""


class LedgerRecord(Frozen):
    """A ledger that several runs share, as it stands. What they spent, hold and lost together passes no cap."""

    name: str
    caps: Budget
    spent: Amounts
    """Settled, by all runs."""
    held: Amounts
    """Drawn by runs that are being executed, and not settled yet."""
    lost: Amounts
    """Drawn by runs whose process is gone: it stays charged until such a run is resumed and says what it did spend."""


class Tranche(NamedTuple):
    """What a run got from a shared ledger."""

    held: Amounts
    """May be spent beyond what the run had spent when it asked; 0 where the ledger has no such cap."""
    others: bool
    """Whether another run that is being executed holds something that it may give back."""


class ExperimentRecord(Frozen):
    """An experiment of the store: what was planned, and how far it is."""

    name: str
    created_at: float
    """Unix time."""
    plan: dict[str, Any]
    """As its runner wrote it: JSON, which the store does not look into."""
    runs: dict[RunState, int]
    """How many of its runs are in each state, as people see it; states without a run are left out."""


class OpeningRecord(Frozen):
    """That somebody looked at a test split. Kept for good: who tunes on what was opened must be found out."""

    id: int
    at: float
    """Unix time."""
    who: str
    task: str
    fingerprint: str
    """Of the problems that were opened."""
    experiment: str | None
    reason: str
