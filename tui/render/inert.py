"""Text of models, tools and files as it may be drawn: nothing in it moves the cursor, colours, turns round or takes no cell.

What could deceive a reader (controls, escape sequences, marks that turn the direction of writing) is shown as a sign, so that
who approves a program sees that something is there. What only joins letters is left out, for terminals do not agree on how wide
joined letters are: a family of four is drawn as its four members.
"""

from __future__ import annotations

import re

from rich.cells import cell_len, split_text

from .skin import Skin

LONGEST = 4_000
"""Characters of a line that are drawn: nobody reads on, and a megabyte would be laid out with every frame."""
_TAB = 4
_BREAKS = re.compile("\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f"  # controls
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"  # formats, fillers
    "\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\ud800-\udfff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U0001f1e6-\U0001f1ff\U0001f3fb-\U0001f3ff\U000e0000-\U000e0fff]"
)
_SPOKEN = frozenset("\u061c\u200e\u200f") | {chr(at) for at in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
"""Marks of direction."""
_HIDDEN = re.compile(f"[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff{''.join(sorted(_SPOKEN))}]")
_PILE = re.compile("([\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{3})[\u0300-\u036f\u1ab0-\u1aff"
                   "\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]+")  # fmt: skip
_REPLACEMENT = "\ufffd"


def inert(text: str, *, limit: int = LONGEST) -> str:
    """``text`` as it may be drawn, in lines of at most ``limit`` of its characters; a cut line says how many are missing."""
    lines = _BREAKS.sub("\n", text).split("\n")
    return "\n".join(_harmless(line) if len(line) <= limit else _shown_part(line, limit) for line in lines)


def draft(text: str) -> str:
    """``text`` as it may stand where people write: without controls and marks of direction, and otherwise as it is."""
    return _HIDDEN.sub("", _BREAKS.sub("\n", text))


def one_line(text: str, width: int, skin: Skin) -> str:
    """``text`` in one line of at most ``width`` cells: blanks and line breaks become one blank, what is too much an ellipsis."""
    start = text.lstrip()
    # What is drawn is decided by the beginning, however much comes after it; some characters have no cell.
    head = start[: 8 * max(width, 0) + 64]
    line = _harmless(" ".join(_BREAKS.sub(" ", head).split()))
    return cut(line if len(head) == len(start) else line + skin.glyphs.ellipsis, width, skin)


def last_words(text: str, width: int) -> str:
    """The end of ``text`` in one line of at most ``width`` cells, beginning with a whole word where that leaves most of it."""
    if width <= 0:
        return ""
    line = _harmless(" ".join(_BREAKS.sub(" ", text[-8 * width - 64 :]).split()))
    size = cell_len(line)
    if size <= width:
        return line
    end = split_text(line, size - width)[1]
    blank = end.find(" ")
    return end[blank + 1 :] if 0 <= blank <= width // 3 else end


def cut(line: str, width: int, skin: Skin) -> str:
    """A harmless line cut to ``width`` cells, with an ellipsis where something is missing and there is room for one."""
    if cell_len(line) <= width:
        return line
    sign = skin.glyphs.ellipsis
    room = width - cell_len(sign)
    if room <= 0:
        return sign[: max(0, width)]
    return split_text(line, room)[0].rstrip() + sign


def _shown_part(line: str, limit: int) -> str:
    return f"{_harmless(line[:limit])} [{len(line) - limit:,} more characters]"


def _harmless(line: str) -> str:
    """A line without anything that takes a number of cells that is in doubt. Time is linear in its length."""
    if line.isascii() and line.isprintable():
        return line
    return _PILE.sub(r"\1", _UNSEEN.sub(_sign, line.expandtabs(_TAB)))


def _sign(found: re.Match[str]) -> str:
    """What stands for a character that must not be drawn; nothing where it has no meaning of its own."""
    character = found[0]
    code = ord(character)
    if code < 0x20 or code == 0x7F:
        return chr(0x2400 + code) if code < 0x20 else "\u2421"
    if 0x1F1E6 <= code <= 0x1F1FF:  # flags: two letters
        return chr(code - 0x1F1E6 + ord("A"))
    deceives = code < 0xA0 or 0xD800 <= code < 0xE000 or 0xFFF0 <= code <= 0xFFFF or code >= 0xE0000 or character in _SPOKEN
    return _REPLACEMENT if deceives else ""
