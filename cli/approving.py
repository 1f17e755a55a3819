"""Asking at the terminal whether a tool's call may be made, while a command executes the run.

The word goes the way of every other: a control row, as `symposia run respond` writes it. Where nobody can be asked, it is said
how to answer from elsewhere.
"""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import json
import os
import sys
from collections.abc import AsyncIterator
from typing import TextIO

from ..core.events import ApprovalAsked, Event
from ..core.records import ControlKind, Response
from ..memory.store import Store
from ..runtime.approvals import call_key
from .output import interactive, note, shorten

_WIDTH = 2_000
"""Characters of the arguments that are shown."""
_YES = {"y", "yes"}
_NO = {"n", "no", ""}


class Approver:
    """Hears a run's events and asks about the calls that wait, one after the other."""

    def __init__(self, store: Store, run_id: str) -> None:
        self._store = store
        self._run_id = run_id
        self._asked: asyncio.Queue[ApprovalAsked] = asyncio.Queue()
        self._typed = b""

    def hear(self, event: Event) -> None:
        """Take up a question."""
        if not isinstance(event, ApprovalAsked):
            return
        if interactive() and sys.stdin.isatty():
            self._asked.put_nowait(event)
        else:
            way = f"`symposia run respond {self._run_id} approve --call {call_key(event)}` (or deny)"
            note(f"symposia: {_question(event)} The run waits: {way}")

    @contextlib.asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Ask while the block lasts."""
        task = asyncio.create_task(self._ask())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _ask(self) -> None:
        while True:
            event = await self._asked.get()
            note(f"\n{_question(event)} [y/N]")
            while (word := (await self._line()).strip().lower()) not in _YES | _NO:
                note("y or n?")
            said = Response(about=call_key(event), approve=word in _YES)
            await self._store.add_control(self._run_id, ControlKind.RESPOND, getpass.getuser(), said)

    async def _line(self) -> str:
        """The next line typed. Waiting for it can be cancelled, and nothing typed ahead is lost; the end of input is a no."""
        while b"\n" not in self._typed:
            await _readable(sys.stdin)
            piece = os.read(sys.stdin.fileno(), 4096)
            if not piece:
                return ""
            self._typed += piece
        line, _, self._typed = self._typed.partition(b"\n")
        return line.decode(errors="replace")


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
