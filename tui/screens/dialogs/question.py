"""Whether a tool's call may be made. Nothing is decided but by a key that was pressed while the call could be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from rich.text import Text
from textual.widget import Widget
from textual.widgets import Static

from ...render.question import question_lines
from ...store.run import Question
from ...widgets.bound import bindings
from ...widgets.lines import LinePane
from .dialog import Dialog

_LOOK = 0.25


class Word(NamedTuple):
    """What a person says of a call."""

    approve: bool
    every: bool = False
    """Of this tool, as long as the run is looked at."""
    asks_note: bool = False
    """The model is to be told why; the reason is still to be written."""


class QuestionDialog(Dialog[Word | None]):
    """None leaves the call waiting.

    Args:
        question: the call.
        place: which of how many that wait it is, counted from 1.
        waits: whether it still waits: somebody else may answer.
        clock: as for every dialog.
    """

    BINDINGS = bindings("question")

    def __init__(
        self,
        question: Question,
        place: tuple[int, int],
        waits: Callable[[], bool],
        *,
        keys: Sequence[tuple[str, str]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__("May this call be made?", clock=clock)
        self.question = question
        self._place = place
        self._waits = waits
        self._keys = keys

    def parts(self) -> Iterable[Widget]:
        """The call, and the keys."""
        yield LinePane("", self._draw, id="call")
        yield Static(id="keys")

    def on_mount(self) -> None:
        """Look whether it still waits."""
        number, count = self._place
        self.query_one("#box").border_subtitle = f"{number} of {count}" if count > 1 else "the only one that waits"
        told = Text()
        for key, does in self._keys:
            told.append("   " if told.plain else "").append(key, f"bold {self.skin.accent}".strip()).append(f" {does}")
        self.query_one("#keys", Static).update(told)
        self.query_one(LinePane).focus()
        self.set_interval(_LOOK, self._look)

    def _draw(self, width: int, _height: int) -> Sequence[Text]:
        return question_lines(self.question, width, self.skin)

    def _look(self) -> None:
        if not self._waits() and self.is_current:
            self.notify("somebody else answered, or the run has ended", title="the call waits no more", markup=False)
            self.dismiss(None)

    def _say(self, word: Word) -> None:
        if self.hears:
            self.dismiss(word)

    def action_allow(self) -> None:
        """This call."""
        self._say(Word(approve=True))

    def action_allow_all(self) -> None:
        """Every call of the tool."""
        self._say(Word(approve=True, every=True))

    def action_deny(self) -> None:
        """Not this call."""
        self._say(Word(approve=False))

    def action_deny_saying(self) -> None:
        """Not this call, and the model is told why."""
        self._say(Word(approve=False, asks_note=True))
