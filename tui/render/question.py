"""A tool's call that waits for a person's word: everything that it says, and nothing that it could do to who reads it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from rich.text import Text

from ..store.run import Question
from .inert import inert
from .lines import words
from .skin import Skin
from .wrap import wrapped


def question_lines(question: Question, width: int, skin: Skin) -> list[Text]:
    """Which tool, why, and with what: programs with numbered lines, everything else as JSON."""
    lines = [words(("tool  ", skin.dim), (inert(question.tool), f"bold {skin.accent}".strip()))]
    why = question.justification.strip()
    lines += _under("why", why, width, skin) if why else [words(("the model gives no reason", skin.dim))]
    lines += _arguments(question.arguments, width, skin)
    return lines


def _arguments(arguments: Any, width: int, skin: Skin) -> Iterator[Text]:
    if not isinstance(arguments, Mapping):
        yield from _under("with", _json(arguments), width, skin)
        return
    if not arguments:
        yield words(("without arguments", skin.dim))
    for name, value in arguments.items():
        if isinstance(value, str) and "\n" in value.strip():
            yield from _program(str(name), value, width, skin)
        else:
            yield from _under(str(name), value if isinstance(value, str) else _json(value), width, skin)


def _under(name: str, text: str, width: int, skin: Skin) -> Iterator[Text]:
    """A name, and a text under it."""
    yield words()
    yield words((inert(name), skin.dim))
    for line in wrapped(inert(text), max(1, width - 2), skin):
        yield words("  ").append_text(line)


def _program(name: str, text: str, width: int, skin: Skin) -> Iterator[Text]:
    """A text of several lines, numbered as written; a line that is broken to fit has its number once."""
    source = inert(text).rstrip("\n").split("\n")
    digits = len(str(len(source)))
    yield words()
    yield words((f"{inert(name)}, {len(source):,} lines", skin.dim))
    for number, line in enumerate(source, 1):
        mark = f"{number:>{digits}}"
        for part in wrapped(line, max(1, width - digits - 5), skin):
            yield words("  ", (f"{mark} {skin.glyphs.pipe} ", skin.dim)).append_text(part)
            mark = " " * digits


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)
