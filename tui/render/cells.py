"""The small things that everything else is drawn with: scores, bars, sparklines, amounts."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from rich.text import Text

from ..store.burn import Spend
from .inert import one_line
from .lines import GAP, joined, packed, words
from .skin import Skin

_UNITS = ((1e9, "G"), (1e6, "M"), (1e3, "k"))
_LABEL = 20
_NARROWEST = 8
"""Cells of a stacked bar that are worth drawing."""


def score_cell(value: float | None, skin: Skin, *, refused: bool = False) -> Text:
    """A score in [0, 1] in one cell: its height and its colour both say how high. One that is missing is never drawn as 0."""
    if refused:
        return words((skin.glyphs.refused, skin.warn))
    if value is None or math.isnan(value):
        return words((skin.glyphs.unscored, skin.dim))
    return words((skin.glyphs.heights[_level(value)], skin.ramp(value)))


def number(value: float | None) -> str:
    """A score in three characters: ``.74``, ``1.0``; empty where there is none."""
    if value is None or math.isnan(value):
        return ""
    shown = f"{value:.2f}"
    return shown[1:] if shown.startswith("0") else shown[:3] if shown == "1.00" else shown


def spark(series: Sequence[float], width: int, skin: Skin) -> Text:
    """Amounts over time as bars that stand, the newest at the right edge. Neighbours are joined where there are too many.

    An interval without anything is blank; any other has at least the lowest bar.
    """
    shown = _joined_up(series, max(0, width))
    top = max(shown, default=0.0)
    heights = skin.glyphs.heights
    bars = "".join(heights[min(7, math.ceil(each / top * 8) - 1)] if each > 0 else " " for each in shown)
    return words(" " * (width - len(bars)), (bars, skin.accent))


def bar(share: float, width: int, skin: Skin, colour: str) -> Text:
    """A bar that lies, in exactly ``width`` cells: blanks fill it up. What is more than nothing is drawn."""
    shown = _filled(share, width, skin)
    return words((shown, colour), " " * (width - len(shown)))


def gauge(share: float, width: int, skin: Skin, *, hard: bool = False) -> Text:
    """How much of a cap is used: a bar on a track. One that has met its cap has a pattern, not only a colour."""
    glyphs = skin.glyphs
    if hard:
        return words((glyphs.hard * max(0, width), skin.bad))
    share = 0.0 if math.isnan(share) else min(1.0, max(0.0, share))
    whole = min(width, max(int(share > 0), round(share * width)))
    style = skin.warn if share >= 0.8 else skin.accent
    return words((glyphs.used * whole, style), (glyphs.track * (width - whole), skin.dim))


def stacked(parts: Sequence[tuple[str, float, str]], width: int, skin: Skin) -> Text:
    """Shares of one whole, largest first: a bar, and what its parts are. Parts differ by sign as well as by colour.

    ``parts`` are label, share and style. Small ones lose their words where these do not fit; the fourth stands for all others.
    """
    kept = _at_most_four(sorted((part for part in parts if part[1] > 0), key=lambda part: -part[1]), skin)
    if not kept:
        return words()
    whole = sum(share for _, share, _ in kept)
    fills = skin.glyphs.fills
    legend = [
        words((fills[at], style), f" {one_line(label, _LABEL, skin)} {share / whole:.0%}")
        for at, (label, share, style) in enumerate(kept)
    ]
    room = width - _NARROWEST - len(GAP)
    said = packed(legend, room) if legend[0].cell_len <= room else words()
    cells = max(0, width - (said.cell_len + len(GAP) if said.plain else 0))
    ends = [round(sum(share for _, share, _ in kept[: at + 1]) / whole * cells) for at in range(len(kept))]
    drawn = words()
    for at, (_, _, style) in enumerate(kept):
        drawn.append(fills[at] * (ends[at] - (ends[at - 1] if at else 0)), style or None)
    return joined((drawn, said))


def tokens(count: float) -> str:
    """An amount in at most five characters or so: ``999``, ``12.4k``, ``128k``, ``1.2M``."""
    for size, unit in _UNITS:
        if count >= size * 0.99995:
            amount = count / size
            return f"{amount:.0f}{unit}" if amount >= 99.95 else f"{amount:.1f}".removesuffix(".0") + unit
    return f"{count:.0f}"


def dollars(spend: Spend) -> str:
    """What calls cost. Those whose price is unknown are counted: they are never free by guess."""
    unpriced = f"{spend.unpriced_calls} unpriced call{'s' * (spend.unpriced_calls != 1)}"
    if spend.unpriced_calls and spend.unpriced_calls >= spend.calls:
        return unpriced
    return money(spend.dollars) + (f" + {unpriced}" if spend.unpriced_calls else "")


def money(amount: float) -> str:
    """Dollars, with as many places as say something."""
    if amount >= 100:
        return f"${amount:,.0f}"
    return f"${amount:.2f}" if amount >= 10 or amount == 0 else f"${amount:.3f}" if amount >= 0.01 else f"${amount:.4f}"


def span(seconds: float) -> str:
    """A time in its two largest units: ``12s``, ``1m12s``, ``2h05m``, ``3d04h``."""
    if not math.isfinite(seconds):
        return "?"
    whole = max(0, round(seconds))
    for size, unit, part, name in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // part:02d}{name}"
    return f"{whole}s"


def _level(value: float) -> int:
    return min(7, max(0, int(value * 8)))


def _filled(share: float, width: int, skin: Skin) -> str:
    """The part of ``width`` cells that is filled, to as small a part of a cell as there is a sign for."""
    lengths = skin.glyphs.lengths
    share = 0.0 if math.isnan(share) else min(1.0, max(0.0, share))
    if width <= 0 or share == 0.0:
        return ""
    units = max(1, round(share * width * len(lengths)))
    whole, rest = divmod(units, len(lengths))
    return lengths[-1] * whole + (lengths[rest - 1] if rest else "")


def _joined_up(series: Sequence[float], width: int) -> list[float]:
    """At most ``width`` amounts, each the mean of its neighbours."""
    clean = [each if math.isfinite(each) and each > 0 else 0.0 for each in series]
    if len(clean) <= width:
        return clean
    ends = [len(clean) * at // width for at in range(width + 1)] if width else []
    return [sum(clean[start:end]) / (end - start) for start, end in pairwise(ends)]


def _at_most_four(parts: list[tuple[str, float, str]], skin: Skin) -> list[tuple[str, float, str]]:
    most = len(skin.glyphs.fills)
    if len(parts) <= most:
        return parts
    return [*parts[: most - 1], ("others", sum(share for _, share, _ in parts[most - 1 :]), skin.dim)]
