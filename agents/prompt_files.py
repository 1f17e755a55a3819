"""Prompts are files in ``agents/prompts``. A run stores the texts it uses, so that a later edit changes no old run."""

from __future__ import annotations

from importlib.resources import files

from ..core.errors import UnknownNameError


def load_prompt(name: str) -> str:
    """The text of a shipped prompt. Raises :class:`UnknownNameError`."""
    folder = files(__package__ or "") / "prompts"
    path = folder / f"{name}.md"
    if not path.is_file():
        known = [entry.name.removesuffix(".md") for entry in folder.iterdir() if entry.name.endswith(".md")]
        raise UnknownNameError("prompt", name, known)
    return path.read_text(encoding="utf-8").strip()
