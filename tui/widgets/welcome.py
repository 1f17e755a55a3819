"""The page that leads to a first answer, where there is no run yet."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual.message import Message
from textual.widgets import Static

from ..render.skin import Skin
from ..render.welcome import EXAMPLE, Page, page, welcome_lines
from ..shelf import Job, Shelf, recommended


class Welcome(Static, can_focus=True):
    """Shows the next step; enter takes it.

    Args:
        shelf: the models of this machine.
    """

    DEFAULT_CSS = "Welcome { height: 1fr; padding: 1 3; overflow-y: auto; }"

    class Example(Message):
        """A question is to be put into the draft."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, shelf: Shelf, key: Callable[[], str]) -> None:
        super().__init__(id="welcome")
        self._shelf = shelf
        self._key = key

    def redraw(self, skin: Skin) -> None:
        """The page as it is now."""
        width = max(20, self.content_size.width)
        self.update(Text("\n").join(welcome_lines(self._page, self._job, self._key(), width, skin)))

    @property
    def _job(self) -> Job | None:
        """The download that the page is about."""
        row = None if self._shelf.stock is None else recommended(self._shelf.stock)
        return None if row is None else self._shelf.jobs.get(row.name)

    @property
    def _page(self) -> Page:
        return page(self._shelf.stock, self._job, self._shelf.fault)

    def action_select_cursor(self) -> None:
        """Take the next step."""
        shelf, deed = self._shelf, self._page.deed
        if deed == "example":
            self.post_message(self.Example(EXAMPLE))
        elif deed == "look":
            self.run_worker(shelf.look(), exclusive=True)
        elif deed == "pull" and shelf.stock is not None and (row := recommended(shelf.stock)) is not None:
            shelf.pull(row)
