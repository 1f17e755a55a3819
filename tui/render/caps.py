"""How far a run is towards the caps of its budget."""

from __future__ import annotations

import math
from typing import NamedTuple

from rich.text import Text

from ...core.budget import Budget
from ...core.records import RunRecord
from ...core.result import RunState, StopReason
from ...core.usage import Usage
from ..store.run import RunView
from .cells import money, span, tokens
from .lines import words
from .skin import Skin

_WORDS = {
    "calls": "calls",
    "tokens": "tokens",
    "prompt_tokens": "read",
    "completion_tokens": "written",
    "dollars": "cost",
    "seconds": "time",
}


class Cap(NamedTuple):
    """One cap, and what was spent towards it."""

    name: str
    """Of the field of :class:`.Budget`."""
    used: float
    limit: float

    @property
    def share(self) -> float:
        """1.0 where the cap is met."""
        return self.used / self.limit if self.limit else 1.0

    @property
    def word(self) -> str:
        """For people."""
        return _WORDS[self.name]

    def said(self, skin: Skin, *, unit: bool = True) -> Text:
        """``14/30 calls``; ``14/30`` without the unit."""
        used, limit = _amount(self.name, self.used), _amount(self.name, self.limit)
        named = unit and self.name not in {"dollars", "seconds"}
        return words(used, (f"/{limit}{f' {self.word}' * named}", skin.dim))


def budget_of(view: RunView, record: RunRecord) -> Budget:
    """The caps that hold now."""
    return view.budget or record.spec.budget


def caps(view: RunView, record: RunRecord, now: float) -> list[Cap]:
    """The caps that there are, the tightest first. A fork's own budget covers what the copied part cost, too."""
    total = view.burn.total
    before = record.spec.forked_from.usage if record.spec.forked_from is not None else Usage()
    used = {
        "calls": total.calls + before.calls,
        "tokens": total.tokens + before.prompt_tokens + before.completion_tokens,
        "prompt_tokens": total.prompt_tokens + before.prompt_tokens,
        "completion_tokens": total.completion_tokens + before.completion_tokens,
        "dollars": total.dollars + before.dollars,
        "seconds": elapsed(view, record, now),
    }
    found = [Cap(name, used[name], cap) for name, cap in budget_of(view, record) if cap is not None]
    return sorted(found, key=lambda cap: -cap.share)


def stopped(view: RunView) -> bool:
    """Whether a cap ended the run."""
    return view.ending is not None and view.ending.stop_reason in {StopReason.BUDGET, StopReason.DEADLINE}


def elapsed(view: RunView, record: RunRecord, now: float) -> float:
    """Seconds that the run was executed, at Unix time ``now``; not those in which nobody executed it."""
    if record.result is not None:
        return record.result.seconds
    if view.ending is not None and view.began is not None:
        return record.elapsed or max(0.0, view.ending.at - view.began)
    if record.owner is None or record.state in {RunState.QUEUED, RunState.INTERRUPTED} or view.resumed is None:
        return record.elapsed
    return record.elapsed + max(0.0, now - view.resumed)


def seconds_to(cap: Cap, view: RunView, now: float) -> float:
    """How long until the cap is met if it goes on as in the last minute; infinite where nothing says so."""
    rates = {
        "dollars": view.burn.rate(view.burn.dollars, now),
        "seconds": 1.0,
        "tokens": _per_second(view, now, view.burn.total.tokens),
        "prompt_tokens": _per_second(view, now, view.burn.total.prompt_tokens),
        "completion_tokens": _per_second(view, now, view.burn.total.completion_tokens),
        "calls": _per_second(view, now, view.burn.total.calls),
    }
    rate = rates[cap.name]
    return max(0.0, cap.limit - cap.used) / rate if rate > 0 else math.inf


def _per_second(view: RunView, now: float, total: float) -> float:
    """A rate of what is not kept over time: its share of the cost tokens, of which the rate is known."""
    cost = view.burn.total.cost_tokens
    return view.burn.rate(view.burn.tokens, now) * total / cost if cost else 0.0


def _amount(name: str, amount: float) -> str:
    if name == "dollars":
        return money(amount)
    return span(amount) if name == "seconds" else tokens(amount)
