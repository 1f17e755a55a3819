"""Options that several commands share, and how they become a session."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from ..core.errors import ConfigError
from .output import note

if TYPE_CHECKING:
    from ..runtime.session import Session

T = TypeVar("T")

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON to stdout.")
store_option = click.option("--store", metavar="PATH|URL", help="Where runs are kept.")


def open_session(store: str | None = None, **flags: Any) -> Session:
    """A session with the flags given on the command line. What it has to say of models it says once."""
    # Not before: the terminal application draws its first screen without a store, and asks for options of here too.
    from ..runtime.session import Session  # noqa: PLC0415
    from ..runtime.settings import load_settings  # noqa: PLC0415

    given = {key: value for key, value in {"store": store, **flags}.items() if value is not None}
    return Session(settings=load_settings(flags=given, cwd=Path.cwd()), notify=cache(note))


def run_async(work: Coroutine[Any, Any, T]) -> T:
    """Run the one event loop of a command."""
    return asyncio.run(work)


def read_approvals(items: tuple[str, ...]) -> dict[str, str] | None:
    """Approvals by tool from ``TOOL=HOW`` items. Raises :class:`ConfigError`."""
    found: dict[str, str] = {}
    for item in items:
        tool, equals, how = item.partition("=")
        if not equals:
            raise ConfigError(f"--approve {item} is not of the form TOOL=HOW", hint=f"write --approve {item}=ask")
        found[tool] = how
    return found or None
