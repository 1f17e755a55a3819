"""Everything that came of a run, in order: samples, tools' calls, and what was noted."""

from __future__ import annotations

import math
from itertools import islice

from .run import Note, RunView, Sample, ToolUse

Entry = Sample | ToolUse | Note


class Timeline:
    """Grows with its view. What is new is put at the end, so that looking at a long run again costs little."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        """Oldest first."""
        self._view: RunView | None = None
        self._samples = self._tools = self._notes = 0

    def update(self, view: RunView) -> bool:
        """Take up what is new in ``view``; whether anything is. Another view, or one that was set back, is begun anew."""
        begun = view is not self._view
        if begun:
            self.entries, self._view = [], view
            self._samples = self._tools = self._notes = 0
        new: list[Entry] = [
            *islice(view.samples.values(), self._samples, None),
            *islice(view.tools.values(), self._tools, None),
            *(note for note in view.notes if note.number > self._notes),
        ]
        self._samples, self._tools, self._notes = len(view.samples), len(view.tools), view.noted
        self.entries += sorted(new, key=_place)
        return begun or bool(new)


def _place(entry: Entry) -> tuple[float, float]:
    """By time, and what came in one moment by its event; a note has forgotten its own."""
    return entry.at, math.inf if isinstance(entry, Note) else entry.seq


def key_of(entry: Entry) -> str:
    """What names an entry, whatever comes after it."""
    match entry:
        case Sample():
            return f"sample {entry.id}"
        case ToolUse():
            return f"tool {entry.key}"
        case Note():
            return f"note {entry.number}"
