"""Asking from the composer: what is sent, what is chosen, and that no draft is ever lost."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from symposia.core.errors import DetachError
from symposia.models import discovery
from symposia.models.engines import running
from symposia.tui.app import SymposiaApp
from symposia.tui.screens.dialogs.form import Field
from symposia.tui.screens.dialogs.picker import Picker
from symposia.tui.widgets.composer import Composer

from .application import SMALL, World, begin, press, seen, shown, until, write


def composer(app: SymposiaApp) -> Composer:
    return app.screen.query_one(Composer)


async def dialog(app: SymposiaApp, pilot: Pilot[None], kind: type[Any]) -> None:
    """Wait for a dialog that has found out what it shows."""
    await until(pilot, lambda: isinstance(app.screen, kind) and (kind is not Picker or app.screen._items))
    await pilot._wait_for_screen()


@pytest.fixture(autouse=True)
def nothing_served(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nobody() -> list[Any]:
        return []

    monkeypatch.setattr(discovery, "probe_loopback", nobody)
    monkeypatch.setattr(running.RunningEngines, "all", lambda _self: [])


async def test_a_question_is_written_and_asked(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with shown(world, SMALL) as (app, pilot):
        await until(pilot, lambda: "a writes a question" in seen(app))
        await begin(pilot)
        await write(pilot, "is q 2?")
        await until(pilot, lambda: "enter asks" in seen(app))
        await press(pilot, "ctrl+j")
        await write(pilot, "x")
        assert composer(app).draft == "is q 2?\nx"
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "live" and app.feed is not None and app.feed.ended)
        (record,) = world.launched
        assert (record.spec.problem.question, record.spec.strategy) == ("is q 2?\nx", "self-consistency")
        await begin(pilot)
        await until(pilot, lambda: "enter asks anew" in seen(app))
        await press(pilot, "enter")
        assert len(world.launched) == 1, "an empty draft is not sent"
        await press(pilot, "escape", "1")
        await until(pilot, lambda: app.current_mode == "runs")
        assert composer(app).draft == ""


async def test_a_draft_stays_where_asking_fails_and_is_sent_once(tmp_path: Path) -> None:
    world = World(tmp_path)
    async with shown(world) as (app, pilot):
        await begin(pilot)
        composer(app).write("why?")
        app.choice = app.choice.model_copy(update={"strategy": "greedi"})
        await press(pilot, "enter")
        await until(pilot, lambda: "did you mean 'greedy'" in seen(app))
        assert composer(app).draft == "why?"

        app.choice = app.choice.model_copy(update={"strategy": "greedy"})
        world.fail = DetachError("the process gave up", hint="look at its log")
        await press(pilot, "enter")
        await until(pilot, lambda: "the process gave up" in seen(app))
        assert composer(app).draft == "why?"

        world.fail, world.gate = None, asyncio.Event()
        await press(pilot, "enter")
        await until(pilot, lambda: "sending" in seen(app))
        await press(pilot, "enter", "enter")
        await write(pilot, " s")
        world.gate.set()
        await until(pilot, lambda: app.current_mode == "live")
        await until(pilot, lambda: world.launched)
        assert len(world.launched) == 1
        await press(pilot, "escape")
        await until(pilot, lambda: app.current_mode == "runs")
        assert composer(app).draft == "why? s", "what was written meanwhile stays"


async def test_what_works_on_a_question_is_chosen_by_keys(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.executes = False
    async with shown(world, (100, 30)) as (app, pilot):
        await begin(pilot)
        composer(app).write("why?")

        await press(pilot, "f2")
        await dialog(app, pilot, Picker)
        await write(pilot, "best-of-n")
        await press(pilot, "enter")
        await until(pilot, lambda: app.choice.strategy == "best-of-n")

        await press(pilot, "f3")
        await dialog(app, pilot, Picker)
        await write(pilot, "fake verifier=other")
        await press(pilot, "enter")
        await until(pilot, lambda: app.choice.team == {"policy": "fake", "verifier": "other"})

        await press(pilot, "f4")
        await dialog(app, pilot, Picker)
        await write(pilot, "calls=x")
        await press(pilot, "enter")
        assert isinstance(app.screen, Picker), "what cannot be used is not taken"
        await press(pilot, "backspace", "7", "enter")
        await until(pilot, lambda: app.choice.budget == "calls=7")

        await press(pilot, "f5")
        await dialog(app, pilot, Picker)
        await write(pilot, "n=3")
        await press(pilot, "enter")
        await until(pilot, lambda: app.choice.options == {"n": 3})
        await dialog(app, pilot, Picker)
        await press(pilot, "escape")
        await until(pilot, lambda: app.screen is not None and not isinstance(app.screen, Picker))
        await until(pilot, lambda: "F2 best-of-n · F3 fake verifier=other · F4 calls=7 · F5 n=3" in seen(app))
        assert composer(app).draft == "why?"

        await press(pilot, "enter")
        await until(pilot, lambda: world.launched)
        spec = world.launched[0].spec
        assert (spec.strategy, spec.config["n"], str(spec.budget)) == ("best-of-n", 3, "calls=7")
        assert {role: model.name for role, model in spec.models.items()} == {"policy": "fake", "verifier": "other"}


async def test_an_option_is_set_by_its_name_and_another_strategy_keeps_what_it_has_too(tmp_path: Path) -> None:
    async with shown(World(tmp_path)) as (app, pilot):
        await begin(pilot)
        await press(pilot, "f5")
        await dialog(app, pilot, Picker)
        await write(pilot, "n")
        await press(pilot, "enter")
        await dialog(app, pilot, Field)
        field = app.screen.query_one(Input)
        assert field.value == "8"
        field.value = "0"
        await press(pilot, "enter")
        assert isinstance(app.screen, Field), "0 samples cannot be asked for"
        field.value = "5"
        await press(pilot, "enter")
        await dialog(app, pilot, Picker)
        assert app.choice.options == {"n": 5}
        await write(pilot, "temperature=0.5")
        await press(pilot, "enter")
        await until(pilot, lambda: app.choice.options == {"n": 5, "temperature": 0.5})
        await dialog(app, pilot, Picker)
        await press(pilot, "escape")
        await until(pilot, lambda: not isinstance(app.screen, Picker))
        await press(pilot, "f2")
        await dialog(app, pilot, Picker)
        await write(pilot, "greedy")
        await press(pilot, "enter")
        await until(pilot, lambda: app.choice.strategy == "greedy")
        assert app.choice.options == {"temperature": 0.5}
