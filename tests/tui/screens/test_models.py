"""The models of a machine, and the page that leads to a first answer: with stand-ins for downloads and engines."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from symposia.core.errors import DownloadError, EngineError, WeightsError
from symposia.models.catalogue import Catalogue
from symposia.models.engines.running import EngineRecord, EngineState, ProcessId
from symposia.models.partial import Progress
from symposia.models.shelf import Standing
from symposia.tui import shelf
from symposia.tui.keys import keys_of
from symposia.tui.render.shelf import detail_lines, job_lines, machine_line, row_line
from symposia.tui.render.skin import SKINS
from symposia.tui.render.welcome import EXAMPLE, page, welcome_lines
from symposia.tui.screens.help import HelpScreen
from symposia.tui.screens.models import ModelsScreen
from symposia.tui.screens.small import SmallScreen
from symposia.tui.shelf import Job, Machine, Row, Stock, at_hand, recommended
from symposia.tui.widgets.composer import Composer

from ..dialogs.application import LARGE, SMALL, World, press, seen, shown, until

CATALOGUE = Catalogue.load()
SMALL_MODEL = "smollm2-135m"
ROOM = Machine(memory=3_000_000_000, disk=9_000_000_000, llamacpp=True)
SKIN = SKINS["dark"]


def stock(machine: Machine = ROOM, *, here: tuple[str, ...] = (), default: str | None = None) -> Stock:
    def standing(name: str) -> Standing:
        spec = CATALOGUE.get(name)
        return Standing.KEYLESS if spec.weights is None else Standing.HERE if name in here else Standing.TO_PULL

    rows = tuple(Row(spec.name, spec, standing(spec.name), default=spec.name == default) for spec in CATALOGUE)
    return Stock(rows, machine, default)


def served(name: str = SMALL_MODEL) -> Row:
    spec = CATALOGUE.get(name).model_copy(update={"endpoint": "http://127.0.0.1:1/v1"})
    record = EngineRecord(name=name, engine="llama.cpp", owner=ProcessId(pid=1, started=0.0), spec=spec)
    return Row(name, spec, Standing.HERE, record, EngineState.RUNNING, 300_000_000)


def test_the_largest_that_fits_is_recommended() -> None:
    names = {memory: recommended(stock(ROOM._replace(memory=memory))) for memory in (100, 600_000_000, 10**9, 3 * 10**9)}
    found = [None if row is None else row.name for row in names.values()]
    assert found == [None, SMALL_MODEL, "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"]
    assert recommended(stock(ROOM._replace(disk=1000))) is None


def test_what_answers_where_no_model_is_named() -> None:
    assert at_hand(stock()) is None
    assert at_hand(stock(here=(SMALL_MODEL,))) == SMALL_MODEL
    assert at_hand(stock(ROOM._replace(llamacpp=False), here=(SMALL_MODEL,))) is None, "nothing runs it"
    assert at_hand(stock(ROOM._replace(servers=("m",)))) == "m"
    assert at_hand(stock(default=SMALL_MODEL)) is None, "it is named, and not here"
    assert at_hand(stock(default="http://127.0.0.1:9/v1#m")) == "http://127.0.0.1:9/v1#m"
    assert at_hand(stock()._replace(rows=(served(),))) == SMALL_MODEL


def test_every_state_of_the_first_page_says_what_to_do() -> None:
    assert page(None, None, None).deed == ""
    assert page(stock(), None, EngineError("broken", hint="mend it")).steps[0][1:] == ("broken", "mend it")
    none = page(stock(ROOM._replace(llamacpp=False)), None, None)
    assert 'pip install "symposia[local]"' in none.steps[0].told
    assert "no model of the list fits" in page(stock(ROOM._replace(memory=1)), None, None).steps[1].told
    assert page(stock(), None, None).words == "downloads it (1.1 GB)"
    assert page(stock(), Job("pull", error=DownloadError("no network")), None).words == "downloads it, from where it stopped"
    assert page(stock(here=(SMALL_MODEL,)), None, None).deed == "example"


@pytest.mark.parametrize("width", [20, 60, 100])
def test_nothing_is_wider_than_its_place(width: int) -> None:
    job = Job("pull", "600 MB of 1.1 GB, 12.0 MB/s from a hub with a long name", 0.5)
    failed = Job("pull", error=WeightsError("the disk is full: " + "x" * 90, hint="make space"))
    row = served()
    lines = [machine_line(ROOM, width, SKIN), *job_lines(job, width, SKIN), *job_lines(failed, width, SKIN)]
    lines += [*detail_lines(row, job, width, SKIN), row_line(row, job, width, SKIN), row_line(row, failed, width, SKIN)]
    lines += welcome_lines(page(stock(), job, None), job, "enter", width, SKIN)
    assert max(line.cell_len for line in lines) <= width
    assert any("make space" in line.plain for line in lines)


async def test_from_nothing_to_a_question(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, go_on = World(tmp_path), asyncio.Event()
    world.found = stock()
    tried: list[str] = []

    async def fetch(spec, hear) -> None:
        tried.append(spec.name)
        if len(tried) == 1:
            raise DownloadError("it could not be downloaded: no network", hint="200 MB are kept; run it again to go on")
        hear(Progress("downloading", 600_000_000, 1_200_000_000, 12e6, "a hub"))
        await go_on.wait()
        world.found = stock(here=(spec.name,))

    monkeypatch.setattr(shelf, "fetch", fetch)
    async with shown(world, SMALL) as (app, pilot):
        await until(pilot, lambda: "qwen2.5-coder-1.5b" in seen(app))
        await press(pilot, "enter")
        await until(pilot, lambda: "no network" in seen(app))
        assert "200 MB are kept" in seen(app)
        await press(pilot, "enter")
        await until(pilot, lambda: "600 MB of 1.2 GB, 12.0 MB/s from a hub" in seen(app))
        await press(pilot, "enter")
        await until(pilot, lambda: "stopped; what came is kept" in seen(app))
        await press(pilot, "enter")
        await until(pilot, lambda: " 50%" in seen(app))
        go_on.set()
        await until(pilot, lambda: "qwen2.5-coder-1.5b answers" in seen(app))
        await press(pilot, "enter")
        await until(pilot, lambda: app.screen.query_one(Composer).draft == EXAMPLE)
        await press(pilot, "enter")
        await until(pilot, lambda: app.current_mode == "live" and app.feed is not None and app.feed.record is not None)
        assert world.launched[0].spec.problem.question == EXAMPLE


async def test_models_are_pulled_served_stopped_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world, done = World(tmp_path), []
    world.found = stock(here=(SMALL_MODEL,))

    async def put_up(name, told) -> None:
        done.append(f"serve {name}")
        world.found = stock()._replace(rows=(served(),))

    async def end(engine) -> None:
        done.append(f"stop {engine.name}")
        world.found = stock(here=(SMALL_MODEL,))

    monkeypatch.setattr(shelf, "put_up", put_up)
    monkeypatch.setattr(shelf, "end", end)
    monkeypatch.setenv("SYMPOSIA_CONFIG", str(tmp_path / "config.toml"))
    async with shown(world, LARGE) as (app, pilot):
        await press(pilot, "7")
        await until(pilot, lambda: "■ here" in seen(app))
        assert isinstance(app.screen, ModelsScreen)
        assert "needs OPENAI_API_KEY" in seen(app)
        await press(pilot, "p")
        await until(pilot, lambda: "its weights are here already" in seen(app))
        await press(pilot, "x")
        await until(pilot, lambda: "is not served here" in seen(app))
        await press(pilot, "v")
        await until(pilot, lambda: "served by llama.cpp" in seen(app))
        assert "http://127.0.0.1:1/v1" in seen(app)
        await press(pilot, "x")
        await until(pilot, lambda: "Stop serving" in seen(app))
        await asyncio.sleep(0.3)  # a dialog is deaf at first
        await press(pilot, "y")
        await until(pilot, lambda: done == [f"serve {SMALL_MODEL}", f"stop {SMALL_MODEL}"])
        await until(pilot, lambda: "■ here" in seen(app))
        await press(pilot, "u")
        await until(pilot, (tmp_path / "config.toml").exists)
        assert (tmp_path / "config.toml").read_text() == f'model = "{SMALL_MODEL}"\n'


async def test_a_model_that_cannot_be_served_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(tmp_path)
    world.found = stock(here=(SMALL_MODEL,))

    async def put_up(name, told) -> None:
        raise EngineError("it needs 3 GB of memory, 1 GB are free", hint="close other programs")

    monkeypatch.setattr(shelf, "put_up", put_up)
    async with shown(world, SMALL) as (app, pilot):
        await press(pilot, "7")
        await until(pilot, lambda: "■ here" in seen(app))
        await press(pilot, "v")
        await until(pilot, lambda: "close other programs" in seen(app))
        assert "serve failed" in seen(app)


async def test_the_help_scrolls_and_closes(tmp_path: Path) -> None:
    async with shown(World(tmp_path), SMALL) as (app, pilot):
        await press(pilot, "question_mark")
        await until(pilot, lambda: isinstance(app.screen, HelpScreen) and app.focused is not None and "Runs" in seen(app))
        last = keys_of("question")[-1].help
        assert last not in seen(app)
        for _ in range(50):  # a bar that comes lays the lines out anew
            await press(pilot, "G")
            if last in seen(app):
                break
        assert last in seen(app)
        await press(pilot, "q")
        await until(pilot, lambda: not isinstance(app.screen, HelpScreen))


async def test_too_little_room_is_said_until_there_is_more(tmp_path: Path) -> None:
    async with shown(World(tmp_path), (50, 12)) as (app, pilot):
        await until(pilot, lambda: "needs 60" in seen(app))
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: not isinstance(app.screen, SmallScreen))
