"""The names of the panes in one line, where there is room for one pane only."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text

from .lines import fit, words
from .skin import Skin


def tabs(panes: Mapping[str, str], shown: str, width: int, skin: Skin) -> Text:
    """Titles by id; the one that is shown stands out."""
    return fit(
        words(*((f" {title} ", f"bold {skin.accent} reverse" if name == shown else skin.dim) for name, title in panes.items())),
        width,
        skin,
    )
