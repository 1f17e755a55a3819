"""Who works on a run, and what each is doing."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text

from ...core.records import RunRecord
from ..store.crew import Agent
from ..store.run import RunView
from .cells import score_cell, span, tokens
from .inert import one_line
from .lines import GAP, fit, joined, left, right, words
from .skin import Skin

_ROLE = 14
_MODEL = 22
_CONTEXT = 13
_WIDE = 84
"""Cells from which on an agent has one line."""


def agent_lines(view: RunView, record: RunRecord, now: float, width: int, skin: Skin) -> list[Text]:
    """A line per role: who, which model, what it does and for how long, how full its context is. Two on a narrow screen."""
    agents = list(view.agents.values())
    if not agents:
        return [fit(words(("nobody was asked yet", skin.dim)), width, skin)]
    role = max(cell_len(one_line(agent.role, _ROLE, skin)) for agent in agents)
    most = min(_MODEL, max(8, width // 3))
    model = max(cell_len(one_line(agent.model, most, skin)) for agent in agents)
    lines: list[Text] = []
    for agent in agents:
        who = joined([_who(agent, now, role, skin), left(words((one_line(agent.model, model, skin), skin.dim)), model, skin)])
        doing, took, context = _doing(agent, now, skin), _took(agent, now, skin), _context(agent, record, skin)
        if width < _WIDE:
            lines += [joined([who, context]), joined([words(" ").append_text(took), doing])]
        else:
            room = width - who.cell_len - took.cell_len - _CONTEXT - 3 * len(GAP)
            lines.append(joined([who, left(doing, room, skin), took, context]))
    return [fit(line, width, skin) for line in lines]


def _who(agent: Agent, now: float, width: int, skin: Skin) -> Text:
    glyphs = skin.glyphs
    mark = (glyphs.busy, skin.accent) if agent.working else (glyphs.idle, skin.dim)
    if agent.stalled(now):
        mark = (glyphs.stalled, skin.warn)
    return words(mark, " ").append_text(left(words((one_line(agent.role, width, skin), skin.text)), width, skin))


def _took(agent: Agent, now: float, skin: Skin) -> Text:
    return right(words((span(now - agent.began) if agent.working else "", skin.text)), 5, skin)


def _doing(agent: Agent, now: float, skin: Skin) -> Text:
    """Its node, how many calls are back, under way and failed; how long nothing was heard of it."""
    if not agent.act:
        return words(("idle", skin.dim))
    act = one_line(agent.act, 18, skin)
    if not agent.working and not agent.failed:
        return words((f"{act} {agent.back}/{agent.size} done", skin.dim))
    parts = [words((act, skin.text), (f" {agent.back}/{agent.size}", skin.accent))]
    if agent.failed:
        parts.append(words((f"{agent.failed} failed", skin.bad)))
    if agent.stalled(now):
        parts.insert(0, words((f"silent {span(now - agent.heard)}", skin.warn)))
    if agent.in_flight:
        parts.append(words((f"{agent.in_flight} under way", skin.dim)))
    return joined(parts, skin.glyphs.dot)


def _context(agent: Agent, record: RunRecord, skin: Skin) -> Text:
    """``30k/128k ▂``: what its last call used of its context window."""
    spec = record.spec.models.get(agent.role) or record.spec.models.get("policy")
    if not agent.context or spec is None:
        return words()
    share = agent.context / spec.context if spec.context else 1.0
    style = skin.warn if share >= 0.8 else skin.dim
    # A full window is bad: the colour of a score would say the opposite.
    level = score_cell(min(1.0, share), skin.without_colour())
    level.stylize(style or "none")
    return words((f"{tokens(agent.context)}/{tokens(spec.context)} ", style)).append_text(level)
