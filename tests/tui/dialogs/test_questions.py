"""Tools' calls that wait for a word: nothing that is typed for something else ever answers one."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from symposia.core.events import ApprovalGiven
from symposia.runtime.approvals import respond
from symposia.tui.app import SymposiaApp
from symposia.tui.feed import Feed
from symposia.tui.screens.dialogs.form import Field
from symposia.tui.screens.dialogs.question import QuestionDialog
from symposia.tui.widgets.composer import Composer

from .application import LARGE, World, press, seen, shown, until, write


def _calling() -> ModuleType:
    """The strategy of the tests of the runtime that calls what it is told to call."""
    place = Path(__file__).parents[2] / "runtime" / "calling.py"
    spec = importlib.util.spec_from_file_location("calling", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


calling = _calling()


@pytest.fixture(autouse=True)
def no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are heard at once: test_dialogs has the rule about the time before."""
    monkeypatch.setattr("symposia.tui.screens.dialogs.dialog.GRACE", 0.0)


@asynccontextmanager
async def asked(folder: Path, *texts: str, draft: str | None = None) -> AsyncIterator[tuple[SymposiaApp, Pilot[None], Feed, Any]]:
    """The application, looking at a run that asks about a call for each text; with a draft somebody is writing already."""
    counted = calling.Counted()
    world = World(folder, approve={"echo": "ask"})
    with calling.known(counted.tool):
        async with shown(world, LARGE) as (app, pilot):
            calls = [("echo", f'{{"text": "{text}"}}') for text in texts]
            record = await world.desk.ask("why?", strategy="calling", options={"calls": calls})
            if draft is not None:
                app.look_at(record.id)
                await until(pilot, lambda: app.current_mode == "live" and app.screen.is_mounted)
                app.screen.query_one(Composer).action_write()
                app.screen.query_one(Composer).write(draft)
            app.look_at(record.id)
            feed = app.feed
            assert feed is not None
            await until(pilot, lambda: len(feed.now.questions) == len(texts))
            yield app, pilot, feed, counted


def open_(app: SymposiaApp) -> bool:
    return isinstance(app.screen, QuestionDialog) and app.screen.hears


async def words(world: SymposiaApp, run_id: str) -> list[tuple[bool, str]]:
    events = [stored.event for stored in await world.desk.store.events(run_id)]
    return [(event.approved, event.note) for event in events if isinstance(event, ApprovalGiven)]


async def test_a_question_opens_by_itself_and_waits_when_it_is_left(tmp_path: Path) -> None:
    async with asked(tmp_path, "x") as (app, pilot, feed, counted):
        await until(pilot, lambda: open_(app))
        await until(pilot, lambda: "because" in seen(app))
        await press(pilot, "enter", "space", "escape")
        await until(pilot, lambda: not open_(app) and app.screen.is_current)
        await until(pilot, lambda: "a call of echo waits: w" in seen(app))
        await pilot.pause(0.3)
        assert not isinstance(app.screen, QuestionDialog), "one that was left does not open by itself again"
        assert len(feed.now.questions) == 1
        await press(pilot, "w")
        await until(pilot, lambda: open_(app))
        await press(pilot, "a")
        await until(pilot, lambda: feed.ended)
        assert await words(app, feed.run_id) == [(True, "")]
        assert counted.calls == ["x"]
        await press(pilot, "w")
        await until(pilot, lambda: "no tool's call waits" in seen(app))


async def test_writing_never_answers(tmp_path: Path) -> None:
    async with asked(tmp_path, "x", draft="dr") as (app, pilot, feed, counted):
        await write(pilot, "aArR")
        await until(pilot, lambda: "a call of echo waits: esc w" in seen(app))
        assert not isinstance(app.screen, QuestionDialog)
        assert app.screen.query_one(Composer).draft == "draArR"
        await press(pilot, "escape")
        await until(pilot, lambda: open_(app))
        await press(pilot, "R")
        await until(pilot, lambda: isinstance(app.screen, Field))
        await press(pilot, "escape")
        await until(pilot, lambda: not isinstance(app.screen, Field))
        assert len(feed.now.questions) == 1, "without its reason nothing is decided"
        await press(pilot, "w")
        await until(pilot, lambda: open_(app))
        await press(pilot, "R")
        await until(pilot, lambda: isinstance(app.screen, Field))
        app.screen.query_one(Input).value = "too dear"
        await press(pilot, "enter")
        await until(pilot, lambda: feed.ended)
        assert await words(app, feed.run_id) == [(False, "too dear")]
        assert counted.calls == []
        assert app.screen.query_one(Composer).draft == "draArR"


async def test_a_tool_is_allowed_from_now_on(tmp_path: Path) -> None:
    async with asked(tmp_path, "x", "y", "z") as (app, pilot, feed, counted):
        await until(pilot, lambda: open_(app))
        await until(pilot, lambda: "1 of 3" in seen(app))
        await press(pilot, "r")
        await until(pilot, lambda: open_(app) and "1 of 2" in seen(app))
        await press(pilot, "A")
        await until(pilot, lambda: "its further calls are" in seen(app))
        await until(pilot, lambda: feed.ended)
        assert sorted(await words(app, feed.run_id)) == [(False, ""), (True, ""), (True, "")]
        assert len(counted.calls) == 2


async def test_what_is_left_for_later_leaves_the_others_too(tmp_path: Path) -> None:
    async with asked(tmp_path, "x", "y") as (app, pilot, feed, _):
        await until(pilot, lambda: open_(app))
        await press(pilot, "escape")
        await until(pilot, lambda: "2 calls wait (echo): w" in seen(app))
        await pilot.pause(0.3)
        assert not isinstance(app.screen, QuestionDialog)
        assert len(feed.now.questions) == 2


async def test_a_word_from_elsewhere_closes_the_question(tmp_path: Path) -> None:
    async with asked(tmp_path, "x") as (app, pilot, feed, counted):
        await until(pilot, lambda: open_(app))
        await respond(app.desk.store, feed.run_id, approve=True, author="bea")
        await until(pilot, lambda: not isinstance(app.screen, QuestionDialog))
        await until(pilot, lambda: "somebody else answered" in seen(app))
        await until(pilot, lambda: counted.calls == ["x"])
