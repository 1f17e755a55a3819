"""Who is asked about a tool's call while a command executes the run, and what is said where nobody is."""

from __future__ import annotations

import asyncio
import io
import os
import pty
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from symposia.cli import approving
from symposia.cli.approving import Approver
from symposia.core.errors import StoreError
from symposia.core.events import ApprovalAsked, ApprovalGiven
from symposia.core.records import Response
from symposia.core.result import StopReason
from symposia.memory.store import Store
from symposia.runtime.control import Control

AT: dict[str, Any] = {"scope": "react", "node": "act", "tool": "files__write"}


class Words:
    """What was said, in place of a store."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Response]] = []
        self.more = asyncio.Event()
        self.error: StoreError | None = None

    async def add_control(self, run_id: str, kind: Any, author: str, response: Response) -> None:
        if self.error is not None:
            raise self.error
        self.said.append((author, response))
        self.more.set()

    async def next(self) -> Response:
        """The next word."""
        await asyncio.wait_for(self.more.wait(), 5)
        self.more.clear()
        return self.said[-1][1]


class Screen(io.StringIO):
    """Standard error at a terminal."""

    def isatty(self) -> bool:
        return True

    async def shows(self, text: str, times: int = 1) -> None:
        async with asyncio.timeout(5):
            while self.getvalue().count(text) < times:
                await asyncio.sleep(0.001)


class Terminal:
    """A pseudo terminal whose one end is standard input."""

    def __init__(self) -> None:
        self.ours, theirs = pty.openpty()
        self.stdin = os.fdopen(theirs, encoding="utf-8")
        self.screen = Screen()
        self._open = True

    def type(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def hang_up(self) -> None:
        if self._open:
            os.close(self.ours)
        self._open = False


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    monkeypatch.setattr(approving, "_GRACE", 0.01)
    made = Terminal()
    yield made
    made.hang_up()
    made.stdin.close()


@asynccontextmanager
async def asking(
    stdin: Any, screen: Screen | None = None, *, elsewhere: bool = False
) -> AsyncIterator[tuple[Approver, Words, Control]]:
    words, control = Words(), Control()
    with pytest.MonkeyPatch.context() as patch:  # here: pytest puts its own streams back when a test begins
        patch.setattr(sys, "stdin", stdin.stdin if isinstance(stdin, Terminal) else stdin)
        patch.setattr(sys, "stderr", stdin.screen if isinstance(stdin, Terminal) else screen or Screen())
        approver = Approver(cast(Store, words), "mine", control, elsewhere=elsewhere)
        async with asyncio.timeout(10), approver.asking():
            yield approver, words, control


def asked(index: int = 0) -> ApprovalAsked:
    return ApprovalAsked(**AT, index=index, arguments={"path": "a"})


def refusal(index: int = 0) -> Response:
    note = "nobody is there to be asked (--approve files__write=always allows it unasked)"
    return Response(about=f"react/act.0.{index}", approve=False, note=note)


async def test_questions_are_asked_one_after_the_other(terminal: Terminal) -> None:
    async with asking(terminal) as (approver, words, _):
        approver.hear(asked(0))
        approver.hear(asked(1))
        await terminal.screen.shows("[y/N]")
        terminal.type("perhaps\nYES\n")
        assert await words.next() == Response(about="react/act.0.0", approve=True)
        await terminal.screen.shows("[y/N]", 2)
        assert "y or n?" in terminal.screen.getvalue()
        terminal.type("\n")
        assert await words.next() == Response(about="react/act.0.1", approve=False)


async def test_the_end_of_input_is_a_no_to_one_question(terminal: Terminal) -> None:
    async with asking(terminal) as (approver, words, _):
        approver.hear(asked(0))
        await terminal.screen.shows("[y/N]")
        terminal.type("y\x04\x04")  # what stood in the line before it is no word
        assert await words.next() == Response(about="react/act.0.0", approve=False)
        approver.hear(asked(1))
        await terminal.screen.shows("[y/N]", 2)
        terminal.type("y\n")
        assert await words.next() == Response(about="react/act.0.1", approve=True)


@pytest.mark.parametrize("error", [False, True], ids=["end", "EIO"])
async def test_a_terminal_that_is_gone_is_a_no_to_every_question(
    terminal: Terminal, monkeypatch: pytest.MonkeyPatch, error: bool
) -> None:
    def broken(*_: Any) -> bytes:
        raise OSError(5, "Input/output error")

    async with asking(terminal) as (approver, words, _):
        approver.hear(asked(0))
        await terminal.screen.shows("[y/N]")
        if error:
            monkeypatch.setattr(os, "read", broken)
        terminal.hang_up()
        assert await words.next() == refusal(0)
        approver.hear(asked(1))
        assert await words.next() == refusal(1)
    assert [author for author, _ in words.said] == ["symposia"] * 2


async def test_a_terminal_that_takes_the_run_with_it_says_nothing(terminal: Terminal) -> None:
    async with asking(terminal) as (approver, words, control):
        approver.hear(asked())
        await terminal.screen.shows("[y/N]")
        terminal.hang_up()
        control.halt(StopReason.STEERED)
        await asyncio.sleep(0.1)
    assert words.said == []


async def test_a_stopped_run_takes_no_word(terminal: Terminal) -> None:
    async with asking(terminal) as (approver, words, control):
        approver.hear(asked())
        await terminal.screen.shows("[y/N]")
        control.halt(StopReason.STEERED)
        terminal.type("y\n")
        await asyncio.sleep(0.05)
    assert words.said == []


async def test_a_word_from_elsewhere_takes_the_question_back(terminal: Terminal) -> None:
    async with asking(terminal) as (approver, words, _):
        approver.hear(asked(0))
        approver.hear(asked(1))
        await terminal.screen.shows("[y/N]")
        terminal.type("y")  # on the first question, and not yet sent
        approver.hear(ApprovalGiven(**AT, index=0, approved=False, author="ann"))
        await terminal.screen.shows("[y/N]", 2)
        assert "ann answered about files__write from elsewhere: no" in terminal.screen.getvalue()
        terminal.type("\n")
        assert await words.next() == Response(about="react/act.0.1", approve=False)
        approver.hear(ApprovalGiven(**AT, index=1, approved=False, author="me"))
    assert terminal.screen.getvalue().count("from elsewhere") == 1, "not of a word that was said here"
    assert len(words.said) == 1


@pytest.mark.parametrize("stdin", [io.StringIO("y\n"), None], ids=["pipe", "closed"])
async def test_without_a_terminal_a_call_is_refused(stdin: Any) -> None:
    screen = Screen()
    async with asking(stdin, screen) as (approver, words, _):
        approver.hear(asked())
        assert await words.next() == refusal()
    assert "Refused: nobody is there to be asked (--approve files__write=always allows it unasked)" in screen.getvalue()


async def test_a_run_that_others_watch_waits_for_them() -> None:
    screen = Screen()
    async with asking(None, screen, elsewhere=True) as (approver, words, _):
        approver.hear(asked())
        await screen.shows("The run waits: `symposia run respond mine approve --call react/act.0.0` (or deny)")
        approver.hear(ApprovalGiven(**AT, approved=True, author="ann"))
    assert words.said == []
    assert "from elsewhere" not in screen.getvalue()


async def test_a_word_that_cannot_be_said_ends_the_run() -> None:
    async def run() -> None:
        async with asking(None) as (approver, words, _):
            words.error = StoreError("no store any more")
            approver.hear(asked())
            await asyncio.Event().wait()

    with pytest.raises(StoreError, match="no store any more"):
        await run()
