"""The application: its modes, its theme and the run that is looked at. Everything else is in screens and widgets."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import ClassVar

from pydantic import ValidationError
from textual.app import App
from textual.binding import BindingType
from textual.events import Resize
from textual.notifications import SeverityLevel
from textual.worker import Worker

from ..core.errors import SymposiaError
from .choices import Choice
from .desk import Desk
from .feed import Feed
from .remembered import Remembered
from .render.inert import inert
from .render.skin import Skin
from .roster import Roster
from .screens.base import WIDE, DeskScreen
from .screens.help import HelpScreen
from .screens.live import LiveScreen
from .screens.models import ModelsScreen
from .screens.runs import RunsScreen
from .screens.small import SmallScreen, too_small
from .screens.trace import TraceScreen
from .settings import Settings
from .shelf import Shelf
from .themes import THEMES, skin_of
from .widgets.bound import bindings
from .widgets.composer import Composer

FRAMES = 5
"""Drawings a second, at most: what comes between two is drawn with the next."""
_PATIENCE = 8.0
_LONGEST = 400
"""Characters of a line that is said beside the screen."""


class SymposiaApp(App[None]):
    """See the package.

    Args:
        desk: the world; it is opened, and closed, by the application.
        run_id: a run to look at from the start.
        settings: how it looks, and which keys it has.
        shelf: the models of this machine; by default what is found on it.
        remembered: what was remembered from the last time.
        fault_of_settings: why the settings are not those of the user's file.
    """

    TITLE = "symposia"
    CSS_PATH = ["app.tcss", "screens/dialogs/dialogs.tcss"]  # noqa: RUF012 - Textual's
    MODES = {"runs": RunsScreen, "live": LiveScreen, "trace": TraceScreen, "models": ModelsScreen}  # noqa: RUF012 - Textual's
    BINDINGS: ClassVar[list[BindingType]] = bindings("everywhere")
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (WIDE, "-wide")]  # noqa: RUF012 - Textual's
    ENABLE_COMMAND_PALETTE = True
    COMMAND_PALETTE_BINDING = "ctrl+p"

    def __init__(
        self,
        desk: Desk,
        *,
        run_id: str | None = None,
        settings: Settings | None = None,
        shelf: Shelf | None = None,
        remembered: Remembered | None = None,
        fault_of_settings: SymposiaError | None = None,
    ) -> None:
        super().__init__()
        self.shelf = shelf or Shelf()
        """The models of this machine."""
        self.shelf.changed = self.touch
        self.desk = desk
        self.settings = settings or Settings()
        self.feed: Feed | None = None
        """The run that is looked at."""
        self.roster: Roster | None = None
        """The list of runs; None until the store is open."""
        self.fault: str | None = None
        """Why the store is not open."""
        self.remembered = remembered or Remembered()
        """What was remembered from the last time, and what is to be."""
        self._told_first = fault_of_settings
        self.choice = Choice()
        """What a question is worked on with."""
        with contextlib.suppress(ValidationError):  # it may be of another version
            self.choice = Choice.model_validate(self.remembered.choice)
        self._wanted = run_id
        self._following: Worker[None] | None = None
        self._stale = True
        self.thinking = self.settings.thinking
        """Whether what was thought is shown."""
        self.tool_output = self.settings.tool_output
        """Whether what tools gave is shown."""
        self.sample: str | None = None
        """Id of a sample that is to be looked at on another screen."""

    # Looks

    @property
    def skin(self) -> Skin:
        """Colours and glyphs of the theme."""
        return skin_of(self.theme, self.settings, plain=self.no_color)

    @property
    def now(self) -> float:
        """Unix time, as the store counts it."""
        return time.time()

    def on_mount(self) -> None:
        """Draw first, open the store then."""
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = self.settings.theme
        self.set_keymap(self.settings.keys)
        self.switch_mode("live" if self._wanted else "runs")
        self.set_interval(1 / FRAMES, self._draw)
        if self._told_first is not None:
            self.tell(self._told_first)
        self.run_worker(self._open(), name="open")

    def on_resize(self, event: Resize) -> None:
        """Where there is no room for anything, say so instead."""
        small, said = too_small(event.size), isinstance(self.screen, SmallScreen)
        if small and not said:
            self.push_screen(SmallScreen())
        elif said and not small:
            self.pop_screen()

    async def _open(self) -> None:
        """Open the store, again and again where it cannot be."""
        wait = 1.0
        while True:
            try:
                await self.desk.open()
                break
            except SymposiaError as error:
                self.fault, self._stale = str(error), True
                await asyncio.sleep(wait)
                wait = min(_PATIENCE, 2 * wait)
        self.fault = None
        self.roster = Roster(self.desk.store, self.touch)
        self.run_worker(self.roster.run(), name="roster")
        if self._wanted is not None:
            self.look_at(self._wanted)
        self.touch()

    async def on_unmount(self) -> None:
        """Leave the store in order; runs go on."""
        await self.desk.close()

    def to_remember(self) -> Remembered:
        """What the next time begins with."""
        run = self.remembered.run if self.feed is None else self.feed.run_id
        return self.remembered.model_copy(update={"run": run, "theme": self.theme, "choice": self.choice.model_dump(mode="json")})

    # The run that is looked at

    def look_at(self, run_id: str) -> None:
        """Follow another run, and show it."""
        if self.feed is None or self.feed.run_id != run_id:
            if self._following is not None:
                self._following.cancel()
            self.feed = Feed(self.desk.store, run_id, self.touch)
            self._following = self.run_worker(self.feed.run(), name="feed")
        self.switch_mode("live")

    def touch(self) -> None:
        """Something is new: draw it with the next frame."""
        self._stale = True

    def _draw(self) -> None:
        screen = next(reversed(self.screen_stack), None)  # none while another mode is being entered
        if self._stale and self.is_running and isinstance(screen, DeskScreen) and screen.is_mounted:
            self._stale = False
            screen.redraw()

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """Say something beside the screen. It is text, whatever a model or a server wrote into it."""
        del markup
        said, head = inert(message, limit=_LONGEST), inert(title, limit=_LONGEST)
        super().notify(said, title=head, severity=severity, timeout=timeout, markup=False)

    def tell(self, error: SymposiaError) -> None:
        """Say what went wrong, and how to mend it."""
        self.notify(error.hint or "", title=error.message, severity="error", timeout=8, markup=False)

    # Actions of every screen

    def action_mode(self, name: str) -> None:
        """Another screen; those of a run need one."""
        if name in {"live", "trace"} and self.feed is None:
            self.notify("open one with enter, or ask a question", title="no run is open", severity="warning")
            return
        self.switch_mode(name)
        self.touch()

    def action_help(self) -> None:
        """What each key does."""
        self.push_screen(HelpScreen(self.current_mode, self.settings.keys))

    def action_next_theme(self) -> None:
        """The theme after this one."""
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)] if self.theme in names else names[0]
        self.touch()

    def action_up(self) -> None:
        """One level up: out of a zoomed pane, out of a text, back to the runs."""
        if self.screen.maximized is not None:
            self.screen.minimize()
        elif isinstance(self.screen, DeskScreen) and self.screen.leave():
            return
        elif self.current_mode != "runs":
            self.switch_mode("runs")
            self.touch()

    def action_pane(self, step: int) -> None:
        """The next pane, or the one before."""
        if isinstance(self.screen, DeskScreen):
            self.screen.pane_step(step)

    def action_ask(self) -> None:
        """Begin to write a question."""
        if self.current_mode not in {"runs", "live"}:
            self.switch_mode("runs")
        self.call_after_refresh(self._write)

    def _write(self) -> None:
        if isinstance(self.screen, RunsScreen | LiveScreen):  # a dialog may have come meanwhile
            self.screen.query_one(Composer).action_write()

    def action_zoom(self) -> None:
        """The focused pane on the whole screen, and back."""
        if self.screen.maximized is not None:
            self.screen.minimize()
        elif self.focused is not None:
            self.screen.maximize(self.focused)

    def _of_focused(self, *names: str) -> None:
        """Do the first of these actions that what is focused has."""
        for name in names:
            action = getattr(self.focused, f"action_{name}", None)
            if action is not None:
                action()
                return

    def action_down(self) -> None:
        """Down in what is focused."""
        self._of_focused("cursor_down", "scroll_down")

    def action_above(self) -> None:
        """Up in what is focused."""
        self._of_focused("cursor_up", "scroll_up")

    def action_page_down(self) -> None:
        """A page down in what is focused."""
        self._of_focused("page_down")

    def action_page_up(self) -> None:
        """A page up in what is focused."""
        self._of_focused("page_up")

    def action_first(self) -> None:
        """To the beginning of what is focused."""
        self._of_focused("scroll_top", "scroll_home")

    def action_last(self) -> None:
        """To the end of what is focused."""
        self._of_focused("scroll_bottom", "scroll_end")

    def action_search(self) -> None:
        """Look for words, where the screen can."""
        search = getattr(self.screen, "action_search", None)
        if search is not None:
            search()

    def action_open(self) -> None:
        """Open what is under the cursor."""
        self._of_focused("select_cursor")
