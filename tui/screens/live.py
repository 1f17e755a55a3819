"""A run as it happens: who works on it, what they write, how the vote stands and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text
from textual import on, work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Footer

from ..render.agents import agent_lines
from ..render.burn import burn_lines
from ..render.inert import inert
from ..render.lanes import lane_lines
from ..render.lines import words
from ..render.log import note_line
from ..render.panes import tabs
from ..render.samples import live_line, sample_line
from ..render.top import top_bar
from ..render.votes import vote_lines
from ..render.wrap import wrapped
from ..widgets.bound import bindings
from ..widgets.composer import Composer
from ..widgets.line import Line
from ..widgets.lines import Lazy, LinePane
from ..widgets.top import TopBar
from ..widgets.tree import TreePane
from ..widgets.wishes import Wishes
from .scrubbing import Scrubbing
from .steering import Steering

if TYPE_CHECKING:
    from textual.widget import Widget

    from ...core.candidate import Candidate
    from ..store.run import RunView, Sample

_KEPT = 64
"""Texts that are kept at hand."""
_EMPTY = Text("")


class LiveScreen(Scrubbing, Steering):
    """See the module."""

    BINDINGS = bindings("live")

    def __init__(self) -> None:
        super().__init__()
        self._texts: dict[str, Candidate | None] = {}
        self._samples: list[Sample] = []
        self._writing: list[str] = []
        self._lines: list[Text] = []
        """Of the text that was drawn last."""
        self._lines_of: tuple[object, ...] = ()
        self._shown = ""
        """The pane that is shown where there is room for one."""

    def compose(self) -> ComposeResult:
        """Title, panes, draft."""
        yield TopBar(self._title)
        yield Line(id="fault")
        yield Line(id="tabs")
        with Horizontal(id="panes"):
            yield TreePane(id="tree")
            with Vertical(id="middle"):
                yield LinePane("Lanes", self._draw_lanes, id="lanes", follows=True)
                yield LinePane("Samples", self._draw_samples, id="samples", picks=True, follows=True)
                yield LinePane("Text", self._draw_text, id="text", follows=True)
            with Vertical(id="right"):
                yield LinePane("Votes", self._draw_votes, id="votes")
                yield LinePane("Burn", self._draw_burn, id="burn")
                yield LinePane("Agents", self._draw_agents, id="agents")
                yield LinePane("Log", self._draw_log, id="log", follows=True)
        yield Wishes()
        yield Composer()
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """What is written has the keys."""
        self.query_one("#samples").focus()
        self.set_interval(1.0, self._tick)

    def _tick(self) -> None:
        if self.feed is not None and not self.feed.ended:
            self.its_app.touch()

    @property
    def view(self) -> RunView | None:
        """What is shown; None while no run is open."""
        return None if self.feed is None else self.feed.view

    def redraw(self) -> None:
        """Every pane that is in sight, as it is now."""
        feed, view = self.feed, self.view
        if feed is None or view is None:
            return
        if len(self._samples) != len(view.samples) or (self._samples and self._samples[0].id not in view.samples):
            self._samples = list(view.samples.values())
        self._writing = [each for each, text in feed.texts.items() if text and each not in view.samples]
        fault = self.query_one("#fault", Line)
        fault.display = feed.fault is not None
        fault.say(words((f"! {feed.fault}; trying again, what is shown is what was there before", self.skin.bad)))
        self._lay_out(view)
        self.query_one("#samples", LinePane).border_subtitle = self.scrubbed
        for pane in self.query(LinePane):
            pane.redraw()
        self.query_one(TreePane).redraw(view.tree, self.skin)
        self.query_one(TopBar).refresh()
        self.redraw_steering()

    # Which panes are in sight

    def _panes(self, view: RunView) -> dict[str, str]:
        """The panes of which the run has something, by id, with their titles."""
        there = {
            "tree": view.tree is not None,
            "lanes": view.lanes is not None,
            "samples": True,
            "text": True,
            "votes": bool(view.samples),
            "burn": bool(view.burn.by_role),
            "agents": bool(view.agents),
            "log": bool(view.notes),
        }
        return {name: str(self.query_one(f"#{name}").border_title) for name, there_is in there.items() if there_is}

    def _lay_out(self, view: RunView) -> None:
        self.query_one("#log", LinePane).border_title = f"Log ({view.noted})" if view.noted else "Log"
        panes = self._panes(view)
        narrow = self.has_class("-narrow")
        if self._shown not in panes:
            self._shown = "samples"
        for name in ("tree", "lanes", "samples", "text", "votes", "burn", "agents", "log"):
            self.query_one(f"#{name}").display = name in panes and (not narrow or name == self._shown)
        self.query_one("#middle").display = not narrow or self._shown in {"lanes", "samples", "text"}
        right = {"votes", "burn", "agents", "log"}
        self.query_one("#right").display = self._shown in right if narrow else bool(right & panes.keys())
        strip = self.query_one("#tabs", Line)
        strip.display = narrow
        if narrow:
            strip.say(tabs(panes, self._shown, self.size.width, self.skin))

    def pane_step(self, step: int) -> None:
        """The next pane; where there is room for one only, it comes into sight."""
        view = self.view
        if view is None or not self.has_class("-narrow"):
            super().pane_step(step)
            return
        names = list(self._panes(view))
        self._shown = names[(names.index(self._shown) + step) % len(names)] if self._shown in names else names[0]
        self._lay_out(view)
        self._focus(self.query_one(f"#{self._shown}"))
        self.redraw()

    def _focus(self, pane: Widget) -> None:
        self.call_after_refresh(pane.focus)

    def on_resize(self) -> None:
        """There may be room for more, or for less."""
        self.call_after_refresh(self.redraw)

    # What the panes show

    def _title(self, width: int) -> Text:
        feed = self.feed
        if feed is None or feed.record is None:
            return words((" opening the run …", self.skin.dim))
        writing = sum(len(text) for text in feed.texts.values()) // 4  # a token is about four characters
        return top_bar(feed.view, feed.record, writing=writing, now=self.its_app.now, width=width, skin=self.skin)

    def _draw_samples(self, width: int, _height: int) -> Sequence[Text]:
        view, feed = self.view, self.feed
        if view is None or feed is None:
            return ()
        landed, writing, skin = self._samples, self._writing, self.skin
        pick = view.outcome.pick if view.outcome is not None else None
        if not landed and not writing:
            return [words(("nothing is written yet", skin.dim))]

        def make(place: int) -> Text:
            if place < len(landed):
                return sample_line(landed[place], width, skin, picked=landed[place].id == pick)
            key = writing[place - len(landed)]
            return live_line(key, feed.texts.get(key, ""), width, skin)

        return Lazy(len(landed) + len(writing), make)

    def _draw_text(self, width: int, _height: int) -> Sequence[Text]:
        feed, key = self.feed, self.selected
        if feed is None or key is None:
            return ()
        if key in feed.texts and key not in feed.view.samples:
            return self._broken(feed.texts[key], "", width)
        if key not in self._texts:
            self._read(key)
            return [words(("…", self.skin.dim))]
        candidate = self._texts[key]
        if candidate is None:
            return [words(("its text is not there any more", self.skin.dim))]
        return self._broken(candidate.text, candidate.thinking if self.its_app.thinking else "", width)

    def _broken(self, text: str, thinking: str, width: int) -> Sequence[Text]:
        """Text and thinking in lines; made once, for a text may be long and is drawn many times."""
        made_of = (text, thinking, width, self.skin)
        if made_of != self._lines_of:
            thought = [*wrapped(inert(thinking), width, self.skin, dim=True), _EMPTY] if thinking else []
            self._lines, self._lines_of = [*thought, *wrapped(inert(text), width, self.skin)], made_of
        return self._lines

    def _draw_votes(self, width: int, height: int) -> Sequence[Text]:
        return () if self.view is None else vote_lines(self.view, width, height, self.skin)

    def _draw_burn(self, width: int, height: int) -> Sequence[Text]:
        feed = self.feed
        if feed is None or feed.record is None:
            return ()
        return burn_lines(feed.view, feed.record, self.its_app.now, width, height, self.skin)

    def _draw_agents(self, width: int, _height: int) -> Sequence[Text]:
        feed = self.feed
        if feed is None or feed.record is None:
            return ()
        return agent_lines(feed.view, feed.record, self.its_app.now, width, self.skin)

    def _draw_log(self, width: int, _height: int) -> Sequence[Text]:
        notes = [] if self.view is None else list(self.view.notes)
        return Lazy(len(notes), lambda place: note_line(notes[place], width, self.skin))

    def _draw_lanes(self, width: int, height: int) -> Sequence[Text]:
        view = self.view
        if view is None or view.lanes is None:
            return ()
        return [each.text for each in lane_lines(view.lanes, width, height, self.skin)]

    # The sample under the cursor

    @property
    def selected(self) -> str | None:
        """Id of the sample under the cursor, landed or being written."""
        place = self.query_one("#samples", LinePane).cursor
        if place < len(self._samples):
            return self._samples[place].id
        place -= len(self._samples)
        return self._writing[place] if place < len(self._writing) else None

    @on(LinePane.Moved, "#samples")
    def _another(self) -> None:
        text = self.query_one("#text", LinePane)
        text.redraw()
        if self.selected is not None and self.view is not None and self.selected in self.view.samples:
            text.scroll_home(animate=False)

    @on(LinePane.Opened, "#samples")
    def _open(self) -> None:
        self.its_app.sample = self.selected
        self.its_app.action_mode("trace")

    @work(group="text")
    async def _read(self, key: str) -> None:
        feed = self.feed
        if feed is None or key not in feed.view.samples or key in self._texts:
            return

        async def read() -> None:
            self._texts[key] = await self.desk.candidate(feed.run_id, feed.view.samples[key])

        if await self.attempt(read()):
            while len(self._texts) > _KEPT:
                del self._texts[next(iter(self._texts))]
            self.query_one("#text", LinePane).redraw()

    def action_thinking(self) -> None:
        """Show or fold what was thought."""
        self.its_app.thinking = not self.its_app.thinking
        self.redraw()

    def leave(self) -> bool:
        """Out of the draft; whether anybody was writing."""
        if self.query_one(Composer).has_focus_within:
            self.query_one(f"#{self._shown or 'samples'}").focus()
            return True
        return False
