"""Quantized weights of one file, unpacked once into the kind of folder that PyTorch programs read."""

from __future__ import annotations

import asyncio
import functools
import shutil
from pathlib import Path

from ...core.errors import EngineError
from ..weights import gigabytes, is_gguf
from .engine import guarded, require_memory
from .process import ManagedProcess, OnWait, Waiting, last_line

_GROWTH = 4  # from about 4.5 bits a weight to 16


async def unpacked(weights: Path, python: Path, timeout: float, on_wait: OnWait | None = None) -> Path:
    """The folder of ``weights``: itself, or for a GGUF file the one beside it, made now where there is none yet.

    ``python`` must have torch, transformers and gguf. ``timeout`` in seconds. Raises :class:`EngineError` where the file is no
    model, where room or memory is missing, or where unpacking fails; nothing half done is left under the folder's name.
    """
    folder = await asyncio.to_thread(_place, weights)
    if folder is not None:
        return folder
    folder = weights.with_suffix("")
    script = str(Path(__file__).with_name("gguf_to_folder.py"))
    command = guarded([str(python), script, str(weights), str(folder)], grace=1.0)
    child = ManagedProcess.start(command, name="unpack", explain=last_line)
    hear = functools.partial(_hear, on_wait, f"unpacking {weights.name}, once")
    try:
        await child.first_line(timeout=timeout, on_wait=hear)
    finally:
        child.kill()
    return folder


def _place(weights: Path) -> Path | None:
    """The folder that is there already, or None where the file is fit to be unpacked."""
    if weights.is_dir():
        return weights
    try:
        genuine, size = is_gguf(weights), weights.stat().st_size
    except OSError as error:
        raise EngineError(f"{weights} cannot be read: {error.strerror}") from error
    if not genuine:
        raise EngineError(f"{weights} is neither a folder of safetensors nor a GGUF model")
    folder = weights.with_suffix("")
    if folder.is_dir():
        return folder
    free = shutil.disk_usage(weights.parent).free
    if free < _GROWTH * size:
        needed = gigabytes(_GROWTH * size)
        raise EngineError(f"unpacking {weights.name} takes {needed} of disk, {gigabytes(free)} are free in {weights.parent}")
    require_memory(f"unpacking {weights.name}", 2 * _GROWTH * size)
    return None


def _hear(on_wait: OnWait | None, phase: str, waiting: Waiting) -> None:
    if on_wait is not None:
        on_wait(waiting._replace(phase=phase))
