"""Asking at the terminal whether a tool's call may be made, while a command executes the run.

Every question gets an answer, or it is plain where one can be given:

* At a terminal the question is asked there, one after the other; a word from elsewhere (`symposia run respond`) takes it back.
* A run that is left to others to watch (`--detach`, `symposia run exec`) waits for their word.
* Everywhere else nobody can be asked, and a call is refused at once. A terminal that is gone is such a place, too.

Each word goes the way of every other: a control row, as `symposia run respond` writes it.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import os
import sys
import termios
from collections.abc import AsyncIterator
from typing import TextIO

from ..core.events import ApprovalAsked, ApprovalGiven, Event
from ..core.records import ControlKind, Response
from ..memory.store import Store
from ..runtime.approvals import call_key
from ..runtime.control import Control
from .output import interactive, note, shorten

_WIDTH = 2_000
"""Characters of the arguments that are shown."""
_YES = {"y", "yes"}
_NO = {"n", "no", ""}
_GRACE = 0.2
"""Seconds in which the signal arrives that comes with the end of a terminal, and stops the run: no call is refused then."""


class Approver:
    """Hears a run's events and sees to the calls that wait for a word. ``elsewhere`` says that others watch the run."""

    def __init__(self, store: Store, run_id: str, control: Control, *, elsewhere: bool) -> None:
        self._store = store
        self._run_id = run_id
        self._control = control
        self._elsewhere = elsewhere
        self._terminal = sys.stdin if interactive() and sys.stdin is not None and sys.stdin.isatty() else None
        self._group = asyncio.TaskGroup()
        self._turn = asyncio.Lock()
        self._open: dict[str, asyncio.Task[None]] = {}
        """What sees to the calls that have no word yet, by journal key."""
        self._typed = b""

    @contextlib.asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """See to questions while the block lasts. An error in that ends the block: else the run would wait for nobody."""
        try:
            async with self._group:
                try:
                    yield
                finally:
                    for task in self._open.values():
                        task.cancel()
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from None

    def hear(self, event: Event) -> None:
        """Take up a question, or take it back where it was answered from elsewhere."""
        if isinstance(event, ApprovalAsked):
            self._open[call_key(event)] = self._group.create_task(self._settle(event))
        elif isinstance(event, ApprovalGiven) and (task := self._open.pop(call_key(event), None)) and task.cancel():
            note(f"symposia: {event.author} answered about {event.tool} from elsewhere: {'yes' if event.approved else 'no'}")
            self._forget_typed()  # it was meant for this question, and is no word on the next one

    async def _settle(self, event: ApprovalAsked) -> None:
        """Get a word and pass it on, unless the run was stopped meanwhile: then whoever resumes it is asked."""
        async with self._turn:
            approve = None if self._terminal is None else await self._ask(event, self._terminal)
        if self._control.halted is not None:
            return
        key, author, why = call_key(event), getpass.getuser(), ""
        if approve is None and self._elsewhere:
            way = f"`symposia run respond {self._run_id} approve --call {key}` (or deny)"
            note(f"symposia: {_question(event)} The run waits: {way}")
            return
        if approve is None:
            author, why = "symposia", f"nobody is there to be asked (--approve {event.tool}=always allows it unasked)"
            note(f"symposia: {_question(event)} Refused: {why}")
        del self._open[key]
        said = Response(about=key, approve=bool(approve), note=why)
        await self._store.add_control(self._run_id, ControlKind.RESPOND, author, said)

    async def _ask(self, event: ApprovalAsked, terminal: TextIO) -> bool | None:
        """What the person at the terminal says; None where the terminal is gone."""
        note(f"\n{_question(event)} [y/N]")
        while (line := await self._line(terminal)) is not None:
            if (word := line.strip().lower()) in _YES | _NO:
                return word in _YES
            note("y or n?")
        await asyncio.sleep(_GRACE)
        return None

    async def _line(self, terminal: TextIO) -> str | None:
        """The next line typed; the end of input is an empty one, the end of the terminal None.

        Waiting for it can be cancelled, and nothing typed ahead is lost.
        """
        while b"\n" not in self._typed:
            await _readable(terminal)
            try:
                piece = os.read(terminal.fileno(), 4096)
            except OSError:  # how some systems say that a terminal is gone
                return None
            if not piece:
                self._typed = b""
                return "" if terminal.isatty() else None
            self._typed += piece
        line, _, self._typed = self._typed.partition(b"\n")
        return line.decode(errors="replace")

    def _forget_typed(self) -> None:
        self._typed = b""
        if self._terminal is not None:
            with contextlib.suppress(termios.error):
                termios.tcflush(self._terminal, termios.TCIFLUSH)


def _question(event: ApprovalAsked) -> str:
    """One line, whatever a model wrote: what is no plain character is shown as its code."""
    arguments = json.dumps(event.arguments, ensure_ascii=False)
    why = f" because: {shorten(_plain(event.justification), 200)!r}" if event.justification else ""
    return f"May {event.tool} be called with {shorten(_plain(arguments), _WIDTH)}{why}?"


def _plain(text: str) -> str:
    return "".join(each if each.isprintable() else f"\\u{ord(each):04x}" for each in text)


async def _readable(file: TextIO) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[None] = loop.create_future()

    def tell() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(file, tell)
    try:
        await ready
    finally:
        loop.remove_reader(file)
