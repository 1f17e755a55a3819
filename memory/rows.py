"""Between the core types and rows of the tables: JSON, redaction and reading back."""

from __future__ import annotations

import json
from typing import Any, Generic, NamedTuple, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError
from sqlalchemy import Row

from ..core.budget import Budget
from ..core.candidate import Candidate
from ..core.errors import StoreCorruptError, StoreError
from ..core.events import EVENT, Event
from ..core.records import ControlRecord, JournalEntry, Response, RunRecord, RunSpec, StoredEvent
from ..core.result import Result, RunState
from .bulk import Values
from .leases import is_live, short_owner
from .redact import Redactor

T = TypeVar("T")

RUN_SPEC: TypeAdapter[RunSpec] = TypeAdapter(RunSpec)
RESULT: TypeAdapter[Result] = TypeAdapter(Result)
ENTRY: TypeAdapter[JournalEntry] = TypeAdapter(JournalEntry)
RESPONSE: TypeAdapter[Response] = TypeAdapter(Response)
BUDGET: TypeAdapter[Budget] = TypeAdapter(Budget)
CANDIDATE: TypeAdapter[Candidate] = TypeAdapter(Candidate)
RUN: TypeAdapter[RunRecord] = TypeAdapter(RunRecord)


class Stored(NamedTuple, Generic[T]):
    """A value on its way into the store."""

    text: str
    """Its JSON, redacted."""
    value: T
    """What will be read back: the value itself, or another where something had to be taken out of it."""


class RowMaker:
    """Makes rows without secrets, in text that every database takes."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def text(self, text: str) -> str:
        """Plain text, redacted."""
        return self._redactor.text(plain(text))

    def json(self, adapter: TypeAdapter[T], value: T) -> str:
        """JSON text, redacted. Raises :class:`StoreError` for a value that is no JSON."""
        return self.stored(adapter, value).text

    def stored(self, adapter: TypeAdapter[T], value: T) -> Stored[T]:
        """JSON text, redacted, and the value that it stands for. Raises :class:`StoreError` for a value that is no JSON."""
        dumped, exact = _dump(adapter, value)
        text = self._redactor.json(dumped)
        if exact and text == dumped:
            return Stored(text, value)
        return Stored(text, read(adapter, text, "a redacted value"))

    def entry(self, run_id: str, entry: Stored[JournalEntry]) -> Values:
        """A row of ``journal``."""
        value = entry.value
        return {"run_id": run_id, "key": plain(value.key), "attempt": value.attempt, "body": entry.text}

    def event(self, run_id: str, event: Event, at: float) -> Values:
        """A row of ``events`` that has no number yet."""
        return {"run_id": run_id, "event_id": plain(event.id), "at": at, "body": self.json(EVENT, event)}

    def candidate(self, run_id: str, candidate: Candidate) -> Values:
        """A row of ``candidates``."""
        return {"run_id": run_id, "candidate_id": plain(candidate.id), "body": self.json(CANDIDATE, candidate)}


def plain(text: str) -> str:
    """:func:`clean` for text outside of JSON, where PostgreSQL takes no NUL either."""
    return clean(text).replace("\0", "\ufffd")


def clean(text: str) -> str:
    """``text`` as valid Unicode: halves of surrogate pairs, which broken model output may hold, become U+FFFD."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _dump(adapter: TypeAdapter[T], value: T) -> tuple[str, bool]:
    """JSON text, and whether it says exactly what the value says."""
    try:
        # round_trip leaves computed fields out, which the models refuse to read back.
        return adapter.dump_json(value, round_trip=True).decode(), True
    except PydanticSerializationError as error:
        try:
            plain = _clean_all(adapter.dump_python(value, mode="json", round_trip=True))
            return json.dumps(plain, ensure_ascii=False), False
        except PydanticSerializationError:
            raise StoreError(f"a value cannot be stored as JSON: {error}") from error


def _clean_all(value: Any) -> Any:
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {clean(key): _clean_all(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean_all(item) for item in value]
    return value


def read(adapter: TypeAdapter[T], text: str, what: str) -> T:
    """A value from its JSON text. Raises :class:`StoreCorruptError` naming ``what`` where it does not fit the type."""
    try:
        return adapter.validate_json(text)
    except ValidationError as error:
        fault = error.errors()[0]
        place = ".".join(str(part) for part in fault["loc"])
        raise StoreCorruptError(f"{what} cannot be read: {fault['msg']} at {place or 'its start'}") from error


def seen_state(stored: str, owner: str | None, *, live: bool) -> RunState:
    """A run's state as people should see it: interrupted where it was being executed and nobody holds its lease any more."""
    state = RunState(stored)
    abandoned = not live and (state is RunState.RUNNING or owner is not None)
    return RunState.INTERRUPTED if abandoned and state is not RunState.FINISHED else state


def run_record(row: Row[Any]) -> RunRecord:
    """From a row of ``runs.ALL`` (a run and the database's time), in the state in which people should see it."""
    owner: str | None = row.owner
    live = is_live(owner, row.expires_at, row.now)
    spec = read(RUN_SPEC, row.spec, f"the description of run {row.id}")
    return RunRecord(
        id=row.id,
        spec=spec if spec.experiment == row.experiment else spec.model_copy(update={"experiment": row.experiment}),
        state=seen_state(row.state, owner, live=live),
        created_at=row.created_at,
        updated_at=row.updated_at,
        elapsed=row.elapsed,
        result=None if row.result is None else read(RESULT, row.result, f"the result of run {row.id}"),
        owner=short_owner(owner) if owner is not None and live else None,
    )


def journal_entry(row: Row[Any]) -> JournalEntry:
    """From a row of ``journal``."""
    return read(ENTRY, row.body, f"journal entry {row.key} of run {row.run_id}")


def stored_event(row: Row[Any]) -> StoredEvent:
    """From a row of ``events``."""
    return StoredEvent(seq=row.seq, at=row.at, event=read(EVENT, row.body, f"event {row.seq} of run {row.run_id}"))


def control_record(row: Row[Any]) -> ControlRecord:
    """From a row of ``controls``."""
    what = f"control {row.seq} of run {row.run_id}"
    return ControlRecord(
        seq=row.seq,
        kind=row.kind,
        author=row.author,
        state=row.state,
        at=row.at,
        response=None if row.response is None else read(RESPONSE, row.response, what),
        text=row.text or "",
        budget=None if row.budget is None else read(BUDGET, row.budget, what),
    )
