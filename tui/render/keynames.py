"""Keys as people read them, and the help that is made of the table."""

from __future__ import annotations

import contextlib
import unicodedata
from collections.abc import Mapping

from rich.text import Text

from ..keys import KEYS, Key, keys_of
from .lines import left, words
from .skin import Skin
from .wrap import wrapped

_NAMES = {
    "slash": "/",
    "backslash": "\\",
    "minus": "-",
    "plus": "+",
    "at": "@",
    "underscore": "_",
    "escape": "esc",
    "pageup": "page up",
    "pagedown": "page down",
    "less_than_sign": "<",
    "greater_than_sign": ">",
    "tab": "tab",
    "space": "space",
}
_COLUMN = 18
TITLES = {
    "everywhere": "Everywhere",
    "runs": "Runs",
    "live": "Live",
    "trace": "Trace",
    "models": "Models",
    "composer": "While a question is written",
    "question": "When a tool's call waits for a word",
}
"""What the places of the table are called, in the order of the help."""


def key_name(keys: str) -> str:
    """Keys as they stand on a keyboard: ``? f1`` for ``question_mark,f1``."""
    return " ".join(_name(key) for key in keys.split(","))


def _name(key: str) -> str:
    *modifiers, last = key.split("+")
    if last not in _NAMES and len(last) > 1:
        with contextlib.suppress(KeyError):
            last = unicodedata.lookup(last.replace("_", " ").upper())
    return "+".join([*modifiers, _NAMES.get(last, last)])


def places(here: str) -> list[str]:
    """The places of the table, the one that is looked at first."""
    return sorted(TITLES, key=lambda place: place != here)


def help_lines(here: str, changed: Mapping[str, str], width: int, skin: Skin, *, ids: bool = False) -> list[Text]:
    """Every key, grouped by where it works, those of ``here`` first. With ``ids`` each by the name that settings know."""
    lines: list[Text] = []
    for place in places(here):
        if lines:
            lines.append(words())
        lines.append(words((TITLES[place], f"bold {skin.accent}".strip())))
        for each in keys_of(place, changed=changed):
            lines += _entry(each, width, skin, ids=ids)
    return lines


def _entry(each: Key, width: int, skin: Skin, *, ids: bool) -> list[Text]:
    """A key and what it does, in as many lines as that takes."""
    room = max(10, width - _COLUMN - 4)
    told = f"{each.help}  [{each.id}]" if ids else each.help
    first, *more = wrapped(told, room, skin)
    head = words("  ", (key_name(each.key), f"bold {skin.text}".strip()))
    indent = " " * (_COLUMN + 4)
    return [left(head, _COLUMN + 2, skin).append("  ").append_text(first), *(words(indent).append_text(line) for line in more)]


def key_table() -> str:
    """All keys as a table of Markdown, for the documentation."""
    rows = [
        f"| {', '.join(TITLES[place] for place in each.where.split())} | `{key_name(each.key)}` | {each.help} | `{each.id}` |"
        for each in KEYS
    ]
    return "\n".join(["| where | key | what it does | name in the settings |", "|---|---|---|---|", *rows])
