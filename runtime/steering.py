"""Steering: what a person tells the models of a run while it is executed.

A note is taken up before a wave of calls that write; that wave and every later one of such calls carry all notes so far, in
order, at the end of each request, as the words of the person who asked. Calls under way are left alone: they end without it.
Who judges is told nothing, so that a note moves no score.

Which notes a wave carries is journaled under the wave's place before its first call is made, with the words themselves, and only
for a wave that carries any: whoever replays, resumes or forks the run builds the very same requests, in whatever order waves of
several scopes begin. A wave that the journal holds calls of without that goes on without notes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence

from ..agents.prompt_files import load_prompt
from ..agents.quoted import fill
from ..core.base import Frozen
from ..core.calls import ChatRequest, ModelCall
from ..core.events import Controlled
from ..core.problem import Message, TextPart
from ..core.records import ControlRecord, EntryKind, EntryStatus, JournalEntry
from .flight import Place
from .journal import Journal, hash_json
from .services import Clock, EventLog
from .wave import END

PROMPT = "steer.notes"
_NOTES = "notes"

TakeUp = Callable[[Sequence[int], Callable[[Collection[int]], JournalEntry]], Awaitable[JournalEntry | None]]
"""Consumes wishes and commits the entry that follows from them; see :meth:`memory.store.Store.take_up`."""


class Note(Frozen):
    """What somebody said."""

    run: str
    """The run of which it was asked: a fork carries its parent's notes."""
    control: int
    """Its number among that run's controls."""
    author: str
    text: str


class Carried(Frozen):
    """What a wave carries, as journaled."""

    notes: tuple[Note, ...]
    """All so far, in order."""
    new: int
    """How many of them, the last ones, were taken up before this wave."""
    words: str
    """What stands at the end of its requests."""


class Steering:
    """See the module's docstring. One for each execution of a run."""

    def __init__(self, run_id: str, journal: Journal, log: EventLog, clock: Clock, take_up: TakeUp | None) -> None:
        """``take_up`` is None in a replay."""
        self.pending: Sequence[ControlRecord] = ()
        """What was asked and waits for the next wave, oldest first; whoever listens to people keeps it up to date."""
        self._run_id = run_id
        self._journal = journal
        self._log = log
        self._clock = clock
        self._take_up = take_up
        self._told = told_in(journal.past)
        self._turn = asyncio.Lock()

    async def noted(self, place: Place, calls: Sequence[ModelCall]) -> Sequence[ModelCall]:
        """The calls of the wave at ``place`` with the notes that they carry."""
        if not any(isinstance(call.request, ChatRequest) for call in calls):
            return calls
        prefix = f"{place.path}/{place.node}.{place.visit}"
        request = {"wave": prefix}
        entry = self._journal.find(f"{prefix}.{_NOTES}", hash_json(request))
        if entry is None and (self._told or self.pending) and not self._begun(prefix, place, len(calls)):
            async with self._turn:
                entry = await self._write(f"{prefix}.{_NOTES}", request)
        if entry is None:
            return calls
        carried = Carried.model_validate(entry.response)
        for note in carried.notes[len(carried.notes) - carried.new :]:
            self._log.emit(
                Controlled(
                    scope=place.path,
                    node=place.node,
                    visit=place.visit,
                    index=note.control,
                    kind="steer",
                    author=note.author,
                    text=note.text,
                )
            )
        return [carrying(call, carried.words) for call in calls]

    def _begun(self, prefix: str, place: Place, size: int) -> bool:
        """Whether the journal knows the wave, or nothing may be written to it."""
        keys = (f"{prefix}.{END}", *(place.at(index).key for index in range(size)))
        return self._journal.replaying or any(self._journal.holds(key) for key in keys)

    async def _write(self, key: str, request: dict[str, str]) -> JournalEntry | None:
        known = {note.control for note in self._told if note.run == self._run_id}
        pending = [wish for wish in self.pending if wish.seq not in known]
        entry: JournalEntry | None = None
        if pending and self._take_up is not None:

            def taking(taken: Collection[int]) -> JournalEntry:
                return self._entry(key, request, [wish for wish in pending if wish.seq in taken])

            entry = await self._take_up([wish.seq for wish in pending], taking)
            if entry is not None:
                self._journal.learn(entry)
        if entry is None and self._told:  # all of them were taken back, or there was none
            (entry,) = await self._journal.record(self._entry(key, request, ()))
        if entry is not None:
            self._told = list(Carried.model_validate(entry.response).notes)
        return entry

    def _entry(self, key: str, request: dict[str, str], taken: Sequence[ControlRecord]) -> JournalEntry:
        new = [Note(run=self._run_id, control=wish.seq, author=wish.author, text=wish.text) for wish in taken]
        notes = (*self._told, *new)
        words = fill(load_prompt(PROMPT), notes="\n\n".join(note.text.strip() for note in notes))
        return JournalEntry(
            key=key,
            kind=EntryKind.EFFECT,
            status=EntryStatus.DONE,
            request_hash=hash_json(request),
            request=request,
            response=Carried(notes=notes, new=len(new), words=words).model_dump(mode="json"),
            elapsed=self._clock.elapsed(),
        )


def told_in(entries: Iterable[JournalEntry]) -> list[Note]:
    """The notes that a journal tells of, in order."""
    found: dict[tuple[str, int], Note] = {}
    for entry in entries:
        if entry.kind is EntryKind.EFFECT and entry.key.endswith(f".{_NOTES}") and _is_carried(entry.response):
            for note in Carried.model_validate(entry.response).notes:
                found.setdefault((note.run, note.control), note)
    return list(found.values())


def _is_carried(response: object) -> bool:
    """Whether an effect's value is the notes of a wave: a strategy may have given an effect of its own such a name."""
    return isinstance(response, dict) and response.keys() == Carried.model_fields.keys()


def carrying(call: ModelCall, words: str) -> ModelCall:
    """``call`` with ``words`` as what the user says last.

    They go to the end of the last message where that is the user's already: many servers refuse two of them in a row.
    """
    if not isinstance(call.request, ChatRequest):
        return call
    *before, last = call.request.messages
    if last.role != "user":
        said = (*call.request.messages, Message(role="user", content=words))
    elif isinstance(last.content, tuple):
        said = (*before, last.model_copy(update={"content": (*last.content, TextPart(text=words))}))
    else:
        said = (*before, last.model_copy(update={"content": f"{last.content or ''}\n\n{words}".lstrip()}))
    return call.model_copy(update={"request": call.request.model_copy(update={"messages": said})})
