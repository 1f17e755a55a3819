"""Writing a run, or what is on the screen, to a file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable
from pathlib import Path
from typing import TYPE_CHECKING

from ....core.errors import ConfigError
from ....core.files import whole_file
from ...item import Item
from .confirm import Confirm
from .form import Field
from .picker import Picker, of

if TYPE_CHECKING:
    from ....memory.store import Store
    from ..base import DeskScreen

_ENDINGS = {"md": "md", "json": "jsonl", "svg": "svg"}
_FORMS = (
    Item("md", "Markdown", "a page to read: question, answer, votes, every candidate, cost, failures"),
    Item("json", "JSON", "the whole run, a record a line; `symposia run import` reads it"),
    Item("svg", "SVG", "what is on the screen now"),
)


async def export(screen: DeskScreen, store: Store, run_id: str) -> None:
    """Ask for form and place, and write the file: whole or not at all. Nothing that is there is lost unasked."""
    form = await screen.app.push_screen_wait(Picker(f"Export run {run_id}", of(_FORMS)))
    if form is None:
        return
    told = "a file that is there is replaced only after asking again"
    default = f"./symposia-{run_id}.{_ENDINGS[form]}"
    text = await screen.app.push_screen_wait(Field("Where to", value=default, told=told, check=_place))
    if text is None:
        return
    path = _place(text)
    if path.exists():
        replace = Confirm("Replace the file?", f"{path} is there already. What is in it is lost.", yes="replaces it")
        if not await screen.app.push_screen_wait(replace):
            return
    await screen.attempt(_write(path, _pieces(screen, store, run_id, form)), f"written to {path}")


def _place(text: str) -> Path:
    """The file that is named. Raises :class:`ConfigError` where there cannot be one."""
    if not text.strip():
        raise ConfigError("no file is named", hint="write for example ./run.md")
    path = Path(text.strip()).expanduser()
    try:
        if path.is_dir():
            raise ConfigError(f"{path} is a folder", hint="name a file in it")
        if not path.parent.is_dir():
            raise ConfigError(f"there is no folder {path.parent}", hint="make it, or choose another")
    except OSError as error:
        raise ConfigError(f"{path} cannot be a file: {error.strerror or error}") from error
    return path


async def _pieces(screen: DeskScreen, store: Store, run_id: str, form: str) -> AsyncIterable[str]:
    if form == "svg":
        yield screen.app.export_screenshot(title=f"symposia: run {run_id}")
    elif form == "json":
        async for piece in store.export_run(run_id):
            yield piece
    else:
        from ....runtime.report import account  # noqa: PLC0415 - only now

        record, candidates = await store.run(run_id), await store.candidates(run_id)
        events = [stored.event for stored in await store.events(run_id)]
        yield await asyncio.to_thread(account, record, candidates, events)


async def _write(path: Path, pieces: AsyncIterable[str]) -> None:
    """Raises :class:`ConfigError` where it cannot be written, :class:`StoreFullError` where the disk is full."""
    with whole_file(path) as file:
        async for piece in pieces:
            file.write(piece)
