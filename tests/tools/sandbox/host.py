"""What code in a sandbox could have done to this machine, looked at from outside: files, processes, connections, descriptors."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil

SECRET = "a secret of the host"
_WORKERS = ("monty", "bwrap")


class Host(NamedTuple):
    """A folder that nobody may touch and a port that nobody may reach."""

    canary: Path
    port: int
    callers: list[object]
    """Whoever reached the port."""

    def inputs(self) -> dict[str, object]:
        """What hostile code is told, so that it need not search."""
        return {"CANARY": str(self.canary), "PORT": self.port}


class State(NamedTuple):
    """What must be the same after code has run as before."""

    files: tuple[tuple[str, int, int, int, int, int], ...]
    callers: int
    connections: frozenset[tuple[object, ...]]
    descriptors: tuple[str, ...]
    strangers: frozenset[int]
    """Processes below this one that are no workers of a sandbox."""


def plant(folder: Path) -> Path:
    """A folder with a secret, a module, a link and a subfolder in it."""
    (folder / "below").mkdir(parents=True)
    (folder / "secret").write_text(SECRET)
    (folder / "below" / "data").write_text("1")
    (folder / "canary_module.py").write_text("x = 1\n")
    (folder / "link").symlink_to("secret")
    return folder


def state(host: Host) -> State:
    """How things are now."""
    me = psutil.Process()
    return State(
        files=tuple(sorted(_file(path) for path in (host.canary, *host.canary.rglob("*")))),
        callers=len(host.callers),
        connections=frozenset((each.laddr, each.raddr, each.status) for each in me.net_connections("inet")),
        descriptors=tuple(sorted(_open_files())),
        strangers=frozenset(_strangers(os.getpid())),
    )


async def settled(host: Host, before: State, *, seconds: float = 3.0) -> State:
    """The state once it is as before, or after some seconds: a worker that was ended may take a moment to be gone."""
    for _ in range(int(seconds * 100)):
        if (now := state(host)) == before:
            return now
        await asyncio.sleep(0.01)
    return state(host)


def workers() -> list[psutil.Process]:
    """The processes of sandboxes below this one, one for each worker."""
    return [psutil.Process(pid) for pid in _children(os.getpid()) if _name(pid) in _WORKERS]


def left_of(processes: list[psutil.Process], *, seconds: float) -> list[psutil.Process]:
    """Those that still run after so many seconds. One that only waits for its parent to ask after it runs no more."""
    end = time.monotonic() + seconds
    while (left := [process for process in processes if _runs(process)]) and time.monotonic() < end:
        time.sleep(0.02)
    return left


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _file(path: Path) -> tuple[str, int, int, int, int, int]:
    found = path.lstat()
    return str(path), found.st_ino, found.st_mode, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _open_files() -> list[str]:
    places = []
    for entry in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the one that listed them
            places.append(str(entry.readlink()))
    # Pipes and sockets to workers come and go with these.
    return [place for place in places if place.startswith("/") and not place.startswith("/proc/")]


def _strangers(parent: int) -> Iterator[int]:
    """Living processes below ``parent`` but for workers, and for the zygote that is the one child of a ``bwrap``."""
    for child in _children(parent):
        if _name(child) not in _WORKERS and _name(parent) != "bwrap":
            yield child
        yield from _strangers(child)


def _children(parent: int) -> list[int]:
    """Asked of the kernel: looking through every process of the machine takes long, and this is done a thousand times."""
    found = []
    for task in Path(f"/proc/{parent}/task").glob("*/children"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            found += [int(pid) for pid in task.read_text().split()]
    return [pid for pid in found if _name(pid)]


def _name(pid: int) -> str:
    """The name of a process; empty where it has ended."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    name, _, rest = status.partition("(")[2].rpartition(")")
    return "" if rest.split()[0] == "Z" else name
