"""Everything that came of a run, in order, and beside it the text under the cursor, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.widgets import Footer, Input

from ..finding import find, matches, words_of
from ..reading import Read, copied, read, stamp, to_copy
from ..render.diff import diff_lines
from ..render.entries import entry_line, headline, tool_lines
from ..render.inert import inert
from ..render.lines import words
from ..render.panes import tabs
from ..render.steps import StepLine, step_lines
from ..render.top import top_bar
from ..render.wrap import wrapped
from ..store.run import Note, Sample, ToolUse
from ..store.timeline import Entry, Timeline, key_of
from ..widgets.bound import bindings
from ..widgets.line import Line
from ..widgets.lines import Lazy, LinePane
from ..widgets.top import TopBar
from .base import WIDE
from .dialogs.export import export
from .forking import fork
from .scrubbing import Scrubbing

_KEPT = 64
"""Texts that are kept at hand."""
_LONG = 200_000
"""Characters from which on a text is not drawn anew for the figure of the step under the cursor."""


class TraceScreen(Scrubbing):
    """See the module."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("trace")
    DEFAULT_CSS = """
    TraceScreen #trace { height: 1fr; }
    TraceScreen #order { width: 2fr; }
    TraceScreen #steps { width: 3fr; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._timeline = Timeline()
        self._shown: list[Entry] = []
        self._key = ""
        """Of the entry whose text was shown last."""
        self._wanted = ""
        """Of the entry that the cursor shall go to."""
        self._run = ""
        self._texts: dict[str, Read] = {}
        self._words: tuple[str, ...] = ()
        self._found: set[int] = set()
        """Numbers of the events that have the words."""
        self._searching = False
        self._compared = False
        """Whether the difference to what a sample was made from is shown."""
        self._jump = 0
        """Where the next place with the words is looked for once the text is there: 1 down, -1 up."""
        self._pane = "order"
        """The pane that is shown where there is room for one."""
        self._lines: list[StepLine] = []
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        """Title, list and text."""
        yield TopBar(self._title)
        yield Line(id="tabs")
        with Horizontal(id="trace"):
            yield LinePane("Order", self._draw_order, id="order", picks=True)
            yield LinePane("Text", self._draw_text, id="steps", picks=True)
        yield Input(placeholder="words that must be there, in any text of the run", id="search", compact=True)
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """The list has the keys."""
        self.order.focus()

    @property
    def order(self) -> LinePane:
        """The list."""
        return self.query_one("#order", LinePane)

    @property
    def steps(self) -> LinePane:
        """The text."""
        return self.query_one("#steps", LinePane)

    @property
    def entry(self) -> Entry | None:
        """What is under the cursor of the list."""
        place = self.order.cursor
        return self._shown[place] if 0 <= place < len(self._shown) else None

    @property
    def step(self) -> int | None:
        """The step under the cursor of the text, counted from 0; None where there is none, or the list has the keys."""
        place = self.steps.cursor
        has = self.steps.has_focus and 0 <= place < len(self._lines)
        return self._lines[place].step if has else None

    # Drawing

    def on_screen_resume(self) -> None:
        """Something else may have been chosen on another screen."""
        sample, self.its_app.sample = self.its_app.sample, None
        if sample is not None:
            self._wanted = f"sample {sample}"
        self.redraw()

    def redraw(self) -> None:
        """The list with what is new, and the text."""
        feed = self.feed
        if feed is None:
            return
        if self._run != feed.run_id:
            self._run, self._found = feed.run_id, set()
            self._texts.clear()
            if self._words:
                self._search_texts()
        entry = self.entry
        if self._timeline.update(feed.view) or self._drawn is not self._found:
            self._drawn = self._found
            self._list()
            if not self._searching and entry is not None:  # while it is searched, the first that is found is looked at
                self._wanted = self._wanted or key_of(entry)
        self.order.border_title = f"Order ({len(self._shown):,} of {len(self._timeline.entries):,})" if self._words else "Order"
        looking = "searching …" if self._searching else ""
        self.order.border_subtitle = looking or self.scrubbed
        self._lay_out()
        self.order.redraw()
        self._place_cursor()
        self.steps.redraw()
        self.query_one(TopBar).refresh()

    def _list(self) -> None:
        entries = self._timeline.entries
        self._shown = [each for each in entries if matches(each, self._words, self._found)] if self._words else entries

    def _place_cursor(self) -> None:
        """The cursor stays on its entry, wherever that goes."""
        wanted, self._wanted = self._wanted, ""
        if wanted:
            self.order.cursor = next((at for at, each in enumerate(self._shown) if key_of(each) == wanted), self.order.cursor)

    def _lay_out(self) -> None:
        narrow = self.app.size.width < WIDE  # the class comes after the first drawing
        for name in ("order", "steps"):
            self.query_one(f"#{name}").display = not narrow or name == self._pane
        strip = self.query_one("#tabs", Line)
        strip.display = narrow
        if narrow:
            strip.say(tabs({"order": "Order", "steps": "Text"}, self._pane, self.size.width, self.skin))

    def on_resize(self) -> None:
        """There may be room for both."""
        self.call_after_refresh(self.redraw)

    def on_descendant_focus(self) -> None:
        """The step under the cursor stands out while the text has the keys."""
        self.steps.redraw()

    def pane_step(self, step: int) -> None:
        """To the other pane."""
        del step
        self._show("order" if self.steps.has_focus else "steps")  # a click changes panes too

    def _show(self, pane: str) -> None:
        self._pane = pane
        self._lay_out()
        self.set_focus(self.query_one(f"#{pane}"))
        self.redraw()

    def leave(self) -> bool:
        """Out of the search, the difference or the text; whether there was any."""
        field = self.query_one("#search", Input)
        if field.display:
            field.value, field.display = "", False
        elif self._compared:
            self._compared = False
        elif self._pane == "order":
            return False
        self._show("order")
        return True

    def _title(self, width: int) -> Text:
        feed = self.feed
        if feed is None or feed.record is None:
            return words((" opening the run …", self.skin.dim))
        return top_bar(feed.view, feed.record, writing=0, now=self.its_app.now, width=width, skin=self.skin)

    def _draw_order(self, width: int, _height: int) -> Sequence[Text]:
        feed, shown, skin = self.feed, self._shown, self.skin
        if not shown or feed is None:
            return [words(("no text has these words" if self._words else "nothing came of it yet", skin.dim))]
        picked = feed.view.outcome.pick if feed.view.outcome is not None else None
        return Lazy(len(shown), lambda place: entry_line(shown[place], width, skin, picked=picked))

    def _draw_text(self, width: int, _height: int) -> Sequence[Text]:
        entry = self.entry
        self._lines = [] if entry is None else self._text_lines(entry, width)
        if self._words:
            for line in self._lines:
                line.text.highlight_words(self._words, f"{self.skin.accent} reverse".strip(), case_sensitive=False)
        return [line.text for line in self._lines]

    def _text_lines(self, entry: Entry, width: int) -> list[StepLine]:
        skin, app = self.skin, self.its_app
        self.steps.border_title = headline(entry)
        if isinstance(entry, Note):
            return [StepLine(line) for line in wrapped(inert(entry.text), width, skin)]
        text = self._texts.get(key_of(entry))
        feed = self.feed
        if feed is not None and (text is None or text.stamp != stamp(entry, feed.view)):
            self._read(entry)
        if text is None:
            return [StepLine(words(("…", skin.dim)))]
        if isinstance(entry, ToolUse):
            lines = tool_lines(entry, text.called, text.came, width, skin, unfolded=app.tool_output)
            return [StepLine(line) for line in lines]
        if text.candidate is None:
            return [StepLine(words(("its text is not there any more", skin.dim)))]
        if self._compared and text.parent is not None:
            return [StepLine(line) for line in diff_lines(text.parent.text, text.candidate.text, width, skin)]
        return step_lines(
            text.candidate,
            width,
            skin,
            focused=self.step if len(text.candidate.text) < _LONG else None,
            thinking=app.thinking,
            tools=app.tool_output,
            refined=text.refined,
        )

    @work(group="text", exclusive=True)
    async def _read(self, entry: Sample | ToolUse) -> None:
        feed = self.feed
        if feed is None:
            return

        async def take() -> None:
            self._texts[key_of(entry)] = await read(self.desk, feed, entry)

        if await self.attempt(take()):
            while len(self._texts) > _KEPT:
                del self._texts[next(iter(self._texts))]
            self.steps.redraw()
            self._jump_on()

    @on(LinePane.Moved, "#order")
    def _another(self) -> None:
        entry = self.entry
        key = "" if entry is None else key_of(entry)
        if key != self._key:
            self._key, self._compared = key, False
            self.steps.cursor = 0
        self.steps.redraw()
        self._jump_on()

    @on(LinePane.Moved, "#steps")
    def _another_step(self) -> None:
        self.steps.redraw()

    @on(LinePane.Opened, "#order")
    def _open(self) -> None:
        self._show("steps")

    # Searching

    def action_search(self) -> None:
        """Show the line in which words are looked for."""
        field = self.query_one("#search", Input)
        field.display = True
        field.focus()

    @on(Input.Changed, "#search")
    def _search(self, event: Input.Changed) -> None:
        self._words, self._found = words_of(event.value), set()
        self._searching = bool(self._words)
        self.redraw()
        if self._words:
            self.order.cursor = 0
        self._search_texts()

    @on(Input.Submitted, "#search")
    def _searched(self) -> None:
        self._show("order")

    @work(group="search", exclusive=True)
    async def _search_texts(self) -> None:
        feed = self.feed
        if feed is None or not self._words:
            self._searching = False
            return
        self._searching = True

        async def look() -> None:
            async for found in find(self.desk.store, feed.run_id, self._words):
                if found:
                    self._found = self._found | found
                    self.redraw()

        await self.attempt(look())
        self._searching = False
        self.redraw()

    def action_next_match(self, step: int) -> None:
        """To the next place with the words, in this text or in the next one that has them."""
        if not self._words:
            self.action_search()
            return
        places = [at for at, line in enumerate(self._lines) if any(word in line.text.plain.casefold() for word in self._words)]
        here = self.steps.cursor
        ahead = [at for at in places if (at > here if step > 0 else at < here)]
        if ahead:
            self._show("steps")
            self.steps.cursor = ahead[0] if step > 0 else ahead[-1]
        elif 0 <= self.order.cursor + step < len(self._shown):
            self._jump = step
            self.order.cursor += step
        else:
            self.notify("these words stand nowhere else", severity="information")

    def _jump_on(self) -> None:
        entry = self.entry
        if self._jump and entry is not None and (isinstance(entry, Note) or key_of(entry) in self._texts):
            step, self._jump = self._jump, 0
            self.steps.redraw()
            self.steps.cursor = 0 if step > 0 else max(0, len(self._lines) - 1)
            self._show("steps")
            here = self._lines[self.steps.cursor].text.plain.casefold() if self._lines else ""
            if not any(word in here for word in self._words):
                self.action_next_match(step)

    # What can be done with what is under the cursor

    def action_thinking(self) -> None:
        """Show or fold what was thought."""
        self.its_app.thinking = not self.its_app.thinking
        self.redraw()

    def action_tool_output(self) -> None:
        """Show or fold what tools gave."""
        self.its_app.tool_output = not self.its_app.tool_output
        self.redraw()

    def action_diff(self) -> None:
        """Show what a sample changed in the one that it was made from, or its steps again."""
        entry = self.entry
        text = None if entry is None else self._texts.get(key_of(entry))
        if text is None or text.parent is None:
            self.notify("this was made from no other sample", severity="warning")
            return
        self._compared = not self._compared
        self.steps.cursor = 0
        self.redraw()

    def action_copy(self) -> None:
        """Copy the step under the cursor; the whole text where the list has the keys."""
        entry = self.entry
        text = None if entry is None else self._texts.get(key_of(entry))
        what, told = to_copy(entry, text, None if self._compared else self.step)
        if not what or self._compared:
            what, told = "what is shown", "\n".join(line.text.plain for line in self._lines)
        self.app.copy_to_clipboard(copied(told))
        self.notify(f"{len(told):,} characters are in the terminal's clipboard", title=f"copied {what}", markup=False)

    @work(group="dialog", exclusive=True)
    async def action_fork(self) -> None:
        """A new run that goes on from the sample under the cursor."""
        entry = self.entry
        if self.feed is not None:
            await fork(self, self.feed, entry if isinstance(entry, Sample) else None)

    @work(group="dialog", exclusive=True)
    async def action_export(self) -> None:
        """Write the run to a file."""
        if self.feed is not None:
            await export(self, self.desk.store, self.feed.run_id)
