"""``bubblewrap``: the whole of CPython with sympy and numpy, behind a wall of namespaces, limits and a filter of system calls.

A pool of zygotes, each behind a wall of its own: see :mod:`.wall` for what there is inside, :mod:`.inside.zygote` for how a
snippet runs, :mod:`.inside.seccomp` for what it may ask of the kernel. Linux only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ...core.errors import SandboxError
from ...core.sandbox import Execution, Limits
from . import wall
from .requests import checked_inputs
from .zygote_process import ZygoteProcess


class BubblewrapSandbox:
    """Implements :class:`core.sandbox.Sandbox`. ``memory`` of the limits is what a snippet takes beside the interpreter.

    Raises :class:`SandboxError` where there is no bubblewrap.
    """

    name = "bubblewrap"

    def __init__(self, *, workers: int = 2) -> None:
        self._bubblewrap = wall.find_bubblewrap()
        self._slots = asyncio.Semaphore(workers)
        self._idle: list[ZygoteProcess] = []
        self._busy: set[ZygoteProcess] = set()
        self._closed = False

    async def run(self, code: str, *, inputs: Mapping[str, Any] | None = None, limits: Limits | None = None) -> Execution:
        """Run Python code. Raises :class:`UsageError` where inputs are no JSON, :class:`SandboxError` where no wall stands."""
        given, held = checked_inputs(inputs), limits or Limits()
        async with self._slots:
            zygote = await self._take(held.files)
            self._busy.add(zygote)
            try:
                return await zygote.run(code, given, held)
            finally:
                self._busy.discard(zygote)
                await self._give_back(zygote)

    async def close(self) -> None:
        """End every process. What still runs ends as :attr:`Ending.CRASHED`."""
        self._closed = True
        for zygote in self._busy:
            zygote.kill()  # whoever runs there closes it
        while self._idle:
            await self._idle.pop().close()

    async def _take(self, files: int) -> ZygoteProcess:
        """An idle zygote whose working folder takes so many bytes, else a new one, in place of an idle one where there is any."""
        if self._closed:
            raise SandboxError("the sandbox bubblewrap is closed")
        for zygote in self._idle:
            if zygote.files >= files and zygote.usable:
                self._idle.remove(zygote)
                return zygote
        if self._idle:
            await self._idle.pop(0).close()
        room = max(files, Limits().files)  # for the next snippet too
        return await ZygoteProcess.start(wall.command(self._bubblewrap, files=room), files=room)

    async def _give_back(self, zygote: ZygoteProcess) -> None:
        if zygote.usable and not self._closed:
            self._idle.append(zygote)
        else:
            await zygote.close()
