"""All runs, newest first, and a place to ask a question."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.widgets import Footer, Input

from ...core.records import RunRecord
from ..render.inert import one_line
from ..render.lines import fit, words
from ..render.runs import COLUMNS, run_cells
from ..render.table import Column, fitted, line
from ..widgets.bound import bindings
from ..widgets.composer import Composer
from ..widgets.lines import Lazy, LinePane
from ..widgets.top import TopBar
from ..widgets.welcome import Welcome
from .composing import Composing

_WIDTHS = {
    "RUN": Column(12, drop=1),
    "STATE": Column(13),
    "ANSWER": Column(14),
    "SURE": Column(9, drop=3),
    "STRATEGY": Column(20, drop=4),
    "MODEL": Column(20, drop=5),
    "COST": Column(8, drop=2),
    "AGE": Column(4),
    "QUESTION": Column(20, grows=True),
}
_SORTS = ("newest", "state", "strategy", "model", "answer")


class RunsScreen(Composing):
    """See the module."""

    BINDINGS = bindings("runs")

    def __init__(self) -> None:
        super().__init__()
        self._sort = _SORTS[0]
        self._shown: list[RunRecord] = []
        self._begun = False

    def compose(self) -> ComposeResult:
        """Title, table, draft."""
        yield TopBar(self._title)
        yield LinePane("Runs", self._draw_runs, id="runs", picks=True, heads=1)
        yield Welcome(self.its_app.shelf, lambda: self.key("open"))
        yield Input(placeholder="words that must be there; !word must not", id="search", compact=True)
        yield Composer()
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """The list has the keys."""
        remembered = self.its_app.remembered.sort
        self._sort = remembered if remembered in _SORTS else _SORTS[0]
        self.query_one("#search").display = self.query_one(Welcome).display = False
        self.query_one(LinePane).focus()
        self.set_interval(1.0, self.its_app.touch)

    def redraw(self) -> None:
        """The list as it is now."""
        roster = self.its_app.roster
        selected = self.selected
        self._shown = self._sorted(self._found(roster.records if roster is not None else ()))
        pane = self.query_one(LinePane)
        pane.border_subtitle = self._sort if self._sort != _SORTS[0] else ""
        pane.redraw()
        if selected is not None:  # the cursor stays on its run, wherever that goes
            places = [place for place, record in enumerate(self._shown) if record.id == selected.id]
            pane.cursor = places[0] if places else min(pane.cursor, max(0, len(self._shown) - 1))
        self.query_one(TopBar).refresh()
        self.redraw_chips()
        self._welcome(empty=roster is not None and roster.loaded and not roster.records)

    def _welcome(self, *, empty: bool) -> None:
        """Lead to a first answer where there is no run yet."""
        page, pane = self.query_one(Welcome), self.query_one(LinePane)
        if page.display != empty:
            page.display, pane.display = empty, not empty
            if empty:
                self.run_worker(self.its_app.shelf.look(), group="welcome", exclusive=True)
            if self.focused in {None, page, pane}:
                (page if empty else pane).focus()
            self.call_after_refresh(self.redraw)  # it has no width while it is hidden
        if empty:
            page.redraw(self.skin)

    @on(Welcome.Example)
    def _example(self, event: Welcome.Example) -> None:
        composer = self.query_one(Composer)
        composer.write(event.text)
        composer.action_write()

    @property
    def selected(self) -> RunRecord | None:
        """The run under the cursor."""
        place = self.query_one(LinePane).cursor
        return self._shown[place] if 0 <= place < len(self._shown) else None

    def _found(self, records: Sequence[RunRecord]) -> list[RunRecord]:
        words = self.query_one("#search", Input).value.casefold().split()
        if not words:
            return list(records)
        return [record for record in records if _has(record, words)]

    def _sorted(self, records: list[RunRecord]) -> list[RunRecord]:
        keys = {
            "state": lambda each: each.state,
            "strategy": lambda each: each.spec.strategy,
            "model": lambda each: each.spec.models["policy"].name,
            "answer": lambda each: (each.result.answer if each.result is not None else None) or "",
        }
        return sorted(records, key=keys[self._sort]) if self._sort in keys else records

    def _draw_runs(self, width: int, _height: int) -> Sequence[Text]:
        columns = fitted(_WIDTHS, width)
        now, skin = self.its_app.now, self.skin
        head = line([words((name, f"bold {skin.dim}".strip())) for name in COLUMNS], columns)
        if not self._shown:
            return [head, Text(), *self._nothing(width)]
        return Lazy(
            len(self._shown) + 1,
            lambda place: head if place == 0 else line(run_cells(self._shown[place - 1], now, skin), columns),
        )

    def _nothing(self, width: int) -> list[Text]:
        app = self.its_app
        if app.fault is not None:
            said = f"The store cannot be opened: {app.fault}. It is tried again."
        elif app.roster is None or not app.roster.loaded:
            said = "opening the store …"
        elif self.query_one("#search", Input).value:
            said = "No run has these words. Escape shows all."
        else:
            said = "No runs yet. Press a and ask a question."
        return [words((f"  {one_line(said, width - 2, self.skin)}", self.skin.dim))]

    def _title(self, width: int) -> Text:
        app, skin = self.its_app, self.skin
        records = app.roster.records if app.roster is not None else []
        going = sum(record.owner is not None for record in records)
        facts = [f"{len(records):,} runs"] + ([f"{going} going on"] if going else [])
        fault = app.fault or (app.roster.fault if app.roster is not None else None)
        told = (f"  ! {one_line(fault, width, skin)}; trying again", skin.bad) if fault is not None else ""
        name = (" symposia ", f"bold {skin.accent} reverse".strip())
        return fit(words(name, ("  " + skin.glyphs.dot.join(facts), skin.dim), told), width, skin)

    # Keys

    @on(LinePane.Opened)
    def _open(self) -> None:
        if self.selected is not None:
            self.its_app.look_at(self.selected.id)

    def action_sort(self) -> None:
        """Sort by the next column."""
        self._sort = _SORTS[(_SORTS.index(self._sort) + 1) % len(_SORTS)]
        self.its_app.remembered = self.its_app.remembered.model_copy(update={"sort": self._sort})
        self.redraw()

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
        self.query_one(LinePane).focus()

    def leave(self) -> bool:
        """Out of the text or the search; whether there was any."""
        field = self.query_one("#search", Input)
        if field.display and (field.value or self.focused is field):
            field.value, field.display = "", False
        elif self.focused in {self.query_one(LinePane), self.query_one(Welcome)}:
            return False
        page = self.query_one(Welcome)
        (page if page.display else self.query_one(LinePane)).focus()
        return True


def _has(record: RunRecord, words: Sequence[str]) -> bool:
    result, spec = record.result, record.spec
    parts = [record.id, record.state, spec.strategy, spec.problem.question, (result.answer if result else None) or ""]
    text = " ".join([*parts, *(model.name for model in spec.models.values())]).casefold()
    return all((word[1:] not in text) if word.startswith("!") and len(word) > 1 else word in text for word in words)
