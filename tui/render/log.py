"""A line of the log."""

from __future__ import annotations

import time

from rich.text import Text

from ..store.run import Note
from .inert import one_line
from .lines import fit, words
from .skin import Skin

_SIGNS = {"warning": "!", "failure": "", "tool": "+", "person": ">", "state": "="}
"""By kind; a failure has the sign of what was rejected."""


def note_line(note: Note, width: int, skin: Skin) -> Text:
    """Time of day, a sign for the kind, and what is noted."""
    style = {"warning": skin.warn, "failure": skin.bad, "tool": skin.warn, "person": skin.person}.get(note.kind, skin.dim)
    clock = time.strftime("%H:%M:%S" if width >= 40 else "%H:%M", time.localtime(note.at))
    sign = _SIGNS.get(note.kind) or skin.glyphs.rejected
    head = words((f"{clock} ", skin.dim), (f"{sign} ", style))
    said = one_line(note.text, max(0, width - head.cell_len), skin)
    return fit(head.append(said, (style if note.kind in {"failure", "person"} else skin.text) or None), width, skin)
