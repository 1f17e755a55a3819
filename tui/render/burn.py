"""What a run spends: how fast, until when, and on whom."""

from __future__ import annotations

import math

from rich.text import Text

from ...core.records import RunRecord
from ...core.result import RunState
from ..store.run import RunView
from .caps import Cap, caps, seconds_to, stopped
from .cells import dollars, gauge, money, span, spark, stacked, tokens
from .lines import fit, flowed, joined, left, packed, words
from .skin import Skin

_GAUGE = 12
_MET = 0.9
"""Share of a cap from which on it is what stopped a run that was stopped: a call that does not fit is never made."""


def burn_lines(view: RunView, record: RunRecord, now: float, width: int, height: int, skin: Skin) -> list[Text]:
    """At most ``height`` lines: the rate as a sentence, spending over time, the caps, shares of roles, the sum.

    Where no call has a price, tokens and model seconds are what is spent.
    """
    if not view.burn.by_role:
        return [fit(words(("nothing spent yet", skin.dim)), width, skin)][: max(0, height)]
    towards = caps(view, record, now)
    total = view.burn.total
    priced = total.unpriced_calls < total.calls
    lines = [
        _sentence(view, record, towards, now, width, skin, priced=priced),
        spark(view.burn.dollars if priced else view.burn.tokens, width, skin),
        *(_cap(cap, view, width, skin) for cap in towards),
        stacked(_shares(view, skin, priced=priced), width, skin),
        *flowed(_sums(view, skin), width, skin),
    ]
    return [fit(line, width, skin) for line in lines[: max(0, height)]]


def _sentence(view: RunView, record: RunRecord, towards: list[Cap], now: float, width: int, skin: Skin, *, priced: bool) -> Text:
    """``$0.034/min → cap in 13m``; of a run that is over, that it is, and whether a cap stopped it."""
    if view.ending is not None:
        if stopped(view):
            word = towards[0].word if towards else "budget"
            return words((f"{skin.glyphs.hard} stopped at the cap on {word}", f"bold {skin.bad}".strip()))
        return words(("spent", skin.dim))
    if record.state not in {RunState.RUNNING, RunState.WAITING}:
        return words((str(record.state), skin.dim))
    series = view.burn.dollars if priced else view.burn.tokens
    rate = view.burn.rate(series, now) * 60
    amount = f"{money(rate)}/min" if priced else f"{tokens(rate)} tokens/min"
    soonest = min(((seconds_to(cap, view, now), cap) for cap in towards), default=None, key=lambda each: each[0])
    parts = [words((amount, f"bold {skin.text}".strip()))]
    if soonest is not None and math.isfinite(soonest[0]):
        seconds, cap = soonest
        style = skin.bad if seconds < 30 else skin.warn if seconds < 120 else skin.text
        parts.append(words((f"{skin.glyphs.arrow} cap on {cap.word} in {span(seconds)}", style)))
    elif not towards:
        parts.append(words(("no cap", skin.dim)))
    return packed(parts, width, " ")


def _shares(view: RunView, skin: Skin, *, priced: bool) -> list[tuple[str, float, str]]:
    """Of each role: of the dollars, or of the cost tokens."""
    styles = (skin.high, skin.mid, skin.low, skin.dim)
    spent = {role: spend.dollars if priced else spend.cost_tokens for role, spend in view.burn.by_role.items()}
    ranked = sorted(spent.items(), key=lambda each: -each[1])
    return [(role, share, styles[min(place, 3)]) for place, (role, share) in enumerate(ranked)]


def _cap(cap: Cap, view: RunView, width: int, skin: Skin) -> Text:
    hard = cap.share >= 1 or (stopped(view) and cap.share >= _MET)
    drawn = gauge(cap.share, min(_GAUGE, max(1, width // 3)), skin, hard=hard)
    return joined([left(words((cap.word, skin.dim)), 7, skin), drawn, cap.said(skin, unit=False)])


def _sums(view: RunView, skin: Skin) -> list[Text]:
    """Calls, dollars, model seconds: everything together."""
    total = view.burn.total
    parts = [words((f"{total.calls} calls", skin.text)), words((f"{tokens(total.cost_tokens)} cost tokens", skin.text))]
    if total.unpriced_calls < total.calls:
        parts.append(words((dollars(total), skin.text)))
    return [*parts, words((f"{span(total.seconds)} of model time", skin.dim))]
