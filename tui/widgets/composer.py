"""Where questions are written: a text of some lines under what will work on it."""

from __future__ import annotations

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.document._document import EditResult
from textual.document._edit import Edit
from textual.message import Message
from textual.widgets import TextArea

from ..render.inert import draft
from .bound import bindings
from .line import Line


class Draft(TextArea):
    """A text that holds nothing that is not seen, wherever it is pasted from."""

    def edit(self, edit: Edit) -> EditResult:
        """Every change by hand goes through here."""
        edit.text = draft(edit.text)
        return super().edit(edit)


class Composer(Vertical):
    """A draft, and a line above it that says what sending it does."""

    BINDINGS = bindings("composer", priority=True)  # before the draft takes them as text

    class Sent(Message):
        """The draft is to be sent. It stays until :meth:`Composer.clear`, so that nothing is lost where that fails."""

        def __init__(self, text: str, *, queue: bool) -> None:
            super().__init__()
            self.text = text
            self.queue = queue

    class Pick(Message):
        """Something is to be chosen: ``strategy``, ``team``, ``budget`` or ``options``."""

        def __init__(self, what: str) -> None:
            super().__init__()
            self.what = what

    class TakeBack(Message):
        """What was asked last is to be taken back."""

    def compose(self) -> ComposeResult:
        """The line and the draft."""
        yield Line(id="chips")
        yield Draft(id="draft", soft_wrap=True, show_line_numbers=False, tab_behavior="focus", compact=True)

    @property
    def draft(self) -> str:
        """What stands there."""
        return self.query_one(TextArea).text

    def write(self, text: str) -> None:
        """Put a text there, with the cursor behind it."""
        area = self.query_one(TextArea)
        area.text = draft(text)
        area.move_cursor(area.document.end)

    def clear(self) -> None:
        """It was sent."""
        self.query_one(TextArea).text = ""

    def say(self, chips: Text) -> None:
        """Change the line above the draft."""
        self.query_one("#chips", Line).say(chips)

    def action_write(self) -> None:
        """Begin to write."""
        self.query_one(TextArea).focus()

    def action_newline(self) -> None:
        """A new line where the cursor is."""
        self.query_one(TextArea).insert("\n")

    def action_send(self) -> None:
        """Send what stands there."""
        self._send(queue=False)

    def action_queue(self) -> None:
        """Send it to be asked later."""
        self._send(queue=True)

    def _send(self, *, queue: bool) -> None:
        if self.draft.strip():
            self.post_message(self.Sent(self.draft.strip(), queue=queue))

    def action_pick_strategy(self) -> None:
        """Choose the strategy."""
        self.post_message(self.Pick("strategy"))

    def action_pick_team(self) -> None:
        """Choose the models."""
        self.post_message(self.Pick("team"))

    def action_pick_budget(self) -> None:
        """Choose the budget."""
        self.post_message(self.Pick("budget"))

    def action_pick_options(self) -> None:
        """Set options of the strategy."""
        self.post_message(self.Pick("options"))

    def action_take_back(self) -> None:
        """Take back what was asked last."""
        self.post_message(self.TakeBack())
