"""A pane of lines that are drawn when they come into sight, however many there are."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, ClassVar, overload

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

if TYPE_CHECKING:
    from textual import events

Draw = Callable[[int, int], Sequence[Text]]
"""The lines for a width and a height, in cells."""


class Lazy(Sequence[Text]):
    """``count`` lines, each of which is made when it is looked at."""

    def __init__(self, count: int, make: Callable[[int], Text]) -> None:
        self._count = count
        self._make = make

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, place: int) -> Text: ...

    @overload
    def __getitem__(self, place: slice) -> list[Text]: ...

    def __getitem__(self, place: int | slice) -> Text | list[Text]:
        if isinstance(place, slice):
            return [self._make(each) for each in range(self._count)[place]]
        return self._make(place)


class LinePane(ScrollView, can_focus=True, inherit_bindings=False):
    """Lines under a title. With ``picks`` one of them is under a cursor; with ``follows`` the last line stays in sight.

    The first ``heads`` lines stay where they are, and the cursor does not count them.

    A pane that follows stops doing so when it is scrolled up, and goes on when it is at its end again.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"line-pane--cursor"}
    cursor: reactive[int] = reactive(0, repaint=False)

    class Moved(Message):
        """The cursor is on another line."""

        def __init__(self, pane: LinePane) -> None:
            super().__init__()
            self.pane = pane

        @property
        def control(self) -> LinePane:
            """The pane."""
            return self.pane

    class Opened(Moved):
        """The line under the cursor is to be opened."""

    def __init__(self, title: str, draw: Draw, *, id: str, picks: bool = False, follows: bool = False, heads: int = 0) -> None:  # noqa: A002
        super().__init__(id=id)
        self.border_title = title
        self._draw = draw
        self._picks = picks
        self._follows = follows
        self._heads = heads
        self._lines: Sequence[Text] = ()
        self._seen: list[Text] = []
        self._grounds: tuple[Style, Style] | None = None

    @property
    def count(self) -> int:
        """Lines that the cursor can be on."""
        return max(0, len(self._lines) - self._heads)

    def redraw(self) -> None:
        """Draw anew. What is not in sight costs nothing, and what is the same as before little."""
        if not self.display or not self.size.width:
            return
        at_end = self.scroll_offset.y >= self.max_scroll_y
        at_last = self.cursor >= self.count - 1
        size = Size(self.scrollable_content_region.width, self.size.height)
        self._lines = self._draw(size.width, size.height)
        self.virtual_size = Size(size.width, len(self._lines))
        self.cursor = max(0, self.count - 1 if self._follows and at_last else min(self.cursor, self.count - 1))
        if self._follows and at_end and not self._picks:
            self.scroll_end(animate=False)
        top = self.scroll_offset.y
        seen = [*self._lines[: self._heads], *self._lines[self._heads + top : top + size.height]]
        if seen != self._seen:
            self._seen = seen
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of what is in sight."""
        width, place = self.size.width, y if y < self._heads else y + self.scroll_offset.y
        plain, under = self._styles_of_lines()
        if place >= len(self._lines):
            return Strip.blank(width, plain)
        style = under if self._picks and place == self.cursor + self._heads else plain
        segments = Segment.apply_style(self._lines[place].render(self.app.console), style)
        return Strip(segments).adjust_cell_length(width, style)

    def _styles_of_lines(self) -> tuple[Style, Style]:
        """The style of a line, and of the one under the cursor: looked up once, for it takes longer than drawing a line."""
        if self._grounds is None:
            plain = self.rich_style
            ground = self.get_component_rich_style("line-pane--cursor").bgcolor  # under the colours of the line itself
            self._grounds = plain, plain + Style(bgcolor=ground, reverse=ground is None)
        return self._grounds

    def notify_style_update(self) -> None:
        """Another theme, or the focus came or went."""
        self._grounds = None
        super().notify_style_update()

    def on_resize(self, _event: events.Resize) -> None:
        """Lines depend on the width."""
        self.redraw()

    def on_show(self, _event: events.Show) -> None:
        """It was not drawn while it was hidden."""
        self.redraw()

    def watch_show_vertical_scrollbar(self) -> None:
        """A bar that comes takes a cell of each line, one that goes gives it back."""
        self.call_after_refresh(self.redraw)

    def watch_cursor(self, before: int, now: int) -> None:
        """Bring the cursor into sight and tell."""
        if self._picks and before != now:
            self.scroll_to_region(Region(0, now, 1, 1 + self._heads), animate=False, force=True)
            for place in (before, now):
                self.refresh_line(place + self._heads)
            self.post_message(self.Moved(self))

    def on_click(self, event: events.Click) -> None:
        """Put the cursor there; on the line where it is already, open it."""
        place = event.y + self.scroll_offset.y - self.gutter.top - self._heads
        if self._picks and 0 <= place < self.count:
            if place == self.cursor and event.chain > 1:
                self.action_select_cursor()
            self.cursor = place

    def _move(self, place: int) -> None:
        self.cursor = max(0, min(place, self.count - 1))

    def action_cursor_down(self) -> None:
        """One line down."""
        if self._picks:
            self._move(self.cursor + 1)
        else:
            self.scroll_down(animate=False)

    def action_cursor_up(self) -> None:
        """One line up."""
        if self._picks:
            self._move(self.cursor - 1)
        else:
            self.scroll_up(animate=False)

    def action_page_down(self) -> None:
        """One page down."""
        if self._picks:
            self._move(self.cursor + max(1, self.size.height - self._heads))
        else:
            self.scroll_page_down(animate=False)

    def action_page_up(self) -> None:
        """One page up."""
        if self._picks:
            self._move(self.cursor - max(1, self.size.height - self._heads))
        else:
            self.scroll_page_up(animate=False)

    def action_scroll_home(self) -> None:
        """To the first line."""
        if self._picks:
            self._move(0)
        else:
            self.scroll_home(animate=False)

    def action_scroll_end(self) -> None:
        """To the last line."""
        if self._picks:
            self._move(self.count - 1)
        else:
            self.scroll_end(animate=False)

    def action_select_cursor(self) -> None:
        """Open the line under the cursor."""
        if self._picks and self.count:
            self.post_message(self.Opened(self))
