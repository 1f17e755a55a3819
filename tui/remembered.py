"""What the application remembers from one time to the next. It is a convenience: where it is broken, it is forgotten."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..runtime.places import user_data_path


class Remembered(BaseModel):
    """See the module. Fields of another version of the program are left out."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run: str | None = None
    """The run that was looked at last."""
    theme: str | None = None
    """The theme that was chosen by key; a theme in the settings comes before it."""
    sort: str | None = None
    """What the list of runs was sorted by."""
    choice: dict[str, Any] = Field(default_factory=dict)
    """What the last question was worked on with."""


def remembered_path() -> Path:
    """Where it is kept: in the platform's data folder."""
    return user_data_path() / "tui.json"


def recall(path: Path) -> Remembered:
    """What is remembered; nothing where the file is missing, broken or unreadable."""
    try:
        return Remembered.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return Remembered()


def remember(path: Path, what: Remembered) -> None:
    """Keep it, in one step. Where that fails, the file stays as it was, and nobody is told: nothing that matters is lost."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(what.model_dump_json(exclude_defaults=True))
            Path(name).replace(path)
        finally:
            Path(name).unlink(missing_ok=True)
