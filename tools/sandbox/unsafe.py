"""``unsafe``: a plain subprocess. No wall at all: code sees the files, the network and the processes of whoever runs it.

For machines that hold nothing to lose, such as a container made for this, and used nowhere but where it is asked for by name.
The limits hold for code that means no harm, and the environment is not handed on.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import tempfile
import time
import warnings
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

from ...core.errors import SandboxError
from ...core.sandbox import Ending, Execution, Limits
from .inside.frames import framed
from .reports import MOST_REPORT, Record, execution_of, too_long
from .requests import checked_inputs

_PLACE = Path(__file__).parent
_START = f"import sys; sys.path.insert(0, {str(_PLACE)!r}); from inside.alone import main; main(*sys.argv[1:])"
_GRACE = 1.0
"""Seconds in which the pipes of an ended process must end; what it left behind may hold them open."""
_PIECE = 65536


class UnsafeSandbox:
    """Implements :class:`core.sandbox.Sandbox` without keeping anything from anything. Says so in a :class:`RuntimeWarning`."""

    name = "unsafe"

    def __init__(self, *, workers: int = 2) -> None:
        warnings.warn("the sandbox 'unsafe' is none: code of models can read and do what you can", RuntimeWarning, stacklevel=2)
        self._slots = asyncio.Semaphore(workers)
        self._running: set[_Subprocess] = set()
        self._closed = False

    async def run(self, code: str, *, inputs: Mapping[str, Any] | None = None, limits: Limits | None = None) -> Execution:
        """Run Python code. Raises :class:`UsageError` where inputs are no JSON."""
        given, held = checked_inputs(inputs), limits or Limits()
        async with self._slots:
            if self._closed:
                raise SandboxError("the sandbox unsafe is closed")
            with tempfile.TemporaryDirectory(prefix="symposia-", ignore_cleanup_errors=True) as folder:
                subprocess = _Subprocess(Path(folder), held)
                self._running.add(subprocess)
                try:
                    return await subprocess.run(code, given)
                finally:
                    self._running.discard(subprocess)

    async def close(self) -> None:
        """End every process. What still runs ends as :attr:`Ending.CRASHED`."""
        self._closed = True
        for subprocess in self._running:
            subprocess.kill()


class _Subprocess:
    """One execution."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self._home = folder / "work"
        self._report = folder / "report"
        self._limits = limits
        self._output = (bytearray(), bytearray())
        self._room = limits.output
        self._process: Process | None = None

    async def run(self, code: str, inputs: dict[str, Any]) -> Execution:
        self._home.mkdir()
        began = time.monotonic()
        command = (sys.executable, "-I", "-B", "-X", "utf8", "-c", _START, str(self._home), str(self._report))
        self._process = process = await asyncio.create_subprocess_exec(
            *command,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            cwd=self._home,
            env={"HOME": str(self._home), "TMPDIR": str(self._home), "LANG": "C.UTF-8"},
            start_new_session=True,
        )
        readers = [asyncio.ensure_future(self._collect(index)) for index in range(2)]
        try:
            in_time = await self._wait(process, code, inputs)
            self.kill()
            await asyncio.wait(readers, timeout=_GRACE)
        finally:
            self.kill()
            await process.wait()
            for reader in readers:
                reader.cancel()
        stdout, stderr = map(bytes, self._output)
        execution = execution_of(self._record(time.monotonic() - began), stdout, stderr, self._said(), self._limits)
        if not in_time:
            return execution.model_copy(update={"ending": Ending.TIME, "value": None, "error": too_long(self._limits)})
        return execution

    def kill(self) -> None:
        """End the process and those of its group, whether it has ended or not."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def _wait(self, process: Process, code: str, inputs: dict[str, Any]) -> bool:
        """Until it has ended. False where its time was up before."""
        request = {"code": code, "inputs": inputs, "report": MOST_REPORT, **self._limits.model_dump()}
        stdin = cast("asyncio.StreamWriter", process.stdin)
        try:
            async with asyncio.timeout(self._limits.seconds):
                with contextlib.suppress(OSError):
                    stdin.write(framed(json.dumps(request).encode()))
                    await stdin.drain()
                await process.wait()
        except TimeoutError:
            return False
        finally:
            stdin.close()
        return True

    async def _collect(self, index: int) -> None:
        process = cast("Process", self._process)
        stream = cast("asyncio.StreamReader", (process.stdout, process.stderr)[index])
        while piece := await stream.read(_PIECE):
            self._output[index].extend(piece[: max(self._room, 0)])
            self._room -= len(piece)
            if self._room < 0:
                self.kill()

    def _said(self) -> bytes:
        with contextlib.suppress(OSError), self._report.open("rb") as report:
            return report.read(MOST_REPORT + 1)
        return b""

    def _record(self, seconds: float) -> Record:
        too_much: Literal["output", "report"] | None = None
        if self._room < 0:
            too_much = "output"
        elif len(self._said()) > MOST_REPORT:
            too_much = "report"
        exit_code = cast("Process", self._process).returncode or 0
        return Record(seconds=seconds, exit_code=exit_code, over=too_much, clean=False, sizes=(0, 0, 0))
