"""Options as a command line gives them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .errors import ConfigError

LARGEST_FILE = 200_000
"""Bytes of a file that is given as a value."""


def parse_options(items: tuple[str, ...] | list[str]) -> dict[str, Any]:
    """Read ``--set key=value`` items: values are JSON where they parse as JSON, else text. Dots nest.

    ``@FILE`` stands for the text of a file, so that what is stored holds the text; ``@@`` begins a value with an at sign.

    Raises :class:`ConfigError` for an item without ``=``, an empty key, a key given twice, or a file that cannot be read.
    """
    options: dict[str, Any] = {}
    for item in items:
        key, equals, text = item.partition("=")
        key = key.strip().replace("-", "_")
        if not equals or not key:
            raise ConfigError(f"option {item!r} is not of the form key=value")
        *parents, leaf = key.split(".")
        place = options
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise ConfigError(f"option {key} sets a part of {parent}, which was given as a whole")
        if leaf in place:
            raise ConfigError(f"option {key} is given twice")
        place[leaf] = _value(text, key)
    return options


def _value(text: str, key: str) -> Any:
    if text.startswith("@"):
        return text[1:] if text.startswith("@@") else _file(Path(text[1:]).expanduser(), key)
    try:
        return json.loads(text)
    except ValueError:
        return text


def _file(path: Path, key: str) -> str:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise ConfigError(f"{path}, given for option {key}, has more than {LARGEST_FILE:,} bytes")
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no text"
        hint = f"write {key}=@@… where the value itself begins with an at sign"
        raise ConfigError(f"{path}, given for option {key}, cannot be read: {why}", hint=hint) from None
    if not text:
        raise ConfigError(f"{path}, given for option {key}, is empty")
    return text
