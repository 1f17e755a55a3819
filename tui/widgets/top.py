"""The line on top: what the run is, where it is, and what it costs."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual.widget import Widget


class TopBar(Widget):
    """One line, drawn for its width."""

    def __init__(self, draw: Callable[[int], Text]) -> None:
        super().__init__()
        self._draw = draw

    def render(self) -> Text:
        """The line."""
        return self._draw(self.size.width)
