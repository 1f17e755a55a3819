"""Choosing one of several things, by searching as one types."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import ClassVar, NamedTuple

from rich.text import Text
from textual import on, work
from textual.binding import Binding, BindingType
from textual.fuzzy import FuzzySearch
from textual.widget import Widget
from textual.widgets import Input, Static

from ....core.errors import SymposiaError
from ...item import Item
from ...render.inert import inert
from ...render.picking import column_of, item_line
from ...widgets.lines import LinePane
from .dialog import Dialog

Load = Callable[[], Awaitable[Sequence[Item]]]
"""Finds out what there is to choose from; the dialog is there meanwhile."""
Typed = Callable[[str], Item | None]
"""What was typed, as something to choose; None where it is only a search."""


class Found(NamedTuple):
    """An item that a search found, with the places in its label of the characters that were typed."""

    item: Item
    places: Sequence[int] = ()


def found(items: Sequence[Item], query: str) -> list[Found]:
    """The items that have the typed characters in this order in their label, the best first; then those with the words in
    their detail. Everything, in its own order, where nothing was typed.
    """
    query = query.strip()
    if not query:
        return [Found(item) for item in items]
    search = FuzzySearch()
    hits = [(*search.match(query, item.label), item) for item in items]
    hits = sorted((each for each in hits if each[0] > 0), key=lambda each: -each[0])
    taken, parts = {item.id for *_, item in hits}, query.casefold().split()
    told = [item for item in items if item.id not in taken and all(part in item.detail.casefold() for part in parts)]
    return [*(Found(item, places) for _, places, item in hits), *map(Found, told)]


def of(items: Sequence[Item]) -> Load:
    """For what needs no finding out."""

    async def load() -> Sequence[Item]:
        return items

    return load


class Picker(Dialog[str | None]):
    """Gives the id of what was chosen, None where nothing was.

    Args:
        title: what is chosen.
        load: see :data:`Load`.
        chosen: the id of what is chosen now.
        typed: see :data:`Typed`.
        hint: what to type.
        clock: as for every dialog.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "move(1)", "down", show=False),
        Binding("up", "move(-1)", "up", show=False),
        Binding("pagedown", "move(10)", "page down", show=False),
        Binding("pageup", "move(-10)", "page up", show=False),
    ]

    def __init__(
        self,
        title: str,
        load: Load,
        *,
        chosen: str | None = None,
        typed: Typed | None = None,
        hint: str = "type to search",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(title, clock=clock)
        self._load = load
        self._chosen = chosen
        self._typed = typed
        self._hint = hint
        self._items: Sequence[Item] = ()
        self._found: list[Found] = []
        self._said = "looking …"

    def parts(self) -> Iterable[Widget]:
        """What is typed, what it finds, and more of what is under the cursor."""
        yield Input(placeholder=self._hint, id="query", compact=True)
        pane = LinePane("", self._draw, id="items", picks=True)
        pane.can_focus = False
        yield pane
        yield Static(id="told")

    def on_mount(self) -> None:
        """Find out."""
        self.query_one("#box").border_subtitle = "enter takes it · esc leaves it"
        self._find_out()

    @work
    async def _find_out(self) -> None:
        try:
            self._items = await self._load()
            self._said = "nothing is found" if self._items else "there is nothing to choose from"
        except SymposiaError as error:
            self._said = f"it cannot be listed: {error}"
        self._search()
        places = [place for place, each in enumerate(self._found) if each.item.id == self._chosen]
        if places and not self.query_one(Input).value:
            self.query_one(LinePane).cursor = places[0]
        self._tell()

    @on(Input.Changed, "#query")
    def _search(self) -> None:
        query = self.query_one(Input).value
        self._found = found(self._items, query)
        own = self._typed(query.strip()) if self._typed is not None and query.strip() else None
        if own is not None and all(own.id != each.item.id for each in self._found):
            # What cannot be used yet is no reason to hide what can.
            self._found = [*self._found, Found(own)] if own.disabled else [Found(own), *self._found]
        pane = self.query_one(LinePane)
        pane.redraw()
        self.call_after_refresh(pane.redraw)  # a bar at its side may have come or gone
        pane.cursor = 0
        self._tell()

    def _draw(self, width: int, _height: int) -> Sequence[Text]:
        if not self._found:
            return [Text(inert(self._said), style=self.skin.dim)]
        column = column_of((each.item for each in self._found), width)
        return [item_line(each.item, each.places, column, width, self.skin) for each in self._found]

    @property
    def _current(self) -> Item | None:
        place = self.query_one(LinePane).cursor
        return self._found[place].item if place < len(self._found) else None

    @on(LinePane.Moved)
    def _tell(self) -> None:
        item, told = self._current, Text()
        if item is not None and item.disabled:
            told = Text(f"{self.skin.glyphs.rejected} {inert(item.disabled)}", style=self.skin.warn)
        elif item is not None:
            told = Text(inert(item.detail), style=self.skin.dim)
        self.query_one("#told", Static).update(told)

    def action_move(self, step: int) -> None:
        """Up or down."""
        pane = self.query_one(LinePane)
        pane.cursor = max(0, min(pane.cursor + step, len(self._found) - 1))

    @on(Input.Submitted, "#query")
    @on(LinePane.Opened)
    def _take(self) -> None:
        item = self._current
        if item is not None and not item.disabled:
            self.dismiss(item.id)
