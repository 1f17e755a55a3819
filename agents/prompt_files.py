"""Prompts are files in ``agents/prompts``, or in another package's folder for the parts that it brings.

A run stores the texts it uses, so that a later edit changes no old run.
"""

from __future__ import annotations

from importlib.resources import files

from ..core.errors import UnknownNameError


def load_prompt(name: str) -> str:
    """The text of the prompt ``NAME``, or of ``PACKAGE:NAME`` in another package's files. Raises :class:`UnknownNameError`."""
    package, colon, file = name.rpartition(":")
    try:
        folder = files(package) if colon else files(__package__ or "") / "prompts"
    except ModuleNotFoundError:
        raise UnknownNameError("package of prompts", package, ()) from None
    path = folder / f"{file}.md"
    if not path.is_file():
        known = [entry.name.removesuffix(".md") for entry in folder.iterdir() if entry.name.endswith(".md")]
        raise UnknownNameError("prompt", name, known)
    return path.read_text(encoding="utf-8").strip()
