"""Which part of a run's journal a fork begins with.

A journal is read in the order in which its effects were begun. An effect was begun after all those that its request depends
on had ended, so that whatever comes up to a point makes sense without the rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.errors import ConfigError, UnknownNameError
from ..core.events import CallFailed, CallFinished, ToolReturned
from ..core.records import EntryKind, EntryStatus, JournalEntry, Origin, StoredEvent
from ..core.usage import Usage
from .caps import is_retune
from .journal import Journal
from .wave import is_cut


def origin(parent: str, entries: Sequence[JournalEntry]) -> Origin:
    """What a fork that begins with ``entries`` says of its parent."""
    usage = sum((charge for _, charge in Journal(entries, None).charges()), Usage())
    return Origin(run_id=parent, at=entries[-1].key if entries else None, entries=len(entries), usage=usage)


def part_until_key(journal: Sequence[JournalEntry], key: str) -> list[JournalEntry]:
    """Everything up to and with the effect under ``key``. Raises :class:`UnknownNameError` where there is none."""
    key = key.partition("#")[0]  # a candidate's id is its call's key and a number
    places = [place for place, entry in enumerate(journal) if entry.key == key]
    if not places:
        raise UnknownNameError("journal key", key, {entry.key for entry in journal})
    return part_of(journal[: places[-1] + 1])


def part_until_event(journal: Sequence[JournalEntry], events: Sequence[StoredEvent], seq: int) -> list[JournalEntry]:
    """Everything up to the last call, of a model or a tool, that the first ``seq`` events tell of.

    Raises :class:`ConfigError` for no event's number.
    """
    if not 1 <= seq <= len(events):
        raise ConfigError(f"the run has no event {seq}", hint=f"its events have the numbers 1 to {len(events)}")
    told = {
        f"{event.scope}/{event.node}.{event.visit}.{event.index}"
        for event in (stored.event for stored in events[:seq])
        if isinstance(event, CallFinished | CallFailed | ToolReturned)
    }
    places = [place for place, entry in enumerate(journal) if entry.key in told]
    return part_of(journal[: places[-1] + 1] if places else [])


def part_of(journal: Sequence[JournalEntry]) -> list[JournalEntry]:
    """What of ``journal`` can be gone on from.

    Left out is what is still open: calls in flight, or broken off by a crash, without an outcome; a last cut by budget or
    deadline, and what people changed in the caps, since the fork has its own; and, where no call succeeded, the failed ones,
    which the fork makes anew.
    """
    entries = [entry for entry in journal if entry.status is not EntryStatus.SENT and not is_retune(entry)]
    if not any(entry.kind is EntryKind.CALL and entry.status is EntryStatus.DONE for entry in entries):
        entries = [entry for entry in entries if entry.status is not EntryStatus.FAILED]
    last_call = max((place for place, entry in enumerate(entries) if entry.kind is EntryKind.CALL), default=-1)
    return [entry for place, entry in enumerate(entries) if place < last_call or not is_cut(entry)]


def merged(options: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """``options`` with ``changes``, table by table."""
    both = {
        key: merged(options[key], value) if isinstance(value, Mapping) and isinstance(options.get(key), Mapping) else value
        for key, value in changes.items()
    }
    return {**options, **both}
