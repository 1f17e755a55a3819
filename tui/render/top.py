"""The line over a run: what it is, where it stands, what it costs, how long it takes. What does not fit goes from the right."""

from __future__ import annotations

import math

from rich.text import Text

from ...core.records import RunRecord
from ...core.result import RunState
from ..store.run import RunView
from .caps import Cap, caps, elapsed, seconds_to, stopped
from .cells import gauge, money, span, tokens
from .inert import one_line
from .lines import fit, packed, words
from .skin import Skin
from .state import state_text

_GAUGE = 8
_ROOM = 60
"""Cells below which the strategy is left out, so that the state is not."""


def top_bar(view: RunView, record: RunRecord, *, writing: int, now: float, width: int, skin: Skin) -> Text:
    """One line of at most ``width`` cells, always in the same order. ``writing``: tokens in flight, about."""
    towards = caps(view, record, now)
    live = _live(view, record)
    parts = [
        words((f" {one_line(record.id, max(6, width // 5), skin)} ", "reverse")),
        _strategy(view, record, width, skin) if width >= _ROOM else words(),
        _step(view, width, skin) if live else words(),
        state_text(record, skin, view=view, cap=towards[0].word if towards else None),
        _answer(view, width, skin),
        _tokens(view, writing, skin),
        _cost(view, skin),
        _cap(towards[0], stopped(view), skin) if towards else words(),
        _speed(view, now, skin) if live else words(),
        words((span(elapsed(view, record, now)), skin.text)),
        _left(view, towards, now, skin) if live else words(),
    ]
    return fit(packed(parts, width), width, skin)


def _live(view: RunView, record: RunRecord) -> bool:
    return view.ending is None and record.state in {RunState.RUNNING, RunState.WAITING, RunState.PAUSED}


def _strategy(view: RunView, record: RunRecord, width: int, skin: Skin) -> Text:
    name = one_line(record.spec.strategy or view.strategy, max(8, width // 4), skin)
    samples = record.spec.config.get("n")
    return words((name, skin.text), (f" n={samples}", skin.dim) if isinstance(samples, int) else "")


def _step(view: RunView, width: int, skin: Skin) -> Text:
    """The node at work and how many of its calls are back."""
    if not view.node:
        return words()
    mine = [agent for agent in view.agents.values() if agent.act == view.node]
    size = max((agent.size for agent in mine), default=0)
    back = sum(agent.back + agent.failed for agent in mine)
    name = one_line(view.node, max(6, width // 6), skin)
    return words((name, skin.text), (f" {min(back, size)}/{size}", skin.accent) if size else "")


def _answer(view: RunView, width: int, skin: Skin) -> Text:
    """What came of a run that has ended."""
    if view.ending is None or view.ending.answer is None:
        return words()
    return words((one_line(view.ending.answer, max(8, width // 5), skin), f"bold {skin.accent}".strip()))


def _tokens(view: RunView, writing: int, skin: Skin) -> Text:
    total = view.burn.total
    glyphs = skin.glyphs
    flight = (f" {glyphs.about}+{tokens(writing)}", skin.dim) if writing > 0 else ""
    amounts = f"{glyphs.up}{tokens(total.prompt_tokens)} {glyphs.down}{tokens(total.completion_tokens)}"
    return words(("tok ", skin.dim), (amounts, skin.text), flight)


def _cost(view: RunView, skin: Skin) -> Text:
    total = view.burn.total
    if not total.calls:
        return words()
    if total.unpriced_calls >= total.calls:
        return words(("unpriced", skin.dim))
    rest = (f" + {total.unpriced_calls} unpriced", skin.dim) if total.unpriced_calls else ""
    return words((money(total.dollars), skin.text), rest)


def _cap(cap: Cap, hard: bool, skin: Skin) -> Text:
    return gauge(cap.share, _GAUGE, skin, hard=hard or cap.share >= 1).append(" ").append_text(cap.said(skin))


def _speed(view: RunView, now: float, skin: Skin) -> Text:
    rate = view.burn.rate(view.burn.tokens, now)
    return words((f"{tokens(rate)} tok/s", skin.dim)) if rate >= 0.5 else words()


def _left(view: RunView, towards: list[Cap], now: float, skin: Skin) -> Text:
    """Until the wave is back at its pace, or until a cap is met if that comes first; nothing where no pace is known."""
    paces = [_wave_left(view, now), *(seconds_to(cap, view, now) for cap in towards if cap.name != "seconds")]
    known = min(paces)
    if not math.isfinite(known):
        return words()
    # A cap on time ends a run, but does not say how long it would take.
    seconds = min([known, *(cap.limit - cap.used for cap in towards if cap.name == "seconds")])
    return words((f"{skin.glyphs.about} {span(seconds)} left", skin.dim))


def _wave_left(view: RunView, now: float) -> float:
    """Seconds until the calls of the wave are back, as fast as those before; infinite where none came back yet."""
    left = 0.0
    for agent in view.agents.values():
        if agent.act == view.node and agent.working:
            done = agent.back + agent.failed
            left = max(left, max(0.0, now - agent.began) / done * (agent.size - done) if done else math.inf)
    return left or math.inf
