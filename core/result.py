"""How a run ended: Outcome (what a strategy decided) and Result (what the user gets)."""

from __future__ import annotations

from enum import StrEnum

from .base import Frozen
from .calls import FinishReason
from .candidate import Candidate
from .usage import Usage, total


class Status(StrEnum):
    """What the user got."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    """The run ended, but no candidate holds an answer."""
    CANCELLED = "cancelled"
    """Stopped by the user; the answer, if any, is the best so far."""
    FAILED = "failed"
    """No call succeeded, or the run could not go on."""


class StopReason(StrEnum):
    """Why no further call was made."""

    FINISHED = "finished"
    """The strategy did all it set out to do."""
    AGREED = "agreed"
    """A stopping rule was sure enough."""
    BUDGET = "budget"
    DEADLINE = "deadline"
    STEERED = "steered"
    """A person stopped the run."""
    ERROR = "error"


class RunState(StrEnum):
    """The stored life of a run."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    WAITING = "waiting"
    """For a person's word on a tool's call; `symposia run respond` gives it."""
    INTERRUPTED = "interrupted"
    """Stopped or crashed before its end; `symposia run resume` goes on."""
    FINISHED = "finished"


class Selection(Frozen):
    """One selector's pick among the same candidates."""

    answer: str | None
    candidate: str | None
    """Id of the candidate picked."""
    support: float | None = None
    """What the selector maximised: share of votes, summed score, best score."""


class Votes(Frozen):
    """How many candidates gave one answer (equal answers counted together)."""

    answer: str
    """With its unit, where any of them gave one."""
    count: int


class LanguageVotes(Frozen):
    """How the candidates in one language voted, where a strategy says in which languages it is to be reasoned."""

    language: str
    planned: int
    """Paths that it was given."""
    paths: int
    """Of them, those that came to a candidate: not those whose calls failed, or that budget or an agreement left no room for."""
    votes: tuple[Votes, ...] = ()
    """Their answers, named as in the vote over all languages, most first."""
    agreement: float | None
    """Share of these votes that are for the answer that was picked; None where there are none."""


class Outcome(Frozen):
    """What a strategy returns: ids into the run's candidate pool, and the picks."""

    candidates: tuple[str, ...]
    """Counted candidates by index."""
    pick: str | None
    selections: dict[str, Selection]
    confidence: float | None = None
    votes: tuple[Votes, ...] = ()
    """Most first; empty where nothing was voted on."""
    languages: tuple[LanguageVotes, ...] = ()
    """The same votes by language, in the order asked for; empty where the strategy asks for none."""
    decided_by: str = "majority"
    """The selector that made the pick."""
    stop_reason: StopReason


class Result(Frozen):
    """What a run gives back. Failed and cancelled runs give one too, with the best answer so far."""

    answer: str | None
    """The value alone; the candidate's own answer has the unit too."""
    candidate: Candidate | None
    candidates: tuple[Candidate, ...]
    selections: dict[str, Selection]
    """Every selector's pick on the same candidates."""
    confidence: float | None
    """How sure the deciding selector is: the share of the votes for the answer, or the picked candidate's score. None where
    it had nothing to choose from."""
    calibrated: float | None = None
    """How likely the answer is right, as the calibration says of this confidence. None where there is no calibration for the run,
    nothing to be sure of, or where budget, deadline or a person cut the run short: the confidence is then not calibrated."""
    calibration: str | None = None
    """``NAME@VERSION`` of the calibration that said so; None where none did."""
    votes: tuple[Votes, ...] = ()
    """Answers by votes, most first."""
    languages: tuple[LanguageVotes, ...] = ()
    """The same votes by language, in the order asked for; empty where the strategy asks for none."""
    decided_by: str = "majority"
    """The selector that made the pick, one of ``selections``."""
    status: Status
    stop_reason: StopReason
    usage: dict[str, Usage]
    """By role."""
    run_id: str
    strategy: str
    models: dict[str, str]
    """Model by role, as asked for; each candidate says which model really answered."""
    seed: int
    seconds: float
    """Time executed, summed over resumptions."""
    reproducible: str
    """``seed`` where every model is deterministic, else ``journal``: only `symposia run replay` gives the same again."""
    failures: dict[str, int]
    """Calls that failed for good, by error code."""
    error: str | None = None
    """One sentence, where ``status`` is failed."""
    exit_code: int = 0
    """The command's exit code for this ending."""

    @property
    def total_usage(self) -> Usage:
        """Usage of all roles together."""
        return total(self.usage)

    @property
    def unparsed(self) -> int:
        """Counted candidates without a readable answer."""
        return sum(candidate.answer is None for candidate in self.candidates)

    @property
    def truncated(self) -> int:
        """Counted candidates whose text was cut at ``max_tokens``."""
        return sum(candidate.finish_reason is FinishReason.LENGTH for candidate in self.candidates)
