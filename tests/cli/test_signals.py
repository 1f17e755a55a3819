"""Being told to stop: softly once, at once the second time, whatever becomes of the terminal meanwhile."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import signal
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from symposia.cli import output, signals
from symposia.cli.signals import Interrupts
from symposia.cli.unbroken import Unbroken, keep_stderr_unbroken
from symposia.core.result import StopReason

SOFT = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Run:
    """What is to be stopped."""

    def __init__(self) -> None:
        self.halts: list[StopReason] = []

    def halt(self, reason: StopReason) -> None:
        self.halts.append(reason)


class EndedError(Exception):
    """In place of the process's end."""


@pytest.fixture(autouse=True)
def ends(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Codes with which the process would have ended."""
    codes: list[int] = []

    def end(code: int) -> None:
        codes.append(code)
        raise EndedError

    before = {number: signal.getsignal(number) for number in SOFT}
    monkeypatch.setattr(os, "_exit", end)
    yield codes
    assert {number: signal.getsignal(number) for number in SOFT} == before, "handlers are put back"


def send(*numbers: signal.Signals) -> None:
    for number in numbers:
        os.kill(os.getpid(), number)


async def settle() -> None:
    for _ in range(3):
        await asyncio.sleep(0)


@pytest.mark.parametrize("number", SOFT)
async def test_the_first_signal_stops_softly(capsys: pytest.CaptureFixture[str], ends: list[int], number: signal.Signals) -> None:
    run = Run()
    with Interrupts().installed() as interrupts:
        interrupts.guard(run)
        send(number)
        await settle()
    assert (run.halts, ends) == ([StopReason.STEERED], [])
    assert capsys.readouterr().err == "symposia: stopping; Ctrl-C again ends at once\n"


@pytest.mark.parametrize("way_on", [None, "the same command goes on"])
async def test_the_second_signal_ends_at_once_though_the_loop_is_held_up(
    capfd: pytest.CaptureFixture[str], ends: list[int], way_on: str | None
) -> None:
    run = Run()
    with Interrupts(way_on=way_on).installed() as interrupts:
        interrupts.guard(run)
        with pytest.raises(EndedError):
            send(signal.SIGTERM, signal.SIGINT)
    assert (run.halts, ends) == ([], [130]), "the loop had no turn"
    assert capfd.readouterr().err == f"symposia: ended; {way_on or 'go on with `symposia run resume RUN`'}\n"


async def test_a_note_that_cannot_be_written_stops_nothing(monkeypatch: pytest.MonkeyPatch, ends: list[int]) -> None:
    def broken(_text: str) -> None:
        raise BrokenPipeError

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    monkeypatch.setattr(signals, "note", broken)
    run, kept = Run(), os.dup(2)
    try:
        os.close(2)
        with Interrupts().installed() as interrupts:
            interrupts.guard(run)
            send(signal.SIGTERM)
            await settle()
            assert run.halts == [StopReason.STEERED]
            with pytest.raises(EndedError):
                send(signal.SIGTERM)
    finally:
        os.dup2(kept, 2)
        os.close(kept)
    assert ends == [130]


async def test_the_end_of_a_terminal_only_stops(ends: list[int]) -> None:
    """A shell that ends says it again, and so do other programs before or after they ask for an end."""
    run = Run()
    with Interrupts().installed() as interrupts:
        interrupts.guard(run)
        send(signal.SIGHUP, signal.SIGTERM, signal.SIGHUP)
        await settle()
        assert (run.halts, ends) == ([StopReason.STEERED], [])
        with pytest.raises(EndedError):
            send(signal.SIGTERM)


async def test_an_ignored_hang_up_stays_ignored(ends: list[int]) -> None:
    run, before = Run(), signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Interrupts().installed() as interrupts:
            interrupts.guard(run)
            send(signal.SIGHUP)
            await settle()
    finally:
        signal.signal(signal.SIGHUP, before)
    assert (run.halts, ends) == ([], [])


async def test_before_there_is_a_run_the_command_is_cancelled() -> None:
    async def work() -> Run:
        run = Run()
        with Interrupts().installed() as interrupts:
            send(signal.SIGTERM)
            try:
                await asyncio.sleep(5)
            except asyncio.CancelledError:
                interrupts.guard(run)
        return run

    assert (await asyncio.create_task(work())).halts == [StopReason.STEERED]


class Gone(io.StringIO):
    """A stream whose other end is gone."""

    def write(self, _text: str) -> int:
        raise OSError(errno.EIO, "Input/output error")

    def flush(self) -> None:
        raise BrokenPipeError


def test_what_cannot_be_said_is_dropped(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for stream in (Gone(), None):
        monkeypatch.setattr(sys, "stderr", stream)
        keep_stderr_unbroken()
        output.note("heard by nobody")
        assert not output.interactive()
    assert capsys.readouterr().out == ""
    monkeypatch.setattr(sys, "stderr", kept := io.StringIO())
    keep_stderr_unbroken()
    output.note("heard")
    assert (kept.getvalue(), isinstance(sys.stderr, Unbroken)) == ("heard\n", True)


def test_a_terminal_that_is_gone_is_a_reader_that_went_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Gone())
    with pytest.raises(BrokenPipeError):
        output.data_json({})

    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Gone, "write", full)
    with pytest.raises(OSError, match="No space left"):
        output.data("x")
