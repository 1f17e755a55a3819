"""Going back and forth in a run: its screens show it as it was after one of its events."""

from __future__ import annotations

from textual import work

from .base import DeskScreen


class Scrubbing(DeskScreen):
    """A screen of a run that can be set back."""

    _goal: int | None = None
    """Number of the event that is gone to; None where nothing is gone to."""

    def action_scrub(self, step: int) -> None:
        """The run after one event more, or less."""
        feed = self.feed
        if feed is not None:
            self._go((feed.view.seq if self._goal is None else self._goal) + step)

    def action_scrub_end(self, step: int) -> None:
        """The run as it began, or as it is."""
        feed = self.feed
        if feed is not None:
            self._go(1 if step < 0 else feed.now.seq)

    def _go(self, seq: int) -> None:
        under_way, self._goal = self._goal is not None, max(1, seq)
        if not under_way:
            self._scrub()

    @work(group="scrub")
    async def _scrub(self) -> None:
        """Go to the goal, wherever it moves meanwhile: keys come faster than a long run is folded."""
        feed = self.feed
        try:
            while feed is not None and self._goal is not None:
                goal = self._goal
                if not await self.attempt(feed.show(goal)) or self._goal == goal:
                    break
        finally:
            self._goal = None

    @property
    def scrubbed(self) -> str:
        """Which part of the run is shown, in words; empty where all of it is."""
        feed = self.feed
        if feed is None or feed.scrub is None:
            return ""
        return f"event {feed.view.seq:,} of {feed.now.seq:,}"
