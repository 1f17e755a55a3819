"""What all screens have: the application's desk, run and looks, and a drawing that it asks for."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, ClassVar

from textual.binding import BindingType
from textual.screen import Screen

from ...core.errors import StoreError, SymposiaError
from ..widgets.bound import bindings

if TYPE_CHECKING:
    from ..app import SymposiaApp
    from ..desk import Desk
    from ..feed import Feed
    from ..render.skin import Skin


WIDE = 110
"""Cells from which on panes stand beside each other."""


def its_app(screen: Screen[Any]) -> SymposiaApp:
    """The application that a screen or a dialog is of."""
    from ..app import SymposiaApp  # noqa: PLC0415 - it imports the screens

    assert isinstance(screen.app, SymposiaApp)  # noqa: S101 - there is no other
    return screen.app


class DeskScreen(Screen[None]):
    """A screen of the application."""

    AUTO_FOCUS = ""
    # A screen of Textual's has keys of its own for these two, which come before those of the application.
    BINDINGS: ClassVar[list[BindingType]] = bindings("everywhere", only="pane.")

    @property
    def its_app(self) -> SymposiaApp:
        """The application."""
        return its_app(self)

    @property
    def desk(self) -> Desk:
        """Where things are done."""
        return self.its_app.desk

    @property
    def skin(self) -> Skin:
        """Colours and glyphs."""
        return self.its_app.skin

    @property
    def feed(self) -> Feed | None:
        """The run that is looked at."""
        return self.its_app.feed

    def redraw(self) -> None:
        """Draw what is new."""

    def leave(self) -> bool:
        """Out of a text or a search; whether there was any."""
        return False

    def pane_step(self, step: int) -> None:
        """Go to the next pane, or to the one before."""
        if step > 0:
            self.focus_next()
        else:
            self.focus_previous()

    async def attempt(self, work: Awaitable[object], said: str = "") -> bool:
        """Do something in the world and say how it went; whether it went well."""
        try:
            await work
        except SymposiaError as error:
            self.its_app.tell(error)
            return False
        except OSError as error:
            self.its_app.tell(StoreError(f"it could not be done: {error.strerror or error}"))
            return False
        if said:
            self.notify(said, markup=False)
        return True
