"""A line of text that is drawn anew only when it says something else."""

from __future__ import annotations

from rich.text import Text
from textual.widget import Widget


class Line(Widget):
    """One line; nothing where nothing was said."""

    DEFAULT_CSS = "Line { height: 1; }"

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(id=id)
        self._text = Text()

    def say(self, text: Text) -> None:
        """Show a text. The same again costs nothing: a ``Static`` would have the whole screen laid out anew."""
        if text != self._text:
            self._text = text
            self.refresh()

    def render(self) -> Text:
        """The line."""
        return self._text
