"""A parent for a server that does not watch its own: ``python -m symposia.models.engines.guard [--grace S] -- COMMAND…``.

vLLM runs in a Python that need not have symposia, and forks processes of its own that outlive it when it is killed. The guard
starts COMMAND, passes on its output and exit code, and ends every process that descends from it when the guard's standard
input ends, a signal comes, or COMMAND has ended: SIGTERM first, SIGKILL after the grace. On Linux it adopts orphaned
descendants, so that none escapes by losing its parent, and COMMAND is killed with a guard that is killed itself.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import sys
import time

import psutil

from .follow import adopt_orphans, die_with_parent

GRACE = 2.0
"""Seconds between the request to end and the kill; shorter than what :meth:`.process.ManagedProcess.stop` waits."""
_POLL = 0.02
_NOT_FOUND = 127  # as shells say it


def main() -> int:
    """Run the command until it ends or we are told to end. Returns its exit code, 0 where it was ended by us."""
    arguments = _arguments()
    adopt_orphans()
    news = _signals()
    status = _watch(_start(arguments.command), news, os.getppid())
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    end_family(arguments.grace)
    if status is None:
        return 0
    if os.WIFSIGNALED(status):  # end in the same way, so that whoever waits for us can tell
        with contextlib.suppress(OSError):  # SIGKILL has no handler
            signal.signal(os.WTERMSIG(status), signal.SIG_DFL)
        os.kill(os.getpid(), os.WTERMSIG(status))
    return os.waitstatus_to_exitcode(status)


def end_family(grace: float) -> None:
    """End every other process of our group and every descendant, and wait until none is left."""
    for process in _family():
        with contextlib.suppress(psutil.Error):
            process.terminate()
    deadline = time.monotonic() + grace
    while family := _family():
        if time.monotonic() > deadline:
            for process in family:  # again each time round: it may have forked meanwhile
                with contextlib.suppress(psutil.Error):
                    process.kill()
        _reap()
        time.sleep(_POLL)
    _reap()


def _family() -> list[psutil.Process]:
    """Living descendants, and living members of our process group where we lead it (macOS re-parents orphans to pid 1)."""
    me = os.getpid()
    found = {process.pid: process for process in psutil.Process().children(recursive=True)}
    if os.getpgrp() == me:
        for process in psutil.process_iter():
            with contextlib.suppress(OSError):
                if os.getpgid(process.pid) == me and process.pid != me:
                    found[process.pid] = process
    return [process for process in found.values() if _lives(process)]


def _lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _signals() -> int:
    """A pipe's end from which the number of every signal can be read that comes from now on.

    No signal is missed that way. A handler alone would be: one that comes just before a waiting system call starts does not
    interrupt it.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent(signal.SIGHUP)
    return reader


def _start(command: list[str]) -> int:
    guard = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        die_with_parent()
        if os.getppid() != guard:  # it ended before the kernel knew what we want
            os._exit(1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.execvp(command[0], command)  # noqa: S606 - the command line we were given
    except BaseException as error:  # noqa: BLE001 - what is forked must end here
        os.write(2, f"{command[0]} cannot be run: {error}\n".encode())
    os._exit(_NOT_FOUND)


def _watch(child: int, news: int, parent: int) -> int | None:
    """The status of ``child`` once it has ended; None where we are to end before it."""
    while True:
        ready, _, _ = select.select([0, news], [], [])
        if 0 in ready and not os.read(0, 4096):
            return None
        if news in ready:
            numbers = os.read(news, 4096)
            # The kernel sends SIGHUP also when only the thread that started us has ended.
            if signal.SIGTERM in numbers or os.getppid() != parent:
                return None
            status = _status(child)
            if status is not None:
                return status


def _status(child: int) -> int | None:
    """The status of ``child`` if it has ended. Adopted orphans that have ended are reaped on the way."""
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == child:
            return status
        if pid == 0:
            return None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="guard")
    parser.add_argument("--grace", type=float, default=GRACE)
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
