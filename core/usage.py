"""What was spent. Every call of every role is in it, lost ones included."""

from __future__ import annotations

from typing import NamedTuple

from pydantic import computed_field

from .base import Frozen


class Usage(Frozen):
    """Tokens, calls and dollars. ``usage_a + usage_b`` adds up.

    Lost calls are those that broke off after the provider may have worked on them (time-out, reset, crash, cancelled):
    their true cost is unknown, so the reserved upper bound stays charged, shown apart in the ``lost_…`` fields.
    ``dollars`` covers priced calls only; ``unpriced_calls`` counts those whose price is unknown (never zero by guess).
    """

    calls: int = 0
    """Calls made, lost ones included."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    """The part of the prompt tokens that the server read from its prefix cache."""
    completion_tokens: int = 0
    dollars: float = 0.0
    unpriced_calls: int = 0
    lost_calls: int = 0
    lost_prompt_tokens: int = 0
    """Upper bound for the lost calls; not part of ``prompt_tokens``."""
    lost_completion_tokens: int = 0
    """Upper bound for the lost calls; not part of ``completion_tokens``."""

    @computed_field  # type: ignore[prop-decorator]
    @property
    def cost_tokens(self) -> int:
        """Completion plus uncached prompt tokens: what strategies are compared by."""
        return self.completion_tokens + self.prompt_tokens - self.cached_tokens

    def as_lost(self) -> Usage:
        """This reservation, charged as lost: its tokens move to the ``lost_…`` fields."""
        return Usage(
            calls=self.calls,
            dollars=self.dollars,
            unpriced_calls=self.unpriced_calls,
            lost_calls=self.calls,
            lost_prompt_tokens=self.prompt_tokens,
            lost_completion_tokens=self.completion_tokens,
        )

    def __add__(self, other: Usage) -> Usage:
        return Usage(**{name: getattr(self, name) + getattr(other, name) for name in type(self).model_fields})


def total(usages: dict[str, Usage]) -> Usage:
    """The sum over roles."""
    return sum(usages.values(), Usage())


class Amounts(NamedTuple):
    """What caps are compared with, one amount for each cap of a budget but its seconds; lost calls are in them."""

    calls: float = 0
    tokens: float = 0
    """Prompt and completion tokens together."""
    prompt_tokens: float = 0
    completion_tokens: float = 0
    dollars: float = 0

    @classmethod
    def of(cls, usage: Usage) -> Amounts:
        """The amounts of ``usage``, lost parts included."""
        prompt = usage.prompt_tokens + usage.lost_prompt_tokens
        completion = usage.completion_tokens + usage.lost_completion_tokens
        return cls(usage.calls, prompt + completion, prompt, completion, usage.dollars)

    def plus(self, other: Amounts, times: float = 1) -> Amounts:
        """The sum, cap by cap; ``times=-1`` is the difference."""
        return Amounts(*[mine + times * its for mine, its in zip(self, other, strict=True)])
