"""Approvals: which tool calls of a run wait for a person's word, and saying it.

A word is a control row that names the call it is about. Only people write control rows, by the command or by a program of
theirs: nothing that a model or a tool says ever becomes one.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..core.errors import ConfigError, UnknownNameError
from ..core.events import ApprovalAsked, ApprovalGiven, Event
from ..core.records import ControlKind, ControlRecord, Response
from ..core.result import RunState
from ..memory.store import Store


def call_key(event: ApprovalAsked | ApprovalGiven) -> str:
    """Journal key of the call that an event is about."""
    return f"{event.scope}/{event.node}.{event.visit}.{event.index}"


def open_questions(events: Iterable[Event]) -> dict[str, ApprovalAsked]:
    """The calls that wait for a word, by journal key, in the order in which they were asked about."""
    found: dict[str, ApprovalAsked] = {}
    for event in events:
        if isinstance(event, ApprovalAsked):
            found[call_key(event)] = event
        elif isinstance(event, ApprovalGiven):
            found.pop(call_key(event), None)
    return found


async def respond(
    store: Store, run_id: str, *, approve: bool, author: str, note: str = "", about: str | None = None
) -> ControlRecord:
    """Say whether a tool's call may be made. ``about`` is its journal key; it may be left out where only one call waits.

    A run that nobody executes at the moment takes the word up when it is resumed. Raises :class:`ConfigError` where no call
    waits, or several and none is named, :class:`UnknownNameError` for a call that does not wait.
    """
    record = await store.run(run_id)
    questions = open_questions(stored.event for stored in await store.events(record.id))
    if not questions or record.state is RunState.FINISHED:
        raise ConfigError(f"no tool's call of run {record.id} waits for a word")
    if about is None:
        if len(questions) > 1:
            raise ConfigError(f"{len(questions)} calls of run {record.id} wait", hint=f"name one: {', '.join(questions)}")
        about = next(iter(questions))
    if about not in questions:
        raise UnknownNameError("waiting call", about, questions)
    said = Response(about=about, approve=approve, note=note)
    return await store.add_control(record.id, ControlKind.RESPOND, author, said)
