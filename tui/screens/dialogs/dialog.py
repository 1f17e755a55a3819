"""What all dialogs have: a box, a way out that decides nothing, and deafness to what was typed before they were seen."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar, TypeVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget

from ...render.inert import inert
from ..base import its_app

if TYPE_CHECKING:
    from ...render.skin import Skin

ResultT = TypeVar("ResultT")
GRACE = 0.25
"""Seconds for which a dialog that decides something hears no key: one that was meant for what was there before."""


class Dialog(ModalScreen[ResultT]):
    """Something that is asked.

    Args:
        title: what is asked, in some words.
        clock: seconds that only rise; tests have their own.
    """

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "back", show=False)]

    def __init__(self, title: str, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._title = title
        self._clock = clock
        self._since: float | None = None

    def parts(self) -> Iterable[Widget]:
        """What is in the box."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """The box."""
        with VerticalScroll(id="box", can_focus=False) as box:
            box.border_title = Text(inert(self._title))
            yield from self.parts()

    def on_mount(self) -> None:
        """Hear keys some time after it is seen."""
        self.call_after_refresh(self._seen)

    def _seen(self) -> None:
        self._since = self._clock()

    @property
    def hears(self) -> bool:
        """Whether a key may decide something."""
        return self._since is not None and self._clock() - self._since >= GRACE

    @property
    def skin(self) -> Skin:
        """Colours and glyphs."""
        return its_app(self).skin

    def action_leave(self) -> None:
        """Away, with nothing decided."""
        self.dismiss(None)
