"""Text of others, cut to what may be shown."""

from __future__ import annotations


def shortened(text: str, limit: int = 120) -> str:
    """At most ``limit`` characters, on one line and without control characters."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text[: 8 * limit]).split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def cut(text: str, limit: int) -> str:
    """The beginning of a text, up to ``limit`` characters and to the end of a word, with a mark where it was cut."""
    if len(text) <= limit:
        return text
    head = text[: limit - 1]
    return f"{head[: head.rfind(' ')] if ' ' in head[limit // 2 :] else head}…"
