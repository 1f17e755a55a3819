"""What each key does, those of the screen below first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from ..keys import keys_of
from ..render.keynames import help_lines
from ..widgets.lines import LinePane
from .base import its_app

_CLOSE = frozenset({"help", "up", "quit", "open"})
_KEPT = frozenset({"down", "above", "first", "last", "theme"})
_WIDE = 100
"""Cells in which there is room for the names that settings have for keys."""


class HelpScreen(ModalScreen[None]):
    """The table of keys.

    Args:
        here: the screen that it was called on.
        changed: the keys of the settings, by name.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(each.key, "close" if each.id in _CLOSE else f"app.{each.action}", each.label, show=False, id=each.id)
        for each in keys_of("everywhere")
        if each.id in _CLOSE | _KEPT
    ]

    DEFAULT_CSS = """
    HelpScreen { align: center middle; background: $background 60%; }
    HelpScreen #help { width: 120; max-width: 100%; height: 100%; max-height: 60; background: $surface; border: round $accent; }
    """

    def __init__(self, here: str, changed: Mapping[str, str]) -> None:
        super().__init__()
        self._here = here
        self._changed = changed

    def compose(self) -> ComposeResult:
        """One pane."""
        pane = LinePane("Keys", self._draw, id="help")
        pane.border_subtitle = "esc closes"
        yield pane

    def on_mount(self) -> None:
        """It scrolls with the keys of every list."""
        self.query_one(LinePane).focus()

    def redraw(self) -> None:
        """Draw it anew."""
        self.query_one(LinePane).redraw()

    def _draw(self, width: int, _height: int) -> Sequence[Text]:
        return help_lines(self._here, self._changed, width, its_app(self).skin, ids=width >= _WIDE)

    def action_close(self) -> None:
        """Back to the screen below."""
        self.dismiss()
