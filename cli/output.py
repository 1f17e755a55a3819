"""What the command prints: data on stdout, notes on stderr, errors as one sentence."""

from __future__ import annotations

import errno
import json
import sys
import time
from typing import Any

import click

from ..core.errors import SymposiaError
from ..core.plain_text import clean

__all__ = [
    "age",
    "clean",
    "columns",
    "data",
    "data_json",
    "error_json",
    "interactive",
    "note",
    "plain",
    "report",
    "report_usage",
    "shorten",
    "without_secrets",
]


def data(text: str) -> None:
    """Print data to stdout. Raises :class:`BrokenPipeError` where its reader went away."""
    try:
        click.echo(text)
    except OSError as error:
        if error.errno == errno.EIO:  # how a terminal says that it is gone
            raise BrokenPipeError from error
        raise


def data_json(value: Any) -> None:
    """Print a JSON document to stdout. Raises as :func:`data` does."""
    data(json.dumps(value, ensure_ascii=False, indent=2))


def note(text: str) -> None:
    """Say something on stderr."""
    # Not click.echo: it writes past the proxy that keeps a live line below what is said.
    print(text, file=sys.stderr, flush=True)


def report(error: SymposiaError, *, as_json: bool) -> int:
    """Say what went wrong in one sentence; with ``--json`` also as data. Returns the exit code."""
    note(without_secrets(f"symposia: {error}"))
    if as_json:
        data_json(error_json(error))
    return error.exit_code


def without_secrets(text: str) -> str:
    """What may be shown of a text that anybody may have written: an error quotes users, files and servers."""
    from ..memory.redact import Redactor  # noqa: PLC0415 - costs a tenth of a second, for errors only

    return Redactor().text(text)


def error_json(error: SymposiaError) -> dict[str, Any]:
    """An error as data."""
    hint = None if error.hint is None else without_secrets(error.hint)
    body = {"code": error.code, "message": without_secrets(error.message), "hint": hint, "retryable": error.retryable}
    return {"status": "failed", "error": body}


def report_usage(error: click.ClickException) -> int:
    """Say in one sentence what is wrong with the command line. Returns the exit code."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "symposia"
    note(without_secrets(f"symposia: {error.format_message().rstrip('.')} (see `{path} --help`)"))
    return error.exit_code


def columns(rows: list[list[str]], head: list[str]) -> str:
    """A plain table: columns two blanks apart, the last one unpadded."""
    table = [head, *rows]
    widths = [max(len(row[i]) for row in table) for i in range(len(head))]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in table)
    return "\n".join(lines)


def age(then: float) -> str:
    """How long ago, in one unit."""
    seconds = max(0.0, time.time() - then)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def shorten(text: str, width: int) -> str:
    """One line of at most ``width`` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= width else f"{line[: width - 1]}…"


def interactive() -> bool:
    """Whether a person watches stderr."""
    return sys.stderr.isatty()


def plain(value: Any) -> Any:
    """A value for JSON, the fields of named tuples by name."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if hasattr(value, "_asdict"):
        return plain(value._asdict())
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value
