"""Control inside the executing process: the gate that calls pass, and the halt that ends a run early.

A wish of a person (a control row, or Ctrl-C) takes effect at a boundary: before a call. Pause closes the gate until resume; a
pause at once breaks off the calls in flight as well, which are made again after it. Stop and the deadline halt the run: no new
call is made, calls in flight are cancelled at the server, and the strategy ends with what it has. A tool's call that a person
is asked about waits here for the word.
"""

from __future__ import annotations

import asyncio
from typing import Any

from ..core.records import Verdict
from ..core.result import StopReason


class Control:
    """One per executing run."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._open.set()
        self._broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        """Done while the run is paused at once."""
        self._questions: dict[str, asyncio.Future[Verdict]] = {}
        self._halted: asyncio.Future[StopReason] = asyncio.get_running_loop().create_future()

    @property
    def halted(self) -> StopReason | None:
        """Why the run must make no new call; None while it may."""
        return self._halted.result() if self._halted.done() else None

    @property
    def paused(self) -> bool:
        """Whether the gate is closed."""
        return not self._open.is_set()

    def halt(self, reason: StopReason) -> None:
        """End the run early. The first reason stands."""
        if not self._halted.done():
            self._halted.set_result(reason)
        self._open.set()

    def pause(self, *, now: bool = False) -> None:
        """Close the gate: no new call is made. Calls of models in flight go on; with ``now`` they are broken off.

        Tools and programs go on in any case: what they have done outside cannot be taken back by doing it again.
        """
        if not self._halted.done():
            self._open.clear()
            if now and not self._broken.done():
                self._broken.set_result(None)

    def resume(self) -> None:
        """Open the gate."""
        self._open.set()
        if self._broken.done():
            self._broken = asyncio.get_running_loop().create_future()

    @property
    def waiting(self) -> bool:
        """Whether a tool's call waits for a person's word."""
        return bool(self._questions)

    async def verdict(self, key: str) -> Verdict:
        """What a person says of the tool's call under journal key ``key``."""
        question: asyncio.Future[Verdict] = asyncio.get_running_loop().create_future()
        self._questions[key] = question
        try:
            return await question
        finally:
            del self._questions[key]

    def asks_about(self, key: str) -> bool:
        """Whether this call waits for a person's word."""
        return key in self._questions

    def decide(self, key: str, verdict: Verdict) -> None:
        """Say what a person decided. The first word stands."""
        question = self._questions.get(key)
        if question is not None and not question.done():
            question.set_result(verdict)

    async def gate(self) -> StopReason | None:
        """Wait while paused. Returns the reason if the run was halted."""
        await self._open.wait()
        return self.halted

    async def lands(self, call: asyncio.Future[Any]) -> bool:
        """Wait until a call in flight is done (True); False where the run is halted, or paused at once, before that."""
        await asyncio.wait({call, self._halted, self._broken}, return_when=asyncio.FIRST_COMPLETED)
        return call.done()

    async def wait_for(self, *others: asyncio.Future[Any]) -> bool:
        """Wait until one of ``others`` is done (True), or the run is halted first (False)."""
        await asyncio.wait({*others, self._halted}, return_when=asyncio.FIRST_COMPLETED)
        return any(other.done() for other in others)
