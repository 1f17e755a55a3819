"""What pressing a key asks of a run, as rules that know no screen."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from ..core.errors import ConfigError
from ..core.records import ControlKind, ControlRecord, RunRecord
from ..core.result import RunState
from .store.run import Note, Question, RunView, Sample

_TURNS = {ControlKind.PAUSE, ControlKind.PAUSE_NOW, ControlKind.RESUME}
_WRITTEN = {ControlKind.STEER, ControlKind.QUEUE}


def goes_on(record: RunRecord | None) -> bool:
    """Whether a wish would be heard by the run."""
    return record is not None and record.state in {RunState.RUNNING, RunState.PAUSED, RunState.WAITING}


def toggled(record: RunRecord, wishes: Sequence[ControlRecord]) -> ControlKind:
    """What the key that pauses and resumes asks for, seeing what was asked before and not taken up yet."""
    turns = [wish.kind for wish in wishes if wish.kind in _TURNS]
    paused = turns[-1] is not ControlKind.RESUME if turns else record.state is RunState.PAUSED
    return ControlKind.RESUME if paused else ControlKind.PAUSE


def last_own(wishes: Sequence[ControlRecord], author: str) -> ControlRecord | None:
    """The wish that is taken back: the last one of this person's that was not taken up."""
    return next((wish for wish in reversed(wishes) if wish.author == author), None)


def draft_of(wish: ControlRecord) -> str:
    """What goes back into the draft with a wish that is taken back."""
    return wish.text if wish.kind in _WRITTEN else ""


def taken_last(view: RunView) -> Note | None:
    """What a person asked that was taken up last."""
    return next((note for note in reversed(view.notes) if note.kind == "person"), None)


def open_questions(view: RunView, wishes: Sequence[ControlRecord], answered: Collection[str]) -> list[Question]:
    """The calls that wait and that nobody has given a word on, oldest first. ``answered`` are keys of calls answered here."""
    said = {wish.response.about for wish in wishes if wish.response is not None} | set(answered)
    return [question for key, question in view.questions.items() if key not in said]


def fork_place(text: str, samples: Sequence[Sample]) -> str | int | None:
    """Where the copied part of a fork ends, from what was written: ``last``, ``event 12``, ``sample 3`` or a journal key.

    Raises :class:`ConfigError` for a sample that is not there.
    """
    text = text.strip()
    if not text or text == "last":
        return None
    if number := re.fullmatch(r"(?:event\s*)?(\d+)", text):
        return int(number[1])
    if number := re.fullmatch(r"(?:sample\s*|#)(\d+)", text):
        found = next((sample for sample in samples if sample.number == int(number[1])), None)
        if found is None:
            raise ConfigError(
                f"there is no sample {number[1]}", hint=f"they are numbered 1 to {len(samples)}" if samples else None
            )
        return found.id
    if "/" not in text:
        raise ConfigError(f"{text!r} is no place of the run", hint="write last, sample 3, event 12 or a journal key")
    return text
