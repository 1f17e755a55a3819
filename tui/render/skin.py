"""Colours by what they mean, and the signs that double every one of them: nothing is told by colour alone.

Scores go from blue (high) through grey to orange (low), which people who see no red or no green can tell apart. A style is what
Rich calls one: a colour, an attribute such as ``bold``, or nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from ...core.result import RunState

_SHADES = 16
"""Shades of a ramp: more cannot be told apart, and every one is a style that is remembered."""


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Signs, each one cell wide where nothing else is said."""

    heights: str = "▁▂▃▄▅▆▇█"
    """Of a bar that stands, lowest first."""
    lengths: str = "▏▎▍▌▋▊▉█"
    """Of a bar that lies, in equal parts of a cell; a single sign fills whole cells only."""
    fills: str = "█▓▒░"
    """Of the parts of one bar."""
    used: str = "━"
    """Of a gauge: thin, so that gauges under each other do not run together."""
    track: str = "─"
    """What of a gauge is still free."""
    hard: str = "▓"
    """A gauge that has met its cap."""
    unscored: str = "·"
    refused: str = "?"
    resampled: str = "┆"
    dropped: str = "†"
    copied: str = "←"
    pruned: str = "✂"
    best: str = "★"
    here: str = "←"
    rejected: str = "✗"
    stalled: str = "…"
    busy: str = "●"
    idle: str = "○"
    picked: str = "▸"
    differs: str = "≠"
    up: str = "↑"
    down: str = "↓"
    about: str = "≈"
    arrow: str = "→"
    prime: str = "′"  # noqa: RUF001 - as steps that were written anew are numbered
    cursor: str = "▌"
    ellipsis: str = "…"
    """One or two cells."""
    dot: str = " · "
    """Between things of a line; three cells."""
    rule: str = "─"
    pipe: str = "│"
    opened: str = "▾"
    closed: str = "▸"
    queued: str = "○"
    running: str = "●"
    paused: str = "‖"
    waiting: str = "?"
    interrupted: str = "◌"
    finished: str = "■"

    def state(self, state: RunState) -> str:
        """The sign of a run's state."""
        sign: str = getattr(self, state.value)
        return sign


UNICODE = Glyphs()
ASCII = Glyphs(
    heights="_,-~=+*#",
    lengths="#",
    fills="#=+-",
    used="=",
    track="-",
    hard="%",
    unscored=".",
    resampled=":",
    dropped="x",
    copied="<",
    pruned="/",
    best="*",
    here="<",
    rejected="X",
    stalled="~",
    busy="*",
    idle="o",
    picked=">",
    differs="!",
    up="^",
    down="v",
    about="~",
    arrow=">",
    prime="'",
    cursor="_",
    ellipsis="..",
    dot=" - ",
    rule="-",
    pipe="|",
    opened="v",
    closed=">",
    queued="o",
    running="*",
    paused="=",
    waiting="?",
    interrupted="!",
    finished="#",
)


@dataclass(frozen=True, slots=True)
class Skin:
    """Styles by meaning, and signs."""

    name: str
    ground: str
    """The background that it is made for; empty where that is the terminal's own."""
    text: str
    dim: str
    """What is read second."""
    accent: str
    """What is chosen, or moves."""
    high: str
    mid: str
    low: str
    good: str
    warn: str
    bad: str
    person: str
    """What a person did."""
    glyphs: Glyphs = UNICODE

    def ramp(self, value: float | None) -> str:
        """Style of a score in [0, 1]: blue where it is high, orange where it is low; dim where there is none."""
        if value is None or math.isnan(value):
            return self.dim
        place = min(1.0, max(0.0, value))
        if not all(shade.startswith("#") for shade in (self.high, self.mid, self.low)):
            return (self.low, self.mid, self.high)[min(2, int(place * 3))]
        place = round(place * (_SHADES - 1)) / (_SHADES - 1)
        if place < 0.5:
            return _between(self.low, self.mid, place * 2)
        return _between(self.mid, self.high, place * 2 - 1)

    def without_colour(self) -> Skin:
        """The same with attributes only, as ``NO_COLOR`` asks for."""
        return replace(
            self,
            text="",
            dim="dim",
            accent="bold",
            high="",
            mid="",
            low="",
            good="bold",
            warn="bold",
            bad="bold",
            person="underline",
        )

    def with_ascii(self) -> Skin:
        """The same with signs that every terminal has."""
        return replace(self, glyphs=ASCII)


def _between(one: str, other: str, share: float) -> str:
    """The colour that lies ``share`` of the way from one to the other, both as #rrggbb."""
    pairs = ((int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (1, 3, 5))
    return "#" + "".join(f"{round(start + (end - start) * share):02x}" for start, end in pairs)


SKINS: Mapping[str, Skin] = MappingProxyType(
    {
        "dark": Skin(
            name="dark",
            ground="#14171a",
            text="#e4e6e8",
            dim="#969ea6",
            accent="#7cc4ff",
            high="#4aa8ff",
            mid="#a3a3a3",
            low="#f2913d",
            good="#4cc2a0",
            warn="#e3b341",
            bad="#ff7b5c",
            person="#d6a2f5",
        ),
        "light": Skin(
            name="light",
            ground="#fafaf7",
            text="#1d2126",
            dim="#5d646c",
            accent="#0058a8",
            high="#0b62b8",
            mid="#6a6a6a",
            low="#ad4a00",
            good="#00694e",
            warn="#805500",
            bad="#b3261e",
            person="#7a3aa8",
        ),
        "contrast": Skin(
            name="contrast",
            ground="#000000",
            text="#ffffff",
            dim="#c4c4c4",
            accent="#8fd0ff",
            high="#6fbcff",
            mid="#c8c8c8",
            low="#ffb057",
            good="#5ee0b8",
            warn="#ffd75e",
            bad="#ff9d85",
            person="#e6bcff",
        ),
        "ansi": Skin(
            name="ansi",
            ground="",
            text="",
            dim="dim",
            accent="bold bright_blue",
            high="bright_blue",
            mid="",
            low="bright_red",
            good="green",
            warn="bold magenta",
            bad="bold red",
            person="magenta",
        ),
    }
)
"""By name. ``ansi`` takes the terminal's own colours, and no yellow: it cannot be read on white."""
