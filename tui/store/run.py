"""A run as it is shown: folded from its events, one after the other.

Folding changes the view in place, for a run may have a hundred thousand events; the same events give the same view. Texts stay in
the store: a candidate here says by the number of its event where it is to be read.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ...core.budget import Budget
from ...core.events import (
    ApprovalAsked,
    ApprovalGiven,
    CallFailed,
    CallFinished,
    CandidateAdded,
    CandidateScored,
    Controlled,
    FrontierAdvanced,
    RunFinished,
    RunStarted,
    StrategyFinished,
    ToolCalled,
    ToolReturned,
    TreeGrown,
    Warned,
    WaveStarted,
)
from ...core.records import StoredEvent
from ...core.result import Outcome
from .burn import Burn, Spend
from .crew import Agent
from .search import Lanes, Tree
from .tally import Tally

NOTES = 500
"""Lines of the log that are kept: the newest."""


@dataclass(slots=True)
class Note:
    """A line of the log."""

    number: int
    """Counted from 1, over those that are not kept any more too."""
    at: float
    kind: str
    """``warning``, ``failure``, ``tool``, ``person`` or ``state``."""
    text: str


@dataclass(slots=True)
class Verdict:
    """What a verifier said of a candidate."""

    verifier: str
    value: float | None
    steps: tuple[float | None, ...]
    seq: int
    """Of the event that says more: rationale and evidence."""


@dataclass(slots=True)
class Sample:
    """A candidate, without its text."""

    id: str
    number: int
    """Counted from 1 in the order in which they came."""
    seq: int
    """Of the event that has its text."""
    at: float
    role: str
    model: str
    language: str
    answer: str | None
    counted: bool
    cut: bool
    """Its text was cut at the limit of tokens."""
    size: int
    """Characters of its text."""
    tokens: int | None
    parent: str | None
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def score(self) -> float | None:
        """What the last verifier gave it."""
        return self.verdicts[-1].value if self.verdicts else None


@dataclass(slots=True)
class ToolUse:
    """A tool's call."""

    key: str
    tool: str
    seq: int
    """Of the event with its arguments."""
    at: float
    returned: int | None = None
    """Number of the event with what came of it."""
    seconds: float | None = None
    failed: bool = False


@dataclass(slots=True)
class Question:
    """A tool's call that waits for a person's word."""

    key: str
    tool: str
    arguments: Any
    justification: str
    seq: int
    at: float


@dataclass(slots=True)
class Ending:
    """How an execution ended."""

    status: str
    stop_reason: str
    answer: str | None
    at: float


@dataclass(slots=True)
class RunView:
    """Everything that is shown of one run."""

    seq: int = 0
    """Of the last event that was folded."""
    at: float = 0.0
    """Unix time of that event."""
    began: float | None = None
    """Unix time at which it was first executed."""
    resumed: float | None = None
    """Unix time at which the process that executes it, or did last, took it up."""
    strategy: str = ""
    models: dict[str, str] = field(default_factory=dict)
    node: str = ""
    """Where the run is: the node of the last wave."""
    visit: int = 0
    waves: int = 0
    agents: dict[str, Agent] = field(default_factory=dict)
    burn: Burn = field(default_factory=Burn)
    tally: Tally = field(default_factory=Tally)
    samples: dict[str, Sample] = field(default_factory=dict)
    tools: dict[str, ToolUse] = field(default_factory=dict)
    questions: dict[str, Question] = field(default_factory=dict)
    lanes: Lanes | None = None
    tree: Tree | None = None
    notes: deque[Note] = field(default_factory=lambda: deque(maxlen=NOTES))
    noted: int = 0
    budget: Budget | None = None
    """The caps since they were last changed; None where they are those that the run began with."""
    outcome: Outcome | None = None
    """What the run's own strategy decided, not those inside it."""
    ending: Ending | None = None

    def note(self, at: float, kind: str, text: str) -> None:
        """Add a line to the log."""
        self.noted += 1
        self.notes.append(Note(self.noted, at, kind, text))

    def hear(self, at: float) -> None:
        """Somebody is writing, at Unix time ``at``: who works is not silent. No event says so."""
        for agent in self.agents.values():
            if agent.working:
                agent.heard = max(agent.heard, at)

    def agent(self, role: str) -> Agent:
        """Who plays a role; the policy's model where it has none of its own."""
        if role not in self.agents:
            self.agents[role] = Agent(role, self.models.get(role) or self.models.get("policy", ""))
        return self.agents[role]


def fold(view: RunView, events: Iterable[StoredEvent]) -> RunView:
    """Fold events, in their order, into ``view`` and give it back. Those that it has already change nothing."""
    for stored in events:
        if stored.seq > view.seq:
            view.seq, view.at = stored.seq, stored.at
            _FOLDS[type(stored.event)](view, stored, stored.event)
    return view


def _started(view: RunView, stored: StoredEvent, event: RunStarted) -> None:
    if view.began is None:
        view.began = stored.at
    else:
        view.note(stored.at, "state", "goes on")
    view.resumed = stored.at
    view.strategy, view.models, view.ending = event.strategy, event.models, None


def _wave(view: RunView, stored: StoredEvent, event: WaveStarted) -> None:
    view.node, view.visit = event.node, event.visit
    view.waves += 1
    for role in event.role.split("+"):
        view.agent(role).begin(event.node, stored.at, event.size, event.window)


def _call(view: RunView, stored: StoredEvent, event: CallFinished) -> None:
    agent = view.agent(event.role)
    agent.land(stored.at, failed=False)
    agent.model, agent.context = event.model, event.prompt_tokens + event.completion_tokens
    spend = view.burn.by_role.setdefault(event.role, Spend())
    spend.calls += 1
    spend.prompt_tokens += event.prompt_tokens
    spend.cached_tokens += event.cached_tokens
    spend.completion_tokens += event.completion_tokens
    spend.seconds += event.seconds
    if event.dollars is None:
        spend.unpriced_calls += 1
    else:
        spend.dollars += event.dollars
    view.burn.put(stored.at, event.completion_tokens + event.prompt_tokens - event.cached_tokens, event.dollars or 0.0)


def _call_failed(view: RunView, stored: StoredEvent, event: CallFailed) -> None:
    view.agent(event.role).land(stored.at, failed=True)
    view.note(stored.at, "failure", f"{event.role} {event.model}: {event.failure.message}")


def _candidate(view: RunView, stored: StoredEvent, event: CandidateAdded) -> None:
    candidate = event.candidate
    view.samples[candidate.id] = Sample(
        id=candidate.id,
        number=len(view.samples) + 1,
        seq=stored.seq,
        at=stored.at,
        role=candidate.role,
        model=candidate.model,
        language=candidate.language,
        answer=None if candidate.answer is None else str(candidate.answer),
        counted=candidate.counted,
        cut=candidate.finish_reason == "length",
        size=len(candidate.text),
        tokens=candidate.completion_tokens,
        parent=candidate.parent,
    )
    if candidate.counted:
        view.tally.add(candidate.answer, candidate.language)
    else:
        view.tally.late += 1


def _scored(view: RunView, stored: StoredEvent, event: CandidateScored) -> None:
    sample = view.samples.get(event.candidate)
    if sample is not None:
        score = event.score
        sample.verdicts.append(Verdict(score.verifier, score.value, score.steps, stored.seq))


def _tool(view: RunView, stored: StoredEvent, event: ToolCalled) -> None:
    key = _key(event)
    view.tools[key] = ToolUse(key, event.tool, stored.seq, stored.at)


def _tool_back(view: RunView, stored: StoredEvent, event: ToolReturned) -> None:
    use = view.tools.setdefault(_key(event), ToolUse(_key(event), event.tool, stored.seq, stored.at))
    use.returned, use.seconds, use.failed = stored.seq, event.seconds, event.error is not None
    if event.error is not None:
        view.note(stored.at, "tool", f"{event.tool}: {event.error}")


def _asked(view: RunView, stored: StoredEvent, event: ApprovalAsked) -> None:
    key = _key(event)
    view.questions[key] = Question(key, event.tool, event.arguments, event.justification, stored.seq, stored.at)


def _given(view: RunView, stored: StoredEvent, event: ApprovalGiven) -> None:
    view.questions.pop(_key(event), None)
    word = "allowed" if event.approved else "did not allow"
    view.note(stored.at, "person", f"{event.author} {word} {event.tool}" + (f": {event.note}" if event.note else ""))


def _frontier(view: RunView, _stored: StoredEvent, event: FrontierAdvanced) -> None:
    if view.lanes is None or event.method != view.lanes.method:
        view.lanes = Lanes(event.method)
    view.lanes.advance(event)


def _tree(view: RunView, _stored: StoredEvent, event: TreeGrown) -> None:
    if view.tree is None:
        view.tree = Tree()
    view.tree.grow(event)


def _controlled(view: RunView, stored: StoredEvent, event: Controlled) -> None:
    if event.budget is not None:
        view.budget = event.budget
    told = event.text or ("" if event.budget is None else str(event.budget))
    view.note(stored.at, "person", f"{event.author}: {event.kind.replace('_', ' ')}" + (f" “{told}”" if told else ""))


def _warned(view: RunView, stored: StoredEvent, event: Warned) -> None:
    view.note(stored.at, "warning", event.message)


def _decided(view: RunView, _stored: StoredEvent, event: StrategyFinished) -> None:
    if "/" not in event.scope:
        view.outcome = event.outcome
        for agent in view.agents.values():
            agent.working = False


def _finished(view: RunView, stored: StoredEvent, event: RunFinished) -> None:
    view.ending = Ending(event.status, event.stop_reason, event.answer, stored.at)
    view.questions.clear()


def _key(event: ToolCalled | ToolReturned | ApprovalAsked | ApprovalGiven) -> str:
    """Journal key of a tool's call."""
    return f"{event.scope}/{event.node}.{event.visit}.{event.index}"


_FOLDS: dict[type, Callable[[RunView, StoredEvent, Any], None]] = {
    RunStarted: _started,
    WaveStarted: _wave,
    CallFinished: _call,
    CallFailed: _call_failed,
    CandidateAdded: _candidate,
    CandidateScored: _scored,
    ToolCalled: _tool,
    ToolReturned: _tool_back,
    ApprovalAsked: _asked,
    ApprovalGiven: _given,
    FrontierAdvanced: _frontier,
    TreeGrown: _tree,
    Controlled: _controlled,
    Warned: _warned,
    StrategyFinished: _decided,
    RunFinished: _finished,
}
