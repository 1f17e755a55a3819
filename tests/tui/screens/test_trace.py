"""The trace: what came in order, its text step by step, searching, copying, comparing, going back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from symposia.core.candidate import Answer, Candidate, ExtractionRule, Score
from symposia.core.events import CandidateAdded, CandidateScored, Event, RunStarted, ToolCalled, ToolReturned, Warned
from symposia.core.problem import AnswerKind, Problem
from symposia.core.records import RunSpec
from symposia.core.result import RunState
from symposia.core.steps import ends_of
from symposia.memory.store import Store
from symposia.testing import fake_spec
from symposia.tui.app import SymposiaApp
from symposia.tui.screens.trace import TraceScreen

from ..dialogs.application import LARGE, SMALL, World, press, seen, shown, until, write

NASTY = "First [bold]six[/bold] \x1b[31mred\x1b[0m\n\nThen \u202eback\u202c שלום 你好 👨‍👩‍👧\n\nSo 6 times 7 is 42."
PLACE: dict[str, Any] = {"scope": "s", "node": "act", "visit": 0, "index": 0}


def sample(number: int, text: str, **more: Any) -> CandidateAdded:
    answer = Answer(value="42", kind=AnswerKind.NUMBER, raw="42", rule=ExtractionRule.BOXED)
    made = Candidate(id=f"s/propose.0.{number}#0", text=text, model="m", answer=answer, **more)
    return CandidateAdded(scope="s", node=made.id, candidate=made)


def scored(added: CandidateAdded, *steps: float, rationale: str) -> CandidateScored:
    cut = added.candidate.cut()
    score = Score(verifier="judge", value=min(steps), steps=steps, ends=ends_of(cut), rationale=rationale)
    return CandidateScored(scope="s", node=f"v {added.candidate.id}", candidate=added.candidate.id, score=score)


def events() -> list[Event]:
    first = sample(0, NASTY, thinking="a secret thought")
    return [
        RunStarted(strategy="greedy", models={"policy": "m"}),
        first,
        scored(first, 0.9, 0.2, 0.8, rationale="the second step turns round"),
        ToolCalled(**PLACE, tool="python", arguments={"code": "print(6 * 7)\nprint(1)"}, justification="to be sure"),
        ToolReturned(**PLACE, tool="python", output="42\n1", seconds=1.0, dollars=None),
        sample(1, "First six.\n\nThen seven, the giraffe says.\n\nSo 42.", parent="s/propose.0.0#0"),
        Warned(code="x", message="[red]careful[/red] with the giraffe", index=0),
    ]


async def a_run(folder: Path, given: list[Event]) -> str:
    async with await Store.open(folder / "runs.db") as store:
        spec = RunSpec(problem=Problem.of("6 x 7?"), strategy="greedy", models={"policy": fake_spec()}, version="0")
        record, lease = await store.begin_run(spec, owner="x")
        for start in range(0, len(given), 500):
            store.append(lease, given[start : start + 500])
            await store.flush(lease)
        await store.release(lease, RunState.INTERRUPTED, 1.0)
        return record.id


@pytest.fixture
async def run(tmp_path: Path) -> str:
    return await a_run(tmp_path, events())


def at(app: SymposiaApp) -> TraceScreen:
    assert isinstance(app.screen, TraceScreen)
    return app.screen


def loaded(app: SymposiaApp, count: int) -> Callable[[], bool]:
    return lambda: app.feed is not None and app.feed.now.seq >= count


async def test_in_order_with_the_text_beside_it(tmp_path: Path, run: str) -> None:
    async with shown(World(tmp_path), LARGE, run_id=run) as (app, pilot):
        await until(pilot, loaded(app, 7))
        await press(pilot, "3")
        await until(pilot, lambda: "the second step turns round" in seen(app))
        drawn = seen(app)
        assert "First [bold]six[/bold]" in drawn, "markup is text"
        assert "\x1b" not in drawn
        assert "\u202e" not in drawn
        assert "a secret thought" not in drawn
        assert "+ python  came back after 1s" in drawn
        assert "[red]careful[/red]" in drawn
        assert {cell_len(line) for line in drawn.split("\n")} == {160}
        await press(pilot, "t")
        assert "a secret thought" in seen(app)
        await press(pilot, "j")
        await until(pilot, lambda: "print(6 * 7)" in seen(app))
        assert "to be sure" in seen(app)
        assert "it gave 4 characters" in seen(app)
        await press(pilot, "o")
        assert "it gave 4 characters" not in seen(app)
        await press(pilot, "G")
        await until(pilot, lambda: "Note" in seen(app))


async def test_a_step_is_copied_as_it_was_written(tmp_path: Path, run: str) -> None:
    async with shown(World(tmp_path), LARGE, run_id=run) as (app, pilot):
        await until(pilot, loaded(app, 7))
        await press(pilot, "3")
        await until(pilot, lambda: "So 6 times 7" in seen(app))
        await press(pilot, "y")
        assert app.clipboard == NASTY.replace("\x1b", ""), "nothing in it ends the pasting into a terminal"
        await press(pilot, "enter", "G", "k")
        assert at(app).step == 2
        await press(pilot, "y")
        assert app.clipboard == "So 6 times 7 is 42."


async def test_what_a_sample_changed(tmp_path: Path, run: str) -> None:
    async with shown(World(tmp_path), LARGE, run_id=run) as (app, pilot):
        await until(pilot, loaded(app, 7))
        await press(pilot, "3", "j", "j")
        await until(pilot, lambda: "Then seven, the giraffe says." in seen(app))
        await press(pilot, "d")
        assert "- So 6 times 7 is 42." in seen(app)
        assert "+ So 42." in seen(app)
        await press(pilot, "escape")
        assert "- So 6" not in seen(app)
        assert isinstance(app.screen, TraceScreen), "only the comparison was left"


async def test_words_are_found_in_every_text(tmp_path: Path, run: str) -> None:
    async with shown(World(tmp_path), LARGE, run_id=run) as (app, pilot):
        await until(pilot, loaded(app, 7))
        await press(pilot, "3", "slash")
        await write(pilot, "Giraffe")
        screen = at(app)
        await until(pilot, lambda: len(screen._shown) == 2)
        assert "Order (2 of 4)" in seen(app)
        await press(pilot, "enter", "n")
        await until(pilot, lambda: screen.steps.has_focus and screen._lines)
        await until(pilot, lambda: "giraffe" in screen._lines[screen.steps.cursor].text.plain)
        await press(pilot, "n")
        await until(pilot, lambda: "careful" in screen._lines[screen.steps.cursor].text.plain)
        await press(pilot, "escape")
        await until(pilot, lambda: len(screen._shown) == 4)


async def test_words_that_stand_nowhere(tmp_path: Path, run: str) -> None:
    async with shown(World(tmp_path), run_id=run) as (app, pilot):
        await until(pilot, loaded(app, 7))
        await press(pilot, "3", "slash")
        await write(pilot, 'role"')  # what JSON has, and no text
        await until(pilot, lambda: "no text has these words" in seen(app))


async def test_back_and_forth(tmp_path: Path, run: str) -> None:
    async with shown(World(tmp_path), LARGE, run_id=run) as (app, pilot):
        await until(pilot, loaded(app, 7))
        await press(pilot, "3", "less_than_sign")
        await until(pilot, lambda: "event 1 of 7" in seen(app) and "nothing came of it yet" in seen(app))
        await press(pilot, "full_stop")
        unjudged = "the second step turns round"
        await until(pilot, lambda: "event 2 of 7" in (now := seen(app)) and "So 6 times" in now and unjudged not in now)
        await press(pilot, "full_stop")
        await until(pilot, lambda: "the second step turns round" in seen(app))
        await press(pilot, "greater_than_sign", "comma")
        await until(pilot, lambda: "event 6 of 7" in seen(app))
        await press(pilot, "full_stop")
        await until(pilot, lambda: app.feed is not None and app.feed.scrub is None)


async def test_one_pane_at_a_time_where_there_is_little_room(tmp_path: Path, run: str) -> None:
    async with shown(World(tmp_path), SMALL, run_id=run) as (app, pilot):
        await until(pilot, loaded(app, 7))
        await press(pilot, "3")
        await until(pilot, lambda: "python" in seen(app))
        assert "So 6 times 7" not in seen(app)
        await press(pilot, "enter")
        await until(pilot, lambda: "So 6 times 7" in seen(app))
        assert "python" not in seen(app)
        assert {cell_len(line) for line in seen(app).split("\n")} == {80}
        await press(pilot, "escape")
        await until(pilot, lambda: "python" in seen(app))


async def test_the_sample_that_was_chosen_elsewhere(tmp_path: Path, run: str) -> None:
    async with shown(World(tmp_path), LARGE, run_id=run) as (app, pilot):
        await until(pilot, loaded(app, 7))
        app.sample = "s/propose.0.1#0"
        await press(pilot, "3")
        await until(pilot, lambda: "Then seven, the giraffe says." in seen(app))


async def test_thousands_of_samples_are_drawn_as_they_come_into_sight(tmp_path: Path) -> None:
    run = await a_run(tmp_path, [sample(number, f"text {number}") for number in range(1_000)])
    async with shown(World(tmp_path), LARGE, run_id=run) as (app, pilot):
        await until(pilot, loaded(app, 1_000))
        await press(pilot, "3", "G")
        await until(pilot, lambda: "text 999" in seen(app))
        await press(pilot, "g")
        await until(pilot, lambda: "text 0" in seen(app))
