"""Lines of a given width: cut, filled up, aligned and joined, counted in cells of the terminal."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.text import Text

from .inert import cut
from .skin import Skin

GAP = "  "


def words(*parts: str | tuple[str, str] | Text) -> Text:
    """A text of parts, each plain, with a style, or a text already."""
    text = Text(no_wrap=True, end="")
    for part in parts:
        if isinstance(part, Text):
            text.append_text(part)
        else:
            shown, style = (part, "") if isinstance(part, str) else part
            text.append(shown, style or None)
    return text


def fit(text: Text, width: int, skin: Skin) -> Text:
    """``text`` in at most ``width`` cells, with an ellipsis where it was cut."""
    if text.cell_len <= width:
        return text
    shown = cut(text.plain, width, skin)
    kept = min(len(shown), len(text.plain))
    sign = skin.glyphs.ellipsis
    if shown.endswith(sign):
        kept = len(shown) - len(sign)
        short = text[:kept]
        short.append(sign, skin.dim or None)
        return short
    return words(shown)


def left(text: Text, width: int, skin: Skin) -> Text:
    """``text`` in exactly ``width`` cells, blanks after it."""
    short = fit(text, width, skin)
    short.append(" " * max(0, width - short.cell_len))
    return short


def right(text: Text, width: int, skin: Skin) -> Text:
    """``text`` in exactly ``width`` cells, blanks before it."""
    short = fit(text, width, skin)
    return words(" " * max(0, width - short.cell_len)).append_text(short)


def joined(parts: Iterable[Text], between: str = GAP) -> Text:
    """Parts in one line; empty ones are left out."""
    line = words()
    for part in parts:
        if part.plain:
            line.append(between if line.plain else "").append_text(part)
    return line


def packed(parts: Iterable[Text], width: int, between: str = GAP) -> Text:
    """As many of the parts as fit, from the first on. The first one is always taken: fit it before."""
    line = words()
    for part in parts:
        room = width - line.cell_len - (cell_len(between) if line.plain else 0)
        if part.plain and part.cell_len > room and line.plain:
            break
        line = joined((line, part), between)
    return line


def flowed(parts: Iterable[Text], width: int, skin: Skin, between: str = GAP) -> list[Text]:
    """The parts one after the other, in as many lines as they need; one that is wider than a line is cut."""
    lines: list[Text] = []
    for part in parts:
        if not part.plain:
            continue
        if lines and lines[-1].cell_len + cell_len(between) + part.cell_len <= width:
            lines[-1] = joined((lines[-1], part), between)
        else:
            lines.append(fit(part, width, skin))
    return lines
