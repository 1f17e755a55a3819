"""The host's end of a zygote: starts it behind the wall, gives it snippets, ends it.

What comes back is from a place where foreign code ran, so that nothing is taken on trust: sizes are held against what was
allowed, and a zygote that breaks the rules or is late is ended, with everything in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from asyncio.subprocess import PIPE, Process
from typing import cast

import psutil
from pydantic import ValidationError

from ...core.errors import SandboxError
from ...core.sandbox import Ending, Execution, Limits
from .inside.frames import HEAD, framed
from .reports import MOST_REPORT, Record, execution_of, too_long
from .requests import one_line

_START = 60.0
"""Seconds in which a zygote must be ready: it loads sympy, on a machine that may be busy."""
_GRACE = 2.0
"""Seconds in which a zygote must have ended a snippet, before it is ended itself."""
_MOST_RECORD = 4096


class _BrokenError(Exception):
    """What came over the pipe is no reply, or none comes any more."""


class ZygoteProcess:
    """A zygote that runs one snippet at a time."""

    def __init__(self, process: Process, files: int, packages: tuple[str, ...]) -> None:
        self.files = files
        """Bytes that a snippet may write there."""
        self.packages = packages
        """What it has loaded, as far as it is installed."""
        self._process = process
        self._to = cast("asyncio.StreamWriter", process.stdin)
        self._from = cast("asyncio.StreamReader", process.stdout)
        self._own_memory = 0
        self._broken = False

    @classmethod
    async def start(cls, command: list[str], *, files: int, packages: tuple[str, ...] = ()) -> ZygoteProcess:
        """Start one and wait until it is ready. Raises :class:`SandboxError` with what it says where it does not get there."""
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, stderr=PIPE, start_new_session=True)
        except OSError as error:
            raise SandboxError(f"bubblewrap cannot be started: {error}") from error
        zygote = cls(process, files, packages)
        try:
            await zygote._wait_until_ready()
        except BaseException:
            zygote.kill()
            await zygote.close()
            raise
        return zygote

    async def _wait_until_ready(self) -> None:
        try:
            async with asyncio.timeout(_START):
                await self._frame()
            # What the interpreter takes itself comes on top of what a snippet may. The child is bubblewrap's, the zygote.
            self._own_memory = psutil.Process(self._process.pid).children()[0].memory_info().vms
        except (_BrokenError, TimeoutError, IndexError, psutil.Error) as error:
            self.kill()
            said = one_line((await cast("asyncio.StreamReader", self._process.stderr).read(8192)).decode(errors="replace"))
            raise SandboxError(f"bubblewrap does not start: {said or 'it says nothing'}", hint=_hint(said)) from error

    @property
    def usable(self) -> bool:
        """Whether another snippet can be run here."""
        return not self._broken and self._process.returncode is None

    async def run(self, request: str, limits: Limits) -> Execution:
        """Run a snippet. It has ended when this returns, and when this is cancelled."""
        reply = asyncio.ensure_future(self._ask(request, limits))
        try:
            done, _ = await asyncio.wait({reply}, timeout=limits.seconds)
            if not done:
                await self._halt(reply)
        except asyncio.CancelledError:
            await self._halt(reply)
            raise
        execution = Execution(ending=Ending.CRASHED, error="its sandbox was ended")
        try:
            execution = reply.result()
        except (_BrokenError, asyncio.CancelledError):
            self.kill()
        if not done:
            return execution.model_copy(update={"ending": Ending.TIME, "value": None, "error": too_long(limits)})
        return execution

    def kill(self) -> None:
        """End it and all that is in it, at once."""
        self._broken = True
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """End it, and wait until it has ended."""
        self._broken = True
        self._to.close()
        try:
            async with asyncio.timeout(_GRACE):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()

    async def _ask(self, request: str, limits: Limits) -> Execution:
        caps = {
            "seconds": limits.seconds,
            "memory": self._own_memory + limits.memory,
            "files": limits.files,
            "output": limits.output,
            "report": MOST_REPORT,
        }
        await self._send(json.dumps(caps).encode(), request.encode())
        try:
            record = Record.model_validate_json(await self._frame())
        except ValidationError as error:
            raise _BrokenError from error
        out, err, report = record.sizes
        if min(record.sizes) < 0 or out + err > limits.output or report > MOST_REPORT:
            raise _BrokenError
        stdout, stderr, said = [await self._read(size) for size in record.sizes]
        self._broken = self._broken or not record.clean
        return execution_of(record, stdout, stderr, said, limits)

    async def _halt(self, reply: asyncio.Future[Execution]) -> None:
        """Have the snippet ended and wait for the reply; where none comes, end the zygote."""
        try:
            with contextlib.suppress(_BrokenError):
                await self._send(b"")
            await asyncio.wait({reply}, timeout=_GRACE)
        finally:
            if not reply.done():
                reply.cancel()
                await asyncio.wait({reply})
            if reply.cancelled() or reply.exception():
                self.kill()

    async def _send(self, *messages: bytes) -> None:
        self._to.write(b"".join(map(framed, messages)))
        try:
            await self._to.drain()
        except OSError as error:
            raise _BrokenError from error

    async def _frame(self) -> bytes:
        size = HEAD.unpack(await self._read(HEAD.size))[0]
        if size > _MOST_RECORD:
            raise _BrokenError
        return await self._read(size)

    async def _read(self, size: int) -> bytes:
        try:
            return await self._from.readexactly(size)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise _BrokenError from error


def _hint(said: str) -> str | None:
    if any(word in said.lower() for word in ("namespace", "uid map", "permission", "permitted")):
        return (
            "users may not make namespaces here: `sysctl kernel.unprivileged_userns_clone=1` on older Debians, "
            "`sysctl kernel.apparmor_restrict_unprivileged_userns=0` on Ubuntu, other rights for the container; or use monty"
        )
    return "use the sandbox monty" if said else None
