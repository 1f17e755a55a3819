"""Cutting long texts into parts that are worth finding by themselves: between paragraphs where that can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_CUTS = ("\n", ". ", " ")
"""Where a paragraph that is too long is cut, best first, if one stands in its second half."""


def parts(lines: Iterable[str], most: int) -> Iterator[str]:
    """The text of ``lines`` in parts of at most ``most`` characters, in order; none of blank lines alone.

    As many paragraphs as fit make a part. Nothing but white space between parts is lost, and no more than a part is in memory.
    """
    part = ""
    for paragraph in _paragraphs(lines, most):
        joined = f"{part}\n\n{paragraph}" if part else paragraph
        if len(joined) <= most:
            part = joined
        else:
            yield part
            part = paragraph
    if part:
        yield part


def _paragraphs(lines: Iterable[str], most: int) -> Iterator[str]:
    """What stands between blank lines, cut where it is longer than ``most``."""
    gathered = ""
    for line in (each.rstrip() for each in lines):
        if not line and gathered:
            yield gathered
            gathered = ""
        elif line:
            gathered = f"{gathered}\n{line}" if gathered else line
        while len(gathered) > most:
            at = _cut(gathered, most)
            if piece := gathered[:at].rstrip():
                yield piece
            gathered = gathered[at:].lstrip()
    if gathered:
        yield gathered


def _cut(text: str, most: int) -> int:
    found = ((text.rfind(mark, most // 2, most), mark) for mark in _CUTS)
    return next((at + len(mark) for at, mark in found if at >= 0), most)
