"""Writing a file that a person asked for: whole or not at all."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from ..core.errors import ConfigError
from ..core.files import whole_file


@contextlib.contextmanager
def new_file(path: Path, *, force: bool) -> Iterator[TextIO]:
    """A :func:`~symposia.core.files.whole_file` that overwrites nothing unless ``force``.

    Raises:
        ConfigError: for a file that is there already.
    """
    if path.exists() and not force:
        raise ConfigError(f"{path} exists already", hint="--force overwrites it")
    with whole_file(path) as file:
        yield file
