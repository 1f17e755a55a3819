"""A document on a terminal, and as Markdown."""

from __future__ import annotations

import io
import textwrap

from .document import Document, Section, Table

WIDTH = 100
"""Columns that a report fits, whatever the names of its arms."""


def terminal(document: Document, *, width: int = WIDTH, colour: bool = False) -> str:
    """The document without its details; plain text unless ``colour``."""
    from rich.console import Console  # noqa: PLC0415 - a tenth of a second that reading the results does not need
    from rich.text import Text  # noqa: PLC0415

    file = io.StringIO()
    console = Console(
        file=file, width=width, force_terminal=colour, color_system="standard" if colour else None, legacy_windows=False
    )
    console.print(Text(document.title, style="bold"))
    if document.facts:
        console.print(Text(" · ".join(document.facts), style="dim"))
    for section in document.sections:
        if section.detail:
            continue
        console.print()
        console.print(Text(section.title, style="bold"))
        if section.table:
            console.print(_rich_table(section.table))
        for sentence in section.sentences:
            console.print(Text(textwrap.fill(sentence, width, subsequent_indent="   ")))
    if document.foot:
        console.print()
    for line in document.foot:
        console.print(Text(textwrap.fill(line, width), style="dim"))
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines())


def markdown(document: Document, *, picture: str | None = None) -> str:
    """The whole document, with a picture from the same folder under its title."""
    facts = [" · ".join(_escaped(fact) for fact in document.facts), ""] if document.facts else []
    lines = [f"# {_escaped(document.title)}", "", *facts]
    if picture:
        lines += [f"![Accuracy against cost tokens]({picture})", ""]
    for section in document.sections:
        lines += _markdown_section(section)
    return "\n".join([*lines, *(f"* {_escaped(line)}" for line in document.foot), ""])


def _markdown_section(section: Section) -> list[str]:
    lines = [f"## {_escaped(section.title)}", ""]
    if section.table:
        table = section.table
        marks = [":--" if column < table.labels else "--:" for column in range(len(table.head))]
        rows = [[_escaped(cell) for cell in row] for row in table.rows]
        lines += [f"| {' | '.join(cells)} |" for cells in ([_escaped(cell) for cell in table.head], marks, *rows)]
        lines.append("")
    for sentence in section.sentences:
        lines += [_escaped(sentence), ""]
    return lines


def _escaped(text: str) -> str:
    """Without what Markdown would take for its own signs."""
    return "".join(f"\\{letter}" if letter in "\\|*_`<>[]#" else letter for letter in text)


def _rich_table(table: Table) -> object:
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415
    from rich.table import Table as RichTable  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    drawn = RichTable(box=SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for place, name in enumerate(table.head):
        is_label = place < table.labels
        drawn.add_column(Text(name), justify="left" if is_label else "right", no_wrap=not is_label, overflow="fold")
    for row in table.rows:
        drawn.add_row(*map(Text, row))
    return drawn
