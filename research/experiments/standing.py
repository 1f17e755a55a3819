"""How far an experiment is, while it runs: counted from what has happened, nothing guessed but the time that is left."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from ...core.events import CallFinished, Event
from .records import Trial


@dataclass
class ArmStanding:
    """One arm."""

    total: int = 0
    """Runs that were asked for."""
    done: int = 0
    """Runs that ended and are evidence."""
    credit: float = 0.0
    """Summed over these."""
    failed: Counter[str] = field(default_factory=Counter)
    """Runs that are no evidence, by error code."""

    @property
    def accuracy(self) -> float | None:
        """Of what is done."""
        return self.credit / self.done if self.done else None


@dataclass
class Standing:
    """All arms. The runner tells it what happens; whoever shows progress reads it at any time."""

    arms: dict[str, ArmStanding] = field(default_factory=dict)
    found: int = 0
    """Runs that had ended before."""
    running: int = 0
    tokens: int = 0
    """Completion tokens that came back since the beginning."""
    began: float = field(default_factory=time.monotonic)

    def expect(self, label: str) -> None:
        """One more run of an arm is asked for."""
        self.arms.setdefault(label, ArmStanding()).total += 1

    def hear(self, event: Event) -> None:
        """Count a call that came back."""
        if isinstance(event, CallFinished):
            self.tokens += event.completion_tokens

    def ended(self, trial: Trial, code: str | None) -> None:
        """A run ended, broken by ``code`` or as evidence."""
        arm = self.arms.get(trial.arm)
        if arm is None:
            return  # an arm that was not asked for this time
        if code is not None:
            arm.failed[code] += 1
        else:
            arm.done += 1
            arm.credit += trial.credit

    @property
    def total(self) -> int:
        """Runs that were asked for."""
        return sum(arm.total for arm in self.arms.values())

    @property
    def settled(self) -> int:
        """Runs that need nothing more from this command."""
        return sum(arm.done + arm.failed.total() for arm in self.arms.values())

    @property
    def failed(self) -> Counter[str]:
        """Runs that are no evidence, by error code."""
        return _summed(arm.failed for arm in self.arms.values())

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.monotonic() - self.began

    @property
    def seconds_left(self) -> float | None:
        """If the rest takes as long as what was done since the beginning; None before anything was."""
        here = self.settled - self.found
        return None if here <= 0 else self.seconds * (self.total - self.settled) / here


def _summed(counters: Iterable[Counter[str]]) -> Counter[str]:
    found: Counter[str] = Counter()
    for counter in counters:
        found += counter
    return found
