"""What a trace shows of one entry, read from the store."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from ..core.candidate import Candidate
from ..core.events import ToolCalled, ToolReturned
from .store.run import Note, RunView, Sample, ToolUse
from .store.timeline import Entry

if TYPE_CHECKING:
    from .desk import Desk
    from .feed import Feed

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Read(NamedTuple):
    """The texts of an entry; each is None where there is none, or where its event is gone."""

    stamp: object
    """Of what was known of the entry when it was read: with more to know, it is read again."""
    candidate: Candidate | None = None
    parent: Candidate | None = None
    """What it was made from."""
    refined: Candidate | None = None
    """What was made from it."""
    called: ToolCalled | None = None
    came: ToolReturned | None = None

    def step_text(self, step: int) -> str:
        """The text of a step, as the last verifier of steps cut them."""
        if self.candidate is None:
            return ""
        texts = next((self.candidate.step_texts(each) for each in reversed(self.candidate.scores) if each.ends), None)
        texts = texts or self.candidate.cut()
        return texts[step].strip("\n") if step < len(texts) else ""


def stamp(entry: Sample | ToolUse, view: RunView) -> object:
    """What is known of an entry."""
    if isinstance(entry, ToolUse):
        return entry.returned
    child = _child(entry, view)
    return len(entry.verdicts), None if child is None else (child.id, len(child.verdicts))


async def read(desk: Desk, feed: Feed, entry: Sample | ToolUse) -> Read:
    """Raises :class:`StoreError`."""
    view, known = feed.view, stamp(entry, feed.view)
    if isinstance(entry, ToolUse):
        called = await desk.event(feed.run_id, entry.seq)
        came = None if entry.returned is None else await desk.event(feed.run_id, entry.returned)
        return Read(
            known,
            called=called if isinstance(called, ToolCalled) else None,
            came=came if isinstance(came, ToolReturned) else None,
        )
    parent, child = view.samples.get(entry.parent or ""), _child(entry, view)
    return Read(
        known,
        candidate=await desk.candidate(feed.run_id, entry),
        parent=None if parent is None else await desk.candidate(feed.run_id, parent),
        refined=None if child is None else await desk.candidate(feed.run_id, child),
    )


class Copy(NamedTuple):
    """What is copied of an entry."""

    what: str
    """In words; empty where there is nothing but what is shown."""
    text: str


def to_copy(entry: Entry | None, text: Read | None, step: int | None) -> Copy:
    """A step of a sample, or all of its text where ``step`` is None; a note as it was noted."""
    if isinstance(entry, Note):
        return Copy("note", entry.text)
    if not isinstance(entry, Sample) or text is None or text.candidate is None:
        return Copy("", "")
    return Copy(f"sample {entry.number}", text.candidate.text) if step is None else Copy(f"step {step + 1}", text.step_text(step))


def copied(text: str) -> str:
    """A text as it may be pasted into a terminal: nothing in it ends the pasting, or moves a cursor."""
    return _CONTROL.sub("", text)


def _child(sample: Sample, view: RunView) -> Sample | None:
    """The last sample that was made from this one."""
    return next((each for each in reversed(view.samples.values()) if each.parent == sample.id), None)
