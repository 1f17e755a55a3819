"""``bubblewrap``: the whole of CPython with sympy and numpy, behind a wall of namespaces, limits and a filter of system calls.

A pool of zygotes, each behind a wall of its own: see :mod:`.wall` for what there is inside, :mod:`.inside.zygote` for how a
snippet runs, :mod:`.inside.seccomp` for what it may ask of the kernel. Linux only.

A process is forked in a time that grows with its memory, and sympy and numpy take five times what Python takes. So there are
two kinds of zygote, those that have the packages loaded and those that have not, and at most one of each for a worker.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from ...core.errors import SandboxError
from ...core.sandbox import Execution, Limits
from . import wall
from .requests import checked_inputs, request_of
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
        request, held = request_of(code, checked_inputs(inputs)), limits or Limits()
        async with self._slots:
            zygote = await self._take(packages_for(request), held.files)
            self._busy.add(zygote)
            try:
                return await zygote.run(request, held)
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

    async def _take(self, packages: tuple[str, ...], files: int) -> ZygoteProcess:
        """An idle zygote of the kind whose working folder takes so many bytes, else a new one, in place of an idle one if any."""
        if self._closed:
            raise SandboxError("the sandbox bubblewrap is closed")
        alike = [zygote for zygote in self._idle if zygote.packages == packages]
        for zygote in alike:
            if zygote.files >= files and zygote.usable:
                self._idle.remove(zygote)
                return zygote
        if alike:
            self._idle.remove(alike[0])
            await alike[0].close()
        room = max(files, Limits().files)  # for the next snippet too
        command = wall.command(self._bubblewrap, files=room, packages=packages)
        return await ZygoteProcess.start(command, files=room, packages=packages)

    async def _give_back(self, zygote: ZygoteProcess) -> None:
        if zygote.usable and not self._closed:
            self._idle.append(zygote)
        else:
            await zygote.close()


def packages_for(request: str) -> tuple[str, ...]:
    """What should be loaded for a snippet: all packages where the name of one stands anywhere in its code or inputs.

    So it is found in code that is passed to ``exec`` and in names that are passed to ``import_module`` too. Where it is not,
    because the name is put together, what is imported is loaded then: that costs time and memory of the snippet's own.
    """
    return wall.PACKAGES if any(name in request for name in wall.PACKAGES) else ()
