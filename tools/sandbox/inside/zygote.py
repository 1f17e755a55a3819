"""The zygote: a CPython that has loaded what snippets use, and forks a child for each of them.

A fork costs by the page: the table of all of them is copied, and then each that the child writes to, and in CPython to look at
an object is to write to it. So little is loaded that most snippets do not use, and what can be done before the fork is done
there.

It is process 1 of its own process namespace, so that no process inside can send it a signal or outlive it, and the one process
there that was told anything by the host. A child gets its snippet with the memory it is forked with, and gives back bytes
through pipes: what it wrote and what it says came of it. The zygote counts them, never reads them, and keeps them and the
snippet in pages that it gives back: the next child is forked with nothing of the one before.

The host says when time is up, by an empty message; the zygote ends the child, whatever it is doing.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import mmap
import os
import select
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from . import rlimits, seccomp, snippet
from .child_output import Collected
from .frames import framed, read_frame, read_pages, write_all

_HOST_IN, _HOST_OUT = 0, 1
_REPORT = 3
"""Where a child finds the pipe for what came of its snippet."""
_LOOK = 50
"""Milliseconds between two looks at how many files there are: nothing else bounds those that are empty, or all together."""
_MOST_FILES = 1000
_COMMON = ("bisect", "datetime", "fractions", "heapq")
"""What many snippets import, beside what is loaded for other reasons. Not ``random``, which is seeded anew after each fork."""


class Zygote:
    """Serves one snippet at a time out of ``home``, the only folder that can be written."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._filter = seccomp.Filter()
        self._null = os.open(os.devnull, os.O_RDWR)

    def serve(self) -> None:
        """Run snippets until the host goes away."""
        gc.collect()
        gc.freeze()  # a child that collects garbage must not copy every page of ours
        write_all(_HOST_OUT, framed(b"ready"))
        while (message := read_frame(_HOST_IN)) is not None:
            if message:  # else it was about a child that had ended by then
                self._run(json.loads(message))

    def _run(self, caps: dict[str, Any]) -> None:
        """One snippet, which follows its caps. Replies with a record, then the bytes that it gives the sizes of."""
        request = read_pages(_HOST_IN)
        if request is None:
            sys.exit(1)
        pipes = [os.pipe() for _ in range(3)]
        began = time.monotonic()
        child = os.fork()
        if child == 0:
            self._be_child(request, caps, [writer for _, writer in pipes])
        request.close()
        for _, writer in pipes:
            os.close(writer)
        collected = Collected([reader for reader, _ in pipes], caps["output"], caps["report"])
        self._watch(child, collected, caps["files"])
        _, status, used = os.wait4(child, 0)
        record = {
            "seconds": time.monotonic() - began,
            "cpu_seconds": used.ru_utime + used.ru_stime,
            "peak_memory": used.ru_maxrss * 1024,
            "exit_code": os.waitstatus_to_exitcode(status),
            "over": collected.over,
            "clean": _sweep() and self._wipe(),
            "sizes": collected.sizes,
        }
        write_all(_HOST_OUT, framed(json.dumps(record).encode()))
        collected.hand_over(_HOST_OUT)

    def _watch(self, child: int, collected: Collected, files: int) -> None:
        """Until the child has ended, by itself or because it took too much or too long."""
        ended = os.pidfd_open(child)
        poll = select.poll()
        for descriptor in (ended, _HOST_IN, *collected.open):
            poll.register(descriptor, select.POLLIN)
        while True:
            ready = {descriptor for descriptor, _ in poll.poll(_LOOK)}
            if ended in ready:
                break
            if _HOST_IN in ready:
                if read_frame(_HOST_IN) is None:
                    sys.exit(1)  # and with us, being process 1, everything
                os.kill(child, signal.SIGKILL)
            for descriptor in ready & collected.open:
                if collected.read(descriptor) == 0:
                    poll.unregister(descriptor)
            if self._crowded(files):
                collected.over = "files"
            if collected.over:
                os.kill(child, signal.SIGKILL)
        os.close(ended)
        if self._crowded(files):
            collected.over = "files"
        collected.finish()

    def _crowded(self, files: int) -> bool:
        """Whether there are more files, or more bytes in them, than a snippet may write."""
        usage = os.statvfs(self._home)
        allowed = -(-files // usage.f_frsize)  # the kernel counts in pages
        return usage.f_files - usage.f_ffree > _MOST_FILES or usage.f_blocks - usage.f_bfree > allowed

    def _wipe(self) -> bool:
        """Empty the working folder. False where that does not succeed: then nothing more may run here."""
        try:
            self._home.chmod(0o700)
            for entry in os.scandir(self._home):
                if entry.is_dir(follow_symlinks=False):
                    shutil.rmtree(entry.path)
                else:
                    Path(entry.path).unlink()
        except (OSError, RecursionError):
            return False
        return True

    def _be_child(self, request: mmap.mmap, caps: dict[str, Any], writers: list[int]) -> NoReturn:
        """What the child does: give up everything, run the snippet, say what came of it, end."""
        try:
            for target, descriptor in enumerate((self._null, *writers)):
                os.dup2(descriptor, target)
            os.closerange(_REPORT + 1, os.sysconf("SC_OPEN_MAX"))
            os.setsid()
            signal.signal(signal.SIGINT, signal.default_int_handler)
            _draw_anew()
            rlimits.apply(rlimits.Caps(caps["seconds"], caps["memory"], caps["files"]))
            self._filter.install()
            asked = json.loads(request[:-1])
            write_all(_REPORT, snippet.run(asked["code"], asked["inputs"], str(self._home)))
            os._exit(0)
        finally:
            os._exit(70)  # never back into the zygote's own loop


def _sweep() -> bool:
    """End whatever a child may have left. Filters and limits leave nothing; this does not rely on them."""
    if os.getpid() != 1:  # outside a namespace of our own that would be everything
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-1, 0)
    return True


def _draw_anew() -> None:
    """The standard library draws new random numbers after a fork by itself; numpy's global generator, once loaded, does not."""
    generator = sys.modules.get("numpy.random")
    if generator is not None:
        generator.seed()


def _warm_up(sympy: Any) -> None:
    """Sets up once what sympy sets up at first use: an integral then takes a child 10 ms of processor time instead of 75."""
    n = sympy.Symbol("n")
    sympy.integrate(sympy.cos(n) ** 2 * n, n)
    sympy.solve(n**2 - 7 * n + 12, n)
    sympy.simplify(n / (n**2 + n))


def main(home: str, packages: list[str]) -> None:
    """Load ``packages`` where they are installed, then serve."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # process 1 gets no signal from inside that it has no handler for
    loaded = {name: importlib.import_module(name) for name in (*_COMMON, *packages)}
    if "sympy" in loaded:
        _warm_up(loaded["sympy"])
    snippet.open_output()  # here, so that no child has to; the zygote itself writes past them
    Zygote(Path(home)).serve()
