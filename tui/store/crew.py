"""Who works on a run: each role with its model, and what it is doing."""

from __future__ import annotations

from dataclasses import dataclass

STALLED_AFTER = 20.0
"""Seconds without a word after which somebody at work is marked as stalled."""


@dataclass(slots=True)
class Agent:
    """A role of the team, as its last wave left it."""

    role: str
    model: str
    act: str = ""
    """The node that it works in; empty where it never worked."""
    size: int = 0
    """Calls of its wave."""
    window: int = 0
    """Of them, in flight at a time."""
    back: int = 0
    """Of them, ended well."""
    failed: int = 0
    began: float = 0.0
    """Unix time at which the wave began."""
    heard: float = 0.0
    """Unix time of its last event, or of the last text that was written while it worked."""
    context: int = 0
    """Tokens of its last call, prompt and reply: what of its context window was used."""
    working: bool = False

    @property
    def in_flight(self) -> int:
        """Calls that are under way, as far as events tell."""
        return min(self.window, self.size - self.back - self.failed) if self.working else 0

    def stalled(self, now: float) -> bool:
        """Whether nothing was heard of its calls for too long."""
        return self.working and now - self.heard > STALLED_AFTER

    def begin(self, node: str, at: float, size: int, window: int) -> None:
        """A wave of ``size`` calls begins."""
        self.act, self.size, self.window, self.back, self.failed = node, size, window, 0, 0
        self.began = self.heard = at
        self.working = size > 0

    def land(self, at: float, *, failed: bool) -> None:
        """A call of the wave came back."""
        self.heard = at
        self.back += not failed
        self.failed += failed
        self.working = self.working and self.back + self.failed < self.size
