"""A step search as lanes: a row per particle or place on the beam, a column per round, the newest at the right edge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from rich.text import Text

from ...core.events import Lane
from ..store.search import Lanes, Round
from .cells import bar, number, score_cell
from .inert import one_line
from .lines import GAP, fit, flowed, left, right, words
from .skin import Skin

MOST = 40
"""Lanes that are drawn each on its own; more are grouped by the lane of the first round that they come from."""
_BAR = 6
_WEIGHT = len(GAP) + 3 + 1 + _BAR
_COLUMN = 2
"""Cells of a round: its score, and before it a blank or the mark of a resampling."""


class LaneLine(NamedTuple):
    """A line, and what it is about."""

    text: Text
    slot: int | None = None
    """The lane; None for headings and groups."""
    group: int | None = None
    """The ancestor of the group that the line heads, or that its lane is in; None where nothing is grouped."""


class _Grid(NamedTuple):
    """What all rows have in common."""

    rounds: Sequence[Round]
    """Those that are drawn."""
    cells: Sequence[Mapping[int, Lane]]
    """The lanes of each of them, by slot."""
    copied: Mapping[int, int]
    """By slot the one that it was copied from last."""
    letter: str
    digits: int
    label: int
    ancestors: Mapping[int, int]
    """By slot the one of the first round that it comes from; empty where nothing is grouped."""
    heaviest: float
    """Weight of a lane or a group: what the longest bar stands for."""
    skin: Skin

    def name(self, slot: int) -> str:
        return f"{self.letter}{slot:0{self.digits}d}"


def lane_lines(
    lanes: Lanes,
    width: int,
    height: int,
    skin: Skin,
    *,
    selected: int | None = None,
    open_groups: frozenset[int] = frozenset(),
) -> list[LaneLine]:
    """Headings, then the lanes. ``selected`` is the number of the round whose pruned candidates are listed, else the last.

    Where there are more than :data:`MOST` lanes, groups are drawn, and the lanes of those in ``open_groups``. The signs are
    explained where ``height`` has room for it. There may be more lines than that.
    """
    if not lanes.rounds:
        return [LaneLine(fit(words(("no round yet", skin.dim)), width, skin))]
    slots = sorted({lane.slot for each in lanes.rounds for lane in each.lanes if lane.state != "pruned"})
    grid = _grid(lanes, slots, width, skin)
    chosen = lanes.rounds[-1].number if selected is None else selected
    lines = [LaneLine(line) for line in _head(lanes, grid, width, chosen)]
    if len(slots) > MOST:
        lines += _grouped(slots, grid, open_groups)
    else:
        lines += [LaneLine(_row(grid, slot), slot) for slot in slots]
    lines += [LaneLine(line) for line in _pruned(lanes, grid, width, chosen)]
    if len(lines) < height:
        lines += [LaneLine(line) for line in _legend(lanes, width, skin)]
    return [line._replace(text=fit(line.text, width, skin)) for line in lines]


def _grid(lanes: Lanes, slots: Sequence[int], width: int, skin: Skin) -> _Grid:
    digits = max(2, len(str(max(slots, default=0))))
    letter = "p" if lanes.method == "particles" else "b"
    label = 1 + digits + 3 + 1 + 1 + digits  # p00 ● ←p03
    if len(slots) > MOST:
        label += 2
    weighted = any(lane.weight is not None for lane in lanes.rounds[-1].lanes)
    room = max(1, (width - label - (_WEIGHT if weighted else 0)) // _COLUMN)
    rounds = lanes.rounds[-room:]
    # A pruned candidate may carry the number of a place that another one took.
    cells = [{lane.slot: lane for lane in sorted(each.lanes, key=lambda lane: lane.state != "pruned")} for each in rounds]
    ancestors = _ancestors(lanes) if len(slots) > MOST else {}
    return _Grid(rounds, cells, _copied(lanes), letter, digits, label, ancestors, _heaviest(lanes, ancestors), skin)


def _copied(lanes: Lanes) -> dict[int, int]:
    """By slot the one that it was copied from last. The places on a beam are dealt out anew in every round."""
    copied: dict[int, int] = {}
    for each in lanes.rounds if lanes.method == "particles" else lanes.rounds[-1:]:
        for lane in each.lanes:
            if lane.parent is not None and lane.parent != lane.slot and lane.state != "pruned":
                copied[lane.slot] = lane.parent
    return copied


def _head(lanes: Lanes, grid: _Grid, width: int, chosen: int) -> list[Text]:
    """How far the search is, its effective sample size and when it resamples; under it every fifth round's number."""
    skin, last = grid.skin, lanes.rounds[-1]
    live = sum(lane.state == "live" for lane in last.lanes)
    facts = [
        words((f"round {last.number + 1}", f"bold {skin.text}".strip())),
        words((f"{live} live", skin.text), (f" of {sum(lane.state != 'pruned' for lane in last.lanes)}", skin.dim)),
    ]
    if last.ess is not None:
        low = last.threshold is not None and last.ess <= last.threshold
        limit = f" (resamples at {last.threshold:.1f})" if last.threshold is not None else ""
        facts.append(words((f"ESS {last.ess:.1f}", skin.warn if low else skin.text), (limit, skin.dim)))
    numbers = words(" " * grid.label)
    for column, each in enumerate(grid.rounds, 1):
        shown = each.number == chosen or (each.number + 1) % 5 == 0
        place = str(each.number + 1) if shown else ""
        room = grid.label + _COLUMN * column - numbers.cell_len
        if len(place) <= room:
            style = skin.accent if each.number == chosen else skin.dim
            numbers.append_text(right(words((place, style)), room, skin))
    return [*flowed(facts, width, skin)[:1], numbers]


def _row(grid: _Grid, slot: int) -> Text:
    """One lane: name, state, where it was copied from, its scores, its weight."""
    skin, glyphs = grid.skin, grid.skin.glyphs
    last = grid.cells[-1].get(slot)
    state = last.state if last is not None else "dropped"
    sign = {"live": (glyphs.busy, skin.accent), "finished": (glyphs.finished, skin.good)}.get(state, (glyphs.dropped, skin.dim))
    gone = state in {"dropped", "pruned"}
    parent = f"{glyphs.copied}{grid.name(grid.copied[slot])}" if slot in grid.copied else ""
    row = words((grid.name(slot), skin.dim if gone else skin.text), " ", sign, " ", (parent, skin.dim))
    row = left(row, grid.label, skin)
    dropped = False
    for each, cells in zip(grid.rounds, grid.cells, strict=True):
        row.append(glyphs.resampled if each.resampled else " ", skin.dim or None)
        row.append_text(_cell(cells.get(slot), dropped, skin))
        dropped = slot in cells and cells[slot].state == "dropped"
    return row.append_text(_weight(None if last is None else last.weight, grid))


def _cell(lane: Lane | None, dropped: bool, skin: Skin) -> Text:
    """The score of a step; the round in which a lane was dropped has the mark of it, those after it have nothing."""
    glyphs = skin.glyphs
    if lane is None:
        return words(" ")
    if lane.state == "dropped":
        return words((glyphs.unscored if dropped else glyphs.dropped, skin.dim))
    if lane.state == "pruned":
        return words((glyphs.pruned, skin.dim))
    return score_cell(lane.score if lane.step else None, skin)


def _weight(weight: float | None, grid: _Grid) -> Text:
    """A share of all weights; the longest bar is that of the heaviest lane."""
    if weight is None:
        return words()
    skin = grid.skin
    shown = words(GAP, (f"{number(weight):>3}", skin.text if weight >= 0.005 else skin.dim), " ")
    return shown.append_text(bar(weight / grid.heaviest, _BAR, skin, skin.high or skin.accent))


def _grouped(slots: Sequence[int], grid: _Grid, open_groups: frozenset[int]) -> list[LaneLine]:
    members: dict[int, list[int]] = {}
    for slot in slots:
        members.setdefault(grid.ancestors.get(slot, slot), []).append(slot)
    lines = []
    for ancestor, mine in sorted(members.items(), key=lambda group: (-len(group[1]), group[0])):
        opened = ancestor in open_groups
        lines.append(LaneLine(_group(grid, ancestor, mine, opened=opened), None, ancestor))
        if opened:
            lines += [LaneLine(words("  ").append_text(_row(_indented(grid), slot)), slot, ancestor) for slot in mine]
    return lines


def _indented(grid: _Grid) -> _Grid:
    return grid._replace(label=grid.label - 2)


def _group(grid: _Grid, ancestor: int, slots: Sequence[int], *, opened: bool) -> Text:
    """The lanes that come from one: how many, their mean score in each round, their weights together."""
    skin, glyphs = grid.skin, grid.skin.glyphs
    head = words(
        (glyphs.opened if opened else glyphs.closed, skin.accent), f" {grid.name(ancestor)}", (f" ({len(slots)})", skin.dim)
    )
    row = left(head, grid.label, skin)
    for each, cells in zip(grid.rounds, grid.cells, strict=True):
        scores = [cells[slot].score for slot in slots if slot in cells]
        known = [score for score in scores if score is not None]
        row.append(glyphs.resampled if each.resampled else " ", skin.dim or None)
        row.append_text(score_cell(sum(known) / len(known) if known else None, skin))
    weights = [lane.weight for slot in slots if (lane := grid.cells[-1].get(slot)) is not None and lane.weight is not None]
    return row.append_text(_weight(sum(weights) if weights else None, grid))


def _heaviest(lanes: Lanes, ancestors: Mapping[int, int]) -> float:
    weights: dict[int, float] = {}
    for lane in lanes.rounds[-1].lanes:
        key = ancestors.get(lane.slot, lane.slot)
        weights[key] = weights.get(key, 0.0) + (lane.weight or 0.0)
    return max([*weights.values(), 0.0]) or 1.0


def _ancestors(lanes: Lanes) -> dict[int, int]:
    """By slot of the last round the one of the first round that is kept which it comes from."""
    found: dict[int, int] = {}
    for each in lanes.rounds:
        before = dict(found)
        found = {}
        for lane in each.lanes:
            parent = lane.slot if lane.parent is None else lane.parent
            found[lane.slot] = before.get(parent, parent)
    return found


def _pruned(lanes: Lanes, grid: _Grid, width: int, chosen: int) -> list[Text]:
    """What fell off the beam in a round, best first."""
    skin = grid.skin
    fallen = [lane for each in lanes.rounds if each.number == chosen for lane in each.lanes if lane.state == "pruned"]
    lines = []
    for lane in sorted(fallen, key=lambda lane: -1.0 if lane.score is None else lane.score, reverse=True):
        parent = "" if lane.parent is None else f"{skin.glyphs.copied}{grid.name(lane.parent)}"
        line = words((f"{skin.glyphs.pruned} ", skin.dim)).append_text(score_cell(lane.score, skin))
        line.append(f" {number(lane.score):>3} {parent:<{grid.digits + 2}} ", skin.dim or None)
        lines.append(line.append(one_line(lane.step, max(0, width - line.cell_len), skin), skin.dim or None))
    return lines


def _legend(lanes: Lanes, width: int, skin: Skin) -> list[Text]:
    glyphs = skin.glyphs
    letter = "p" if lanes.method == "particles" else "b"
    signs = [(f"{glyphs.copied}{letter}NN", "copied from")]
    if lanes.method == "particles":
        signs = [(glyphs.resampled, "resampled"), (glyphs.dropped, "dropped"), *signs]
    else:
        signs.append((glyphs.pruned, "pruned"))
    return flowed([words((f"{sign} {word}", skin.dim)) for sign, word in signs], width, skin)[:1]
