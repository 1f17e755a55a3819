"""The application on a real store and a scripted model: its runs are executed in this process, and end with it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual import events
from textual.app import App
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import TextArea

from symposia.core.errors import StoppedError, SymposiaError
from symposia.core.records import RunRecord
from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedModel, fake_spec
from symposia.tui.app import SymposiaApp
from symposia.tui.desk import Desk
from symposia.tui.shelf import Machine, Shelf, Stock

SMALL, LARGE = (80, 24), (160, 45)


class World:
    """What stands behind the application."""

    def __init__(self, folder: Path, model: ScriptedModel | None = None, **flags: Any) -> None:
        self.model = model or ScriptedModel()
        settings = load_settings(flags={"model": "fake", **flags}, environ={}, cwd=folder, user_file=folder / "none.toml")
        gateway = ModelGateway(transports={"direct": self.model}, retry=RetryPolicy(max_attempts=1))
        models = {"fake": fake_spec(), "other": fake_spec("other")}
        self.session = Session(settings=settings, store=folder / "runs.db", gateway=gateway, models=models)
        self.tasks: list[asyncio.Task[Any]] = []
        self.fail: SymposiaError | None = None
        self.gate: asyncio.Event | None = None
        self.launched: list[RunRecord] = []
        self.executes = True
        self.desk = Desk(lambda: self.session, self._launch)
        self.shelf = Shelf(self.stock)
        self.found = Stock((), Machine(0, 0, llamacpp=False))
        """The models of this machine."""

    async def stock(self) -> Stock:
        """What there is."""
        return self.found

    async def _launch(self, session: Session, record: RunRecord) -> None:
        if self.gate is not None:
            await self.gate.wait()
        if self.fail is not None:
            raise self.fail
        self.launched.append(record)
        if self.executes:
            execution = await session.execution(record)
            self.tasks.append(asyncio.create_task(execution.execute()))

    async def end(self) -> None:
        """Nothing of it goes on."""
        for task in self.tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError, StoppedError, SymposiaError):
                await task


@asynccontextmanager
async def shown(world: World, size: tuple[int, int] = SMALL, **more: Any) -> AsyncIterator[tuple[SymposiaApp, Pilot[None]]]:
    """The application, drawn, with its store open."""
    app = SymposiaApp(world.desk, shelf=world.shelf, **more)
    try:
        async with app.run_test(size=size, notifications=True) as pilot:
            await until(pilot, lambda: app.roster is not None and app.roster.loaded)
            yield app, pilot
            await world.end()
    finally:
        await world.end()


async def until(pilot: Pilot[None], true: Callable[[], Any], seconds: float = 30.0) -> Any:
    """Wait for something that must come."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    while not (found := true()):
        assert loop.time() < end, f"this never came: {true}\n{seen(pilot.app)}"
        await asyncio.sleep(0.02)
    return found


async def press(pilot: Pilot[None], *keys: str) -> None:
    """Press keys, and wait until all that is on the screen has heard of each. Pilot's own waits for an idle process instead:
    on a busy machine that takes a tenth of a second a key.
    """
    app = pilot.app
    for key in keys:
        name = _character_to_key(key) if len(key) == 1 and not key.isalnum() else key
        character = {"space": " "}.get(name, key if len(key) == 1 else None)
        event = events.Key(name, character)
        event.set_sender(app)
        app.post_message(event)
        for _ in range(2):  # what a widget answers goes by the application once more
            heard = asyncio.Event()
            assert app.call_later(heard.set), "the application has ended"
            await asyncio.wait_for(heard.wait(), 8)
            await pilot._wait_for_screen()


async def write(pilot: Pilot[None], text: str) -> None:
    """Type a text."""
    await press(pilot, *({" ": "space"}.get(character, character) for character in text))


async def begin(pilot: Pilot[None], key: str = "a") -> None:
    """Begin to write: the draft has the keys when the screen was drawn next."""
    await press(pilot, key)
    await until(pilot, lambda: isinstance(pilot.app.focused, TextArea))


def seen(app: App[None]) -> str:
    """What the screen shows."""
    return "\n".join("".join(segment.text for segment in line) for line in app.screen._compositor.render_strips())
