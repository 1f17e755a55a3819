"""A run as JSON lines: how runs travel between stores, and how tests replay real model output.

The first line names the format and holds the run; a line for each journal entry and each event follows; the last line
counts them, so that a file which was cut is told from a whole one.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import Connection, Table, func, select

from ..core.errors import StoreError, SymposiaError
from ..core.events import CandidateAdded
from ..core.records import JournalEntry, RunRecord, StoredEvent
from ..core.result import RunState
from . import bulk, runs, schema
from .database import Database
from .rows import ENTRY, RESULT, RUN, RUN_SPEC, RowMaker
from .writer import Writer

T = TypeVar("T")

FORMAT: Final = "symposia-run"
FORMAT_VERSION: Final = 1

_PAGE = 500
_LINE_BREAKS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}
"""What ``str.splitlines`` takes for the end of a line although JSON leaves it as it is."""
_STORED_EVENT: TypeAdapter[StoredEvent] = TypeAdapter(StoredEvent)


async def export_run(database: Database, run_id: str) -> AsyncIterator[str]:
    """The lines of a run, each ending in a line break. Raises :class:`RunNotFoundError`.

    Read in pages, with no transaction open while the reader is slow; rows added after the first line are left out.
    """
    record = await database.read(lambda connection: runs.find(connection, run_id))
    ends = await database.read(lambda connection: _ends(connection, record.id))
    head = {"format": FORMAT, "version": FORMAT_VERSION, "run": RUN.dump_python(record, mode="json", round_trip=True)}
    yield _line(json.dumps(head, ensure_ascii=False))
    counts = {"journal": 0, "events": 0}
    async for row in _pages(database, schema.journal, "id", record.id, ends["journal"]):
        counts["journal"] += 1
        yield _line(f'{{"journal": {row.body}}}')
    async for row in _pages(database, schema.events, "seq", record.id, ends["events"]):
        counts["events"] += 1
        yield _line(f'{{"event": {{"seq": {row.seq}, "at": {row.at!r}, "event": {row.body}}}}}')
    yield _line(json.dumps({"end": counts}))


async def _pages(database: Database, table: Table, column: str, run_id: str, end: int) -> AsyncIterator[Any]:
    """Rows of a run in the order of ``column``, up to ``end``."""
    number = table.c[column]
    last = 0
    while last < end:
        query = select(table).where(table.c.run_id == run_id, number > last, number <= end).order_by(number).limit(_PAGE)
        rows = await database.read(lambda connection, query=query: connection.execute(query).all())  # type: ignore[misc]
        for row in rows:
            yield row
        last = getattr(rows[-1], column) if rows else end


def _ends(connection: Connection, run_id: str) -> dict[str, int]:
    """The highest number of a run's rows in each table."""

    def highest(table: Table, column: str) -> int:
        return connection.execute(select(func.max(table.c[column])).where(table.c.run_id == run_id)).scalar() or 0

    return {"journal": highest(schema.journal, "id"), "events": highest(schema.events, "seq")}


def _line(text: str) -> str:
    return text.translate(_LINE_BREAKS) + "\n"


async def import_run(writer: Writer, rows: RowMaker, lines: Iterable[str] | AsyncIterable[str]) -> RunRecord:
    """Store a run from its lines, in one transaction; it gets a new id where a run has its own already.

    A run that was being executed when it was exported is stored as interrupted; a copy belongs to no experiment. Raises
    :class:`StoreError` naming the line for whatever is wrong with the lines; nothing is stored then.
    """
    incoming = _Incoming()
    if isinstance(lines, AsyncIterable):
        async for line in lines:
            incoming.take(line)
    else:
        for line in lines:
            incoming.take(line)
    run = incoming.complete()
    return await writer.run(lambda connection: _insert(connection, rows, incoming, run))


@dataclass
class _Incoming:
    """What the lines hold, checked line by line."""

    number: int = 0
    run: RunRecord | None = None
    journal: list[JournalEntry] = field(default_factory=list)
    events: list[StoredEvent] = field(default_factory=list)
    ended: bool = False
    _keys: set[tuple[str, int]] = field(default_factory=set)
    _ids: set[str] = field(default_factory=set)

    def take(self, line: str) -> None:
        """Read the next line. Raises :class:`StoreError` with its number."""
        self.number += 1
        try:
            value = json.loads(line)
        except ValueError:
            raise self._wrong("is not JSON; was the file cut?") from None
        if self.run is None:
            self.run = self._head(value)
        elif self.ended:
            raise self._wrong("comes after the end")
        else:
            self._body(value)

    def complete(self) -> RunRecord:
        """The run. Raises :class:`StoreError` where the last line is missing."""
        if self.run is None:
            raise StoreError("there is no run in the file: it is empty")
        if not self.ended:
            raise StoreError(f"the file ends after line {self.number} without its last line: it was cut")
        return self.run

    def _head(self, value: Any) -> RunRecord:
        if not isinstance(value, dict) or value.get("format") != FORMAT:
            raise self._wrong(f"does not begin a run: it has no format {FORMAT!r}")
        if value.get("version") != FORMAT_VERSION:
            raise self._wrong(f"has version {value.get('version')!r} of the format, this symposia reads {FORMAT_VERSION}")
        return self._read(RUN, value.get("run"), "the run")

    def _body(self, value: Any) -> None:
        match value:
            case {"journal": content}:
                entry = self._read(ENTRY, content, "the journal entry")
                self._once((entry.key, entry.attempt), self._keys, f"journal entry {entry.key}")
                self.journal.append(entry)
            case {"event": content}:
                event = self._read(_STORED_EVENT, content, "the event")
                self._once(event.event.id, self._ids, f"event {event.event.id}")
                self.events.append(event)
            case {"end": counts}:
                if counts != {"journal": len(self.journal), "events": len(self.events)}:
                    raise self._wrong("counts other lines than the file has: some are missing")
                self.ended = True
            case _:
                raise self._wrong("is no journal entry, event or end")

    def _read(self, adapter: TypeAdapter[T], value: Any, what: str) -> T:
        try:
            # As JSON: in Python's own mode a tuple or an enumeration would be asked for where JSON has a list or a string.
            return adapter.validate_json(json.dumps(value))
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(str(part) for part in fault["loc"]) or what
            raise self._wrong(f"cannot be read: {fault['msg']} at {place}") from None
        except SymposiaError as error:  # the types' own refusals, such as an empty question
            raise self._wrong(f"cannot be read: {error.message}") from None

    def _once(self, key: T, seen: set[T], what: str) -> None:
        if key in seen:
            raise self._wrong(f"repeats {what}")
        seen.add(key)

    def _wrong(self, what: str) -> StoreError:
        return StoreError(f"line {self.number} {what}", hint="nothing was imported")


def _insert(connection: Connection, rows: RowMaker, incoming: _Incoming, run: RunRecord) -> RunRecord:
    run_id = runs.free_id(connection) if runs.exists(connection, run.id) else run.id
    result = run.result and run.result.model_copy(update={"run_id": run_id})
    spec = rows.json(RUN_SPEC, run.spec.model_copy(update={"experiment": None}))
    values = runs.queued(spec, None) | {
        **run.model_dump(include={"created_at", "updated_at", "elapsed"}),
        "state": RunState.INTERRUPTED if run.state in {RunState.RUNNING, RunState.WAITING} else run.state,
        "result": None if result is None else rows.json(RESULT, result),
    }
    record = runs.add(connection, run_id, values)
    added = [stored.event.candidate for stored in incoming.events if isinstance(stored.event, CandidateAdded)]
    bulk.put(connection, schema.journal, [rows.entry(run_id, rows.stored(ENTRY, entry)) for entry in incoming.journal])
    bulk.add_events(connection, [rows.event(run_id, stored.event, stored.at) for stored in incoming.events])
    candidates = [rows.candidate(run_id, candidate) for candidate in added]
    bulk.put(connection, schema.candidates, candidates, key=("run_id", "candidate_id"), update="body")
    return record
