"""Asking again before something that is hard to undo."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from ...render.inert import inert
from .dialog import Dialog


class Confirm(Dialog[bool]):
    """True for ``y`` alone; enter and escape are no. Nothing is heard before it could be read.

    Args:
        title: what is asked.
        told: what will happen, and what will not.
        yes: what ``y`` does, in a word.
        clock: as for every dialog.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", show=False),
        Binding("n,enter", "answer(False)", "no", show=False),
    ]

    def __init__(self, title: str, told: str, *, yes: str, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(title, clock=clock)
        self._told = told
        self._yes = yes

    def parts(self) -> Iterable[Widget]:
        """What will happen."""
        yield Static(Text(inert(self._told)))

    def on_mount(self) -> None:
        """Say what the keys do."""
        self.query_one("#box").border_subtitle = f"y {self._yes} · enter or esc do nothing"

    def action_leave(self) -> None:
        """No."""
        self.action_answer(False)

    def action_answer(self, answer: bool) -> None:
        """Yes or no."""
        if self.hears:
            self.dismiss(answer)
