"""What is said where the terminal has no room for anything else."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widgets import Static

from ..keys import keys_of

WIDTH, HEIGHT = 60, 15
"""Cells that are needed."""


def too_small(size: Size) -> bool:
    """Whether there is too little room."""
    return size.width < WIDTH or size.height < HEIGHT


class SmallScreen(ModalScreen[None]):
    """Says so until there is more room; what was begun below stays as it is."""

    DEFAULT_CSS = """
    SmallScreen { align: center middle; background: $background; }
    SmallScreen Static { width: auto; max-width: 100%; height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(each.key, "app.quit", each.label, show=False, id=each.id) for each in keys_of("everywhere") if each.id == "quit"
    ]

    def compose(self) -> ComposeResult:
        """One text."""
        yield Static(id="said", markup=False)

    def on_resize(self) -> None:
        """Say how much is there."""
        size = self.app.size
        said = f"This needs {WIDTH} × {HEIGHT} cells;\nthe terminal has {size.width} × {size.height}.\n\nq leaves, runs go on."  # noqa: RUF001
        self.query_one(Static).update(said)
