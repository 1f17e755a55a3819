"""The strip over a draft: what people asked of the run."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from ..render.skin import Skin
from ..render.wishes import Strip, wish_lines


class Wishes(Static):
    """Takes no room where there is nothing to tell."""

    _told = Text()

    def tell(self, strip: Strip, keys: tuple[str, str], now: float, skin: Skin) -> None:
        """Show it; for the keys see :func:`wish_lines`."""
        # It has no width while it is hidden.
        width = (self.content_size.width if self.display else 0) or max(1, self.screen.size.width - 2)
        lines = wish_lines(strip, keys, now, width, skin)
        text = Text("\n", no_wrap=True).join(lines)
        if text != self._told:  # each update has the whole screen laid out anew
            self._told, self.display = text, bool(lines)
            self.update(text)
