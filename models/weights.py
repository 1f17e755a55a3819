"""Where weights of local models live on this machine, which are there, and which of them fit its memory."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import platformdirs
import psutil

from ..core.errors import ChecksumError, ConfigError, WeightsError
from ..core.model_spec import ModelSpec, Weights

FOLDER_VARIABLE = "SYMPOSIA_MODELS_DIR"
_BLOCK = 1 << 20
_CGROUP = Path("/sys/fs/cgroup")


def models_folder(configured: str | None = None) -> Path:
    """The folder of downloaded weights: the configured one, ``SYMPOSIA_MODELS_DIR``, or ``models`` in the data folder."""
    named = configured or os.environ.get(FOLDER_VARIABLE)
    return Path(named).expanduser() if named else platformdirs.user_data_path("symposia") / "models"


def require_weights(spec: ModelSpec) -> Weights:
    """The weights of ``spec``. Raises :class:`ConfigError` for a model that runs elsewhere and has none."""
    if spec.weights is None:
        raise ConfigError(f"{spec.name} has no weights to run on this machine")
    return spec.weights


def installed(spec: ModelSpec, folder: Path | None = None) -> Path | None:
    """The file with the weights of ``spec``, or None where there is none of the right size.

    The sha256 was checked when the file was downloaded; :func:`verify` checks it again.
    """
    if spec.weights is None:
        return None
    path = (folder or models_folder()) / spec.weights.file  # an absolute path in `file` stands for itself
    try:
        return path if path.stat().st_size == spec.weights.size else None
    except OSError:
        return None


def verify(spec: ModelSpec, path: Path, *, on_bytes: Callable[[int], None] | None = None) -> None:
    """Read the whole file and raise :class:`ChecksumError` where its sha256 is not the catalogue's.

    ``on_bytes`` hears how many bytes have been read. Raises :class:`WeightsError` where no sha256 is known.
    """
    weights = require_weights(spec)
    if not weights.sha256:
        raise WeightsError(f"no sha256 is known for {spec.name}")
    check_digest(path, weights.sha256, sha256(path, on_bytes=on_bytes))


def sha256(path: Path, *, on_bytes: Callable[[int], None] | None = None) -> str:
    """The digest of a file as hexadecimal text."""
    digest = hashlib.sha256()
    read = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            read += len(block)
            if on_bytes is not None:
                on_bytes(read)
    return digest.hexdigest()


def check_digest(path: Path, expected: str, found: str) -> None:
    """Raise :class:`ChecksumError` where the digests differ."""
    if found != expected:
        raise ChecksumError(f"{path.name} has sha256 {found[:12]}…, the catalogue says {expected[:12]}…")


def is_gguf(path: Path) -> bool:
    """Whether the file starts as a GGUF model does. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return file.read(4) == b"GGUF"


def memory_for(size: int) -> int:
    """A guess of the bytes llama.cpp needs for weights of ``size`` bytes, where nobody has measured.

    It maps the file, keeps a second copy of most tensors in the order its kernels like, and adds the caches.
    """
    return 2 * size


def available_memory() -> int:
    """Bytes that can be used without swapping: of the machine, or of the container where that has less."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = (_CGROUP / "memory.max").read_text().strip()
        used = int((_CGROUP / "memory.current").read_text())
    except (OSError, ValueError):
        return free
    return free if limit == "max" else max(0, min(free, int(limit) - used))


def fits(spec: ModelSpec) -> bool:
    """Whether the engine has memory enough for these weights now, by the catalogue's measure or a guess from their size."""
    return (spec.memory or memory_for(require_weights(spec).size)) <= available_memory()


def gigabytes(size: int) -> str:
    """A size for a sentence: ``1.1 GB``, ``98 MB``."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{max(1, round(size / 1e6))} MB"
