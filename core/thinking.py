"""Thinking kept apart from the answer, where a model writes both into one text."""

from __future__ import annotations

import re
from typing import Literal

_THINK = re.compile(r"\s*<think>(.*?)(?:</think>\s*|\Z)", re.DOTALL)
_THINK_BEGIN = "<think>"
_THINK_END = "</think>"


def split_thinking(content: str) -> tuple[str, str]:
    """Thinking and text of ``content``.

    Thinking is a leading ``<think>…</think>`` block; one that is never closed is all thinking. Where a model's template opens
    the block in the prompt, only the closing mark is in the content: what stands before it is thinking too.
    """
    opened = _THINK.match(content)
    if opened is not None:
        return opened[1].strip(), content[opened.end() :]
    before, mark, after = content.partition(_THINK_END)
    return (before.strip(), after.lstrip()) if mark else ("", content)


class LiveText:
    """The text of an answer while it is being written: what comes in pieces, without a leading ``<think>…</think>`` block.

    A block that the template opened cannot be told from text before its end is there.
    """

    def __init__(self) -> None:
        self._held = ""
        self._stage: Literal["begun", "thinking", "thought", "text"] = "begun"

    def feed(self, piece: str) -> str:
        """The text that is certain with this piece; empty while it may still be thinking."""
        self._held += piece
        if self._stage == "begun":
            start = self._held.lstrip()
            if _THINK_BEGIN.startswith(start):
                return ""  # the mark may come in pieces too
            self._stage = "thinking" if start.startswith(_THINK_BEGIN) else "text"
        if self._stage == "thinking":
            _, mark, after = self._held.partition(_THINK_END)
            self._held = after if mark else self._held[-len(_THINK_END) :]
            self._stage = "thought" if mark else "thinking"
        if self._stage == "thought":
            self._held = self._held.lstrip()
            self._stage = "text" if self._held else "thought"
        if self._stage != "text":
            return ""
        text, self._held = self._held, ""
        return text
