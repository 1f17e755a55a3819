"""Prompts are files in ``agents/prompts``, or in another package's folder for the parts that it brings.

A run stores the texts it uses, so that a later edit changes no old run. A new run finds the edit, but a file is read only
where it has changed: opening one takes longer than many a run has for all of its overhead.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from ..core.errors import UnknownNameError


def load_prompt(name: str) -> str:
    """The text of the prompt ``NAME``, or of ``PACKAGE:NAME`` in another package's files. Raises :class:`UnknownNameError`."""
    package, _, file = name.rpartition(":")
    folder = _folder(package)
    path = folder / f"{file}.md"
    try:
        if isinstance(path, Path):
            seen = path.stat()
            return _text(path, seen.st_mtime_ns, seen.st_size)
        return path.read_text(encoding="utf-8").strip()  # of a package in an archive
    except FileNotFoundError:
        known = [entry.name.removesuffix(".md") for entry in folder.iterdir() if entry.name.endswith(".md")]
        raise UnknownNameError("prompt", name, known) from None


@cache
def _folder(package: str) -> Traversable:
    try:
        return files(package) if package else files(__package__ or "") / "prompts"
    except ModuleNotFoundError:
        raise UnknownNameError("package of prompts", package, ()) from None


@cache
def _text(path: Path, _changed: int, _size: int) -> str:
    return path.read_text(encoding="utf-8").strip()
