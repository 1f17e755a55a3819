"""Models that are here, served, or to be had, and what can be done with each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Footer, Input

from ...core.errors import UsageError
from ..finding import has_words, words_of
from ..render.lines import words
from ..render.shelf import detail_lines, head_line, machine_line, row_line
from ..shelf import Row
from ..widgets.bound import bindings
from ..widgets.lines import Lazy, LinePane
from ..widgets.top import TopBar
from .base import DeskScreen
from .dialogs.confirm import Confirm

_EVERY = 5.0
"""Seconds between two looks at what other programs change."""


class ModelsScreen(DeskScreen):
    """See the module."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("models")
    DEFAULT_CSS = """
    ModelsScreen #shelf { height: 1fr; min-height: 6; }
    ModelsScreen #model { height: 10; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[Row, ...] = ()

    def compose(self) -> ComposeResult:
        """Title, table, what is known of one."""
        yield TopBar(self._title)
        yield LinePane("Models", self._draw_rows, id="shelf", picks=True, heads=1)
        yield LinePane("", self._draw_model, id="model")
        yield Input(placeholder="words that must be there", id="search", compact=True)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """The table has the keys."""
        self.table.focus()
        self.set_interval(_EVERY, self._look)

    def on_screen_resume(self) -> None:
        """Other programs pull and serve models too."""
        self._look()

    @work(group="look", exclusive=True)
    async def _look(self) -> None:
        if self.is_current:
            await self.its_app.shelf.look()

    @property
    def table(self) -> LinePane:
        """The table."""
        return self.query_one("#shelf", LinePane)

    @property
    def row(self) -> Row | None:
        """The model under the cursor."""
        place = self.table.cursor
        return self._rows[place] if place < len(self._rows) else None

    # Drawing

    def redraw(self) -> None:
        """The table as it is now; the cursor stays on its model."""
        stock, row = self.its_app.shelf.stock, self.row
        sought = words_of(self.query_one("#search", Input).value)
        rows = () if stock is None else stock.rows
        self._rows = tuple(row for row in rows if has_words(f"{row.name} {row.spec.note}", sought))
        table = self.table
        table.redraw()
        names = [row.name for row in self._rows]
        if row is not None and row.name in names:
            table.cursor = names.index(row.name)
        self.query_one("#model", LinePane).redraw()
        self.query_one(TopBar).refresh()

    def _title(self, width: int) -> Text:
        shelf, skin = self.its_app.shelf, self.skin
        if shelf.fault is not None:
            return words((f"! {shelf.fault}", skin.bad))
        if shelf.stock is None:
            return words(("looking at this machine …", skin.dim))
        return machine_line(shelf.stock.machine, width, skin)

    def _draw_rows(self, width: int, _height: int) -> Sequence[Text]:
        rows, jobs, skin = self._rows, self.its_app.shelf.jobs, self.skin
        if not rows:
            told = "looking …" if self.its_app.shelf.stock is None else "no model has these words"
            return [head_line(width, skin), words((told, skin.dim))]
        head = head_line(width, skin)
        return Lazy(
            len(rows) + 1,
            lambda at: head if at == 0 else row_line(rows[at - 1], jobs.get(rows[at - 1].name), width, skin),
        )

    def _draw_model(self, width: int, _height: int) -> Sequence[Text]:
        row = self.row
        return () if row is None else detail_lines(row, self.its_app.shelf.jobs.get(row.name), width, self.skin)

    @on(LinePane.Moved, "#shelf")
    def _another(self) -> None:
        self.query_one("#model", LinePane).redraw()

    # Searching

    def action_search(self) -> None:
        """Show the line in which words are looked for."""
        field = self.query_one("#search", Input)
        field.display = True
        field.focus()

    @on(Input.Changed, "#search")
    def _search(self) -> None:
        self.redraw()

    @on(Input.Submitted, "#search")
    def _searched(self) -> None:
        self.table.focus()

    def leave(self) -> bool:
        """Out of the search; whether there was one."""
        field = self.query_one("#search", Input)
        if not field.display:
            return False
        field.value, field.display = "", False
        self.table.focus()
        return True

    # What can be done with a model

    @on(LinePane.Opened, "#shelf")
    def _open(self) -> None:
        """The next thing that makes sense: to have it, else to take it."""
        row = self.row
        if row is not None:
            job = self.its_app.shelf.jobs.get(row.name)
            to_have = row.standing is not None and row.standing.value == "to_pull"
            if job is None or not job.going:
                self.action_pull() if to_have else self.action_use()

    def action_pull(self) -> None:
        """Download the model, or stop doing so."""
        row = self.row
        if row is None:
            return
        if row.spec.weights is None or (row.standing is not None and row.standing.value != "to_pull"):
            where = "its weights are here already" if row.spec.weights is not None else "it runs at its provider or server"
            self._refuse(f"{row.name} cannot be downloaded", where)
        else:
            self.its_app.shelf.pull(row)
            self.redraw()

    def action_serve(self) -> None:
        """Serve the model by a process of its own."""
        row = self.row
        if row is None:
            return
        if row.engine is not None:
            self._refuse(f"{row.name} is served already", str(row.engine.endpoint or "it is starting"))
        else:
            self.its_app.shelf.serve(row)
            self.redraw()

    @work(group="dialog", exclusive=True)
    async def action_stop(self) -> None:
        """End the engine that serves the model, after asking again."""
        row = self.row
        if row is None:
            return
        if row.engine is None:
            self._refuse(f"{row.name} is not served here", "only what `models serve` started can be stopped")
            return
        told = "Runs that ask it wait for their calls in vain, and say so. Its weights stay here."
        if await self.app.push_screen_wait(Confirm(f"Stop serving {row.name}?", told, yes="stops it")):
            self.its_app.shelf.stop(row)
            self.redraw()

    @work(group="use", exclusive=True)
    async def action_use(self) -> None:
        """Take the model where no other is named."""
        row = self.row
        if row is None:
            return
        if row.standing is not None and row.standing.value == "to_pull":
            self._refuse(f"the weights of {row.name} are not here", "pull them first")
            return
        await self.attempt(self.its_app.shelf.use(row), f"{row.name} is taken where no other model is named")

    def _refuse(self, what: str, why: str) -> None:
        self.its_app.tell(UsageError(what, hint=why))
