"""TOML files as people write them: read with line numbers, and changed in one place without touching the rest.

The standard library reads TOML but neither tells where a key stands nor writes. Both are done here on the text, by line,
and never trusted blindly: line numbers are left out where a multi-line string could mislead, and an edited text is parsed
again and must differ from the old one in exactly the key that was set.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from ..core.errors import ConfigError

KeyPath = tuple[str, ...]
"""Names of tables and of a key; an item of an array of tables is named by its number, from 0."""

_NAME = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_DOTTED = rf"{_NAME}(?:\s*\.\s*{_NAME})*"
_HEADER = re.compile(rf"\s*\[\s*({_DOTTED})\s*\]\s*(?:#.*)?$")
_ITEM = re.compile(rf"\s*\[\[\s*({_DOTTED})\s*\]\]\s*(?:#.*)?$")
_ASSIGNMENT = re.compile(rf"\s*({_DOTTED})\s*=")
_SCALAR = r"""(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s#"'\[{][^\s#]*)"""


class TomlFile(NamedTuple):
    """A parsed file."""

    data: dict[str, Any]
    lines: dict[KeyPath, int]
    """Line of each key that could be found; empty where a multi-line string makes the search unsure."""

    def line(self, path: KeyPath) -> int | None:
        """The line where ``path``, or else the nearest table around it, is set."""
        return next((self.lines[path[:size]] for size in range(len(path), 0, -1) if path[:size] in self.lines), None)


def read_toml(path: Path) -> TomlFile:
    """Parse ``path``. Raises :class:`ConfigError` naming file and line where it is malformed or cannot be read."""
    return _parse(_read_text(path), path)


def set_top_level(path: Path, key: str, value: str | float) -> None:
    """Set one top-level key, keeping every other line and comment as it is; the file is made where there is none.

    The new text replaces the old in one step. Raises :class:`ConfigError` where the file is malformed, cannot be written,
    or spells the key in a way that one line cannot change (a value over several lines, a table of that name).
    """
    text = _read_text(path) if path.exists() else ""
    before = _parse(text, path).data
    edited = _with_value(text, key, json.dumps(value, ensure_ascii=False))
    try:
        safe = edited is not None and tomllib.loads(edited) == {**before, key: value}
    except tomllib.TOMLDecodeError:
        safe = False
    if edited is None or not safe:
        raise ConfigError(f"{path}: {key} cannot be set without risk to the rest of the file", hint="edit the file by hand")
    _replace(path, edited)


def _read_text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error


def _parse(text: str, path: Path) -> TomlFile:
    try:
        return TomlFile(tomllib.loads(text), _key_lines(text))
    except tomllib.TOMLDecodeError as error:
        what, _, place = str(error).rpartition(" (at ")
        found = re.match(r"line (\d+)", place)
        line = int(found[1]) if found else text.count("\n") + 1
        raise ConfigError(f"{path}:{line}: not valid TOML: {what}") from error


def _key_lines(text: str) -> dict[KeyPath, int]:
    if '"""' in text or "'''" in text:
        return {}
    lines: dict[KeyPath, int] = {}
    table: KeyPath = ()
    items: Counter[KeyPath] = Counter()
    for number, line in enumerate(text.split("\n"), start=1):
        if header := _HEADER.match(line):
            table = _key_path(header[1])
            lines.setdefault(table, number)
        elif item := _ITEM.match(line):
            array = _key_path(item[1])
            table = (*array, str(items[array]))
            items[array] += 1
            lines.setdefault(table, number)
        elif assignment := _ASSIGNMENT.match(line):
            lines.setdefault(table + _key_path(assignment[1]), number)
    return lines


def _key_path(dotted: str) -> KeyPath:
    path: list[str] = []
    node: Any = tomllib.loads(f"{dotted} = 0")
    while isinstance(node, dict):
        ((name, node),) = node.items()
        path.append(name)
    return tuple(path)


def _with_value(text: str, key: str, value: str) -> str | None:
    """``text`` with the top-level ``key`` set, or None where the key is there but not on a line of its own."""
    lines = text.splitlines(keepends=True)
    top = next((index for index, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    spelt = re.compile(rf"""(\s*["']?{re.escape(key)}["']?\s*=\s*){_SCALAR}(\s*(?:#.*)?)$""")
    for index in range(top):
        bare = lines[index].rstrip("\r\n")
        if match := spelt.match(bare):
            lines[index] = match[1] + value + match[2] + lines[index][len(bare) :]
            return "".join(lines)
    if key in tomllib.loads(text):
        return None
    end = "\r\n" if "\r\n" in text else "\n"
    if top < len(lines):
        while top and lines[top - 1].lstrip().startswith("#"):  # a comment right above a table belongs to the table
            top -= 1
    elif lines and not lines[-1].endswith("\n"):
        lines[-1] += end
    gap = [end] if top < len(lines) and lines[top].strip() else []
    return "".join([*lines[:top], f"{key} = {value}{end}", *gap, *lines[top:]])


def _replace(path: Path, text: str) -> None:
    target = path.resolve()  # a link stays a link: people keep their settings under version control elsewhere
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        mode = target.stat().st_mode & 0o777 if target.exists() else 0o644
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            temporary.chmod(mode)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
