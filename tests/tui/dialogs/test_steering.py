"""What is asked of a run that goes on: by keys, taken up by the run itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from symposia.core.budget import Budget
from symposia.core.records import ControlKind, RunRecord
from symposia.core.result import RunState
from symposia.testing import ScriptedModel
from symposia.tui.app import SymposiaApp
from symposia.tui.feed import Feed
from symposia.tui.screens.dialogs.confirm import Confirm
from symposia.tui.screens.dialogs.form import Field, Form
from symposia.tui.screens.dialogs.picker import Picker
from symposia.tui.widgets.composer import Composer

from .application import LARGE, World, begin, press, seen, shown, until, write

SLOW = {"n": 400, "stop": "beta", "window": 1, "confidence": 0.9999}
CLOCK = "symposia.tui.screens.dialogs.dialog.GRACE"


@asynccontextmanager
async def going(world: World, **changes: Any) -> AsyncIterator[tuple[SymposiaApp, Pilot[None], Feed]]:
    """The application, looking at a run that has begun."""
    async with shown(world, LARGE) as (app, pilot):
        record = await world.desk.ask("why?", strategy="self-consistency", options=SLOW, **changes)
        app.look_at(record.id)
        feed = app.feed
        assert feed is not None
        await until(pilot, lambda: feed.record is not None and feed.record.state is RunState.RUNNING and feed.now.samples)
        await until(pilot, lambda: app.current_mode == "live" and "Samples" in seen(app))
        yield app, pilot, feed


def slow(folder: Path) -> World:
    """A model whose answers differ, so that no vote ends the run."""
    return World(folder, ScriptedModel(lambda _prompt, sample: f"The answer is \\boxed{{{sample}}}.", latency=0.02))


def state(feed: Feed) -> RunState | None:
    return None if feed.record is None else feed.record.state


async def test_pause_resume_steer_and_queue(tmp_path: Path) -> None:
    async with going(slow(tmp_path)) as (app, pilot, feed):
        await press(pilot, "space")
        await until(pilot, lambda: state(feed) is RunState.PAUSED)
        await until(pilot, lambda: "pause" in seen(app))

        await begin(pilot, "s")
        await until(pilot, lambda: "enter steers · ctrl+n asks it next" in seen(app))
        await write(pilot, "be q")
        await press(pilot, "ctrl+n")
        await until(pilot, lambda: [wish.kind for wish in feed.wishes] == [ControlKind.QUEUE])
        composer = app.screen.query_one(Composer)
        await until(pilot, lambda: not composer.draft)
        await until(pilot, lambda: "alt+up takes it back" in seen(app))
        composer.write("more")
        await press(pilot, "alt+up")
        await until(pilot, lambda: composer.draft == "be q\nmore")
        await until(pilot, lambda: not feed.wishes)
        await press(pilot, "alt+up")
        await until(pilot, lambda: "nothing of yours waits" in seen(app))

        composer.write("be brief")
        await press(pilot, "enter", "enter")
        await until(pilot, lambda: not composer.draft)
        await until(pilot, lambda: [wish.text for wish in feed.wishes] == ["be brief"])

        await press(pilot, "escape", "space")
        await until(pilot, lambda: state(feed) is RunState.RUNNING and len(feed.wishes) == 1)
        assert [wish.kind for wish in feed.wishes] == [ControlKind.STEER], "it waits for the next wave that writes"
        await press(pilot, "P")
        await until(pilot, lambda: state(feed) is RunState.PAUSED)
        await press(pilot, "r")
        await until(pilot, lambda: state(feed) is RunState.RUNNING)


async def test_a_run_is_stopped_only_after_asking_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CLOCK, 0.0)
    async with going(slow(tmp_path)) as (app, pilot, feed):
        await press(pilot, "x")
        await until(pilot, lambda: isinstance(app.screen, Confirm))
        await until(pilot, lambda: "ends with the best answer so far" in seen(app))
        await until(pilot, lambda: app.screen.hears)  # type: ignore[attr-defined]
        await press(pilot, "enter")
        await until(pilot, lambda: not isinstance(app.screen, Confirm))
        assert not feed.wishes
        assert state(feed) is RunState.RUNNING
        await press(pilot, "x")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.hears)
        await press(pilot, "y")
        await until(pilot, lambda: state(feed) is RunState.INTERRUPTED)
        for key in ("space", "b", "x"):
            app.clear_notifications()
            await press(pilot, key)
            await until(pilot, lambda: "nobody would hear it" in seen(app))


async def test_the_budget_is_changed_and_a_wish_taken_back(tmp_path: Path) -> None:
    async with going(slow(tmp_path), budget="calls=300,tokens=1m") as (app, pilot, feed):
        await press(pilot, "b")
        await until(pilot, lambda: isinstance(app.screen, Field))
        await pilot._wait_for_screen()
        await until(pilot, lambda: "in force: calls=300,tokens=1e+06" in seen(app))
        await until(pilot, lambda: "spent:" in seen(app))
        field = app.screen.query_one(Input)
        field.value = ""
        await press(pilot, "enter")
        assert isinstance(app.screen, Field)
        field.value = "calls=299"
        await press(pilot, "enter")
        await until(pilot, lambda: feed.now.budget is not None and feed.now.budget.calls == 299)
        assert feed.now.budget == Budget(calls=299, tokens=1_000_000)

        await press(pilot, "space")
        await until(pilot, lambda: state(feed) is RunState.PAUSED)
        await begin(pilot, "s")
        await write(pilot, "hm")
        await press(pilot, "enter")
        await until(pilot, lambda: len(feed.wishes) == 1)
        await press(pilot, "escape", "u")
        await until(pilot, lambda: not feed.wishes)
        assert app.screen.query_one(Composer).draft == "hm"


async def finished(world: World) -> RunRecord:
    record = await world.desk.ask("how much?", strategy="self-consistency", options={"n": 3, "batched": False})
    await world.tasks[-1]
    return record


async def test_a_run_is_forked_from_a_place(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with shown(world, LARGE) as (app, pilot):
        record = await finished(world)
        app.look_at(record.id)
        feed = app.feed
        assert feed is not None
        await until(pilot, lambda: len(feed.now.samples) == 3 and app.current_mode == "live")
        await press(pilot, "f")
        await until(pilot, lambda: isinstance(app.screen, Form))
        await pilot._wait_for_screen()
        place, budget, options = app.screen.query(Input)
        assert place.value.startswith("sample ")
        place.value = "sample 9"
        await press(pilot, "enter")
        await until(pilot, lambda: "no sample 9" in seen(app))
        place.value, budget.value, options.value = "sample 1", "calls=20", "n=4"
        await press(pilot, "enter")
        await until(pilot, lambda: app.feed is not feed and app.feed is not None and app.feed.ended)
        fork = world.launched[-1]
        assert fork.spec.forked_from is not None
        assert (fork.spec.forked_from.run_id, fork.spec.forked_from.entries) == (record.id, 1)
        assert (fork.spec.config["n"], str(fork.spec.budget)) == (4, "calls=20")


async def test_a_run_is_written_to_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CLOCK, 0.0)
    monkeypatch.chdir(tmp_path)
    world = World(tmp_path)
    async with shown(world, LARGE) as (app, pilot):
        record = await finished(world)
        app.look_at(record.id)
        await until(pilot, lambda: app.feed is not None and app.feed.ended and app.current_mode == "live")

        async def place(form: str) -> Input:
            await press(pilot, "e")
            await until(pilot, lambda: isinstance(app.screen, Picker) and app.screen._items)
            await write(pilot, form)
            await press(pilot, "enter")
            await until(pilot, lambda: isinstance(app.screen, Field))
            await pilot._wait_for_screen()
            return app.screen.query_one(Input)

        name = f"symposia-{record.id}"
        assert (await place("Mark")).value == f"./{name}.md"
        await press(pilot, "enter")
        page = tmp_path / f"{name}.md"
        await until(pilot, page.exists)
        assert page.read_text().startswith(f"# Run {record.id}")

        page.write_text("mine")
        await place("Mark")
        await press(pilot, "enter")
        await until(pilot, lambda: isinstance(app.screen, Confirm) and app.screen.hears)
        await press(pilot, "enter")
        await until(pilot, lambda: not isinstance(app.screen, Confirm))
        assert page.read_text() == "mine", "what is there stays"

        await place("JSON")
        await press(pilot, "enter")
        await until(pilot, (tmp_path / f"{name}.jsonl").exists)
        await place("SVG")
        await press(pilot, "enter")
        await until(pilot, (tmp_path / f"{name}.svg").exists)
        assert "Where to" not in (tmp_path / f"{name}.svg").read_text(), "the dialog is not on the picture"

        field = await place("Mark")
        field.value = str(tmp_path / "none" / "run.md")
        await press(pilot, "enter")
        await until(pilot, lambda: "there is no folder" in seen(app))
        field.value = "/proc/run.md"
        await press(pilot, "enter")
        await until(pilot, lambda: "cannot be written" in seen(app))
