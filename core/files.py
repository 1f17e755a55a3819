"""Writing a file whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from .errors import ConfigError, StoreFullError

_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """A file to write beside ``path``, moved there when the block has ended well; readable by the user alone.

    Raises:
        ConfigError: where it cannot be written.
        StoreFullError: where the disk is full. What was at ``path`` stays, and nothing else is left behind, in both cases.
    """
    try:
        number, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(number, "w", encoding="utf-8", newline="") as file:
                yield file
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in _FULL:
            raise StoreFullError(f"no space left for {path}: {reason}", hint="nothing was written; free some space") from error
        raise ConfigError(f"{path} cannot be written: {reason}") from error
