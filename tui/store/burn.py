"""What a run spends: by role, and over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

BUCKETS = 240
"""Most intervals that are kept: when a run grows longer, neighbours are joined."""


@dataclass(slots=True)
class Spend:
    """What calls cost together."""

    calls: int = 0
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    dollars: float = 0.0
    """Of calls whose price is known."""
    unpriced_calls: int = 0
    seconds: float = 0.0
    """Model seconds: those of calls that ran at once are added."""

    @property
    def tokens(self) -> int:
        """What a cap on tokens counts: prompt and completion."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def cost_tokens(self) -> int:
        """Completion and uncached prompt tokens."""
        return self.completion_tokens + self.prompt_tokens - self.cached_tokens


@dataclass(slots=True)
class Burn:
    """Spending by role, and cost tokens and dollars in equal intervals from the first call on."""

    by_role: dict[str, Spend] = field(default_factory=dict)
    began: float | None = None
    """Unix time at which the first interval begins."""
    width: float = 1.0
    """Seconds of an interval: a power of two."""
    tokens: list[int] = field(default_factory=list)
    dollars: list[float] = field(default_factory=list)

    @property
    def total(self) -> Spend:
        """Of all roles."""
        each = self.by_role.values()
        return Spend(
            calls=sum(one.calls for one in each),
            prompt_tokens=sum(one.prompt_tokens for one in each),
            cached_tokens=sum(one.cached_tokens for one in each),
            completion_tokens=sum(one.completion_tokens for one in each),
            dollars=sum(one.dollars for one in each),
            unpriced_calls=sum(one.unpriced_calls for one in each),
            seconds=sum(one.seconds for one in each),
        )

    def put(self, at: float, tokens: int, dollars: float) -> None:
        """Count what a call that ended at Unix time ``at`` cost. A clock that went back counts in the first interval."""
        if self.began is None:
            self.began = at
        place = max(0, int((at - self.began) / self.width))
        while place >= BUCKETS:
            self.width *= 2
            self.tokens = [sum(self.tokens[start : start + 2]) for start in range(0, len(self.tokens), 2)]
            self.dollars = [sum(self.dollars[start : start + 2]) for start in range(0, len(self.dollars), 2)]
            place = int((at - self.began) / self.width)
        missing = place + 1 - len(self.tokens)
        self.tokens += [0] * missing
        self.dollars += [0.0] * missing
        self.tokens[place] += tokens
        self.dollars[place] += dollars

    def rate(self, series: Sequence[float], now: float, over: float = 60.0) -> float:
        """Of ``tokens`` or ``dollars`` a second, over the last ``over`` seconds before Unix time ``now``."""
        if self.began is None:
            return 0.0
        first = max(0, int((now - over - self.began) / self.width))
        span = max(self.width, min(over, now - self.began))
        return sum(series[first:]) / span
