"""Dialogs by their keys, on the smallest and on a large terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from symposia.core.budget import Budget
from symposia.core.errors import ConfigError
from symposia.tui.app import SymposiaApp
from symposia.tui.item import Item
from symposia.tui.screens.dialogs.confirm import Confirm
from symposia.tui.screens.dialogs.dialog import GRACE, Dialog
from symposia.tui.screens.dialogs.form import Field, Form, Line
from symposia.tui.screens.dialogs.picker import Picker, of
from symposia.tui.screens.dialogs.question import QuestionDialog, Word
from symposia.tui.store.run import Question

from .application import LARGE, SMALL, World, press, seen, shown, until

ITEMS = [
    Item("a", "greedy", "one answer"),
    Item("b", "best-of-n", "a verifier picks"),
    Item("c", "answer-stability", "told", "needs prefix of its policy"),
]
UNDECIDED: Any = object()


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Asked:
    """A dialog that is on the screen, and what it gave."""

    def __init__(self, app: SymposiaApp, pilot: Pilot[None], dialog: Dialog[Any]) -> None:
        self.given: Any = UNDECIDED
        self._pilot = pilot
        self._dialog = dialog
        app.push_screen(dialog, self._take)

    def _take(self, given: Any) -> None:
        self.given = given

    async def drawn(self) -> None:
        """Wait until it could be read."""
        dialog = self._dialog
        await until(self._pilot, lambda: dialog._since is not None)

    async def after(self, *keys: str) -> Any:
        """What it gave after some keys; undecided while it is open."""
        await self._pilot._wait_for_screen()
        await press(self._pilot, *keys)
        return self.given


@pytest.mark.parametrize("size", [SMALL, LARGE])
async def test_something_is_picked(tmp_path: Path, size: tuple[int, int]) -> None:
    async with shown(World(tmp_path), size) as (app, pilot):

        def picker(**changes: Any) -> Asked:
            return Asked(app, pilot, Picker("Strategy", of(ITEMS), **changes))

        assert await picker().after("enter") == "a"
        assert await picker().after("down", "down", "up", "enter") == "b"
        assert await picker(chosen="b").after("enter") == "b"
        assert await picker().after("escape") is None
        assert await picker().after("b", "o", "n", "enter") == "b"
        asked = picker()
        assert await asked.after("z", "z", "enter") is UNDECIDED
        await until(pilot, lambda: "nothing is found" in seen(app))
        assert await asked.after("ctrl+u", "s", "t", "a", "b", "enter") is UNDECIDED, "it cannot be chosen"
        await until(pilot, lambda: "needs prefix of its policy" in seen(app))
        assert await asked.after("escape") is None

        def typed(text: str) -> Item:
            return Item(text, text, disabled="" if text == "best" else "half of it is missing")

        asked = picker(typed=typed)
        await asked.after("b", "e", "s")
        await until(pilot, lambda: "half of it is missing" in seen(app))
        assert await asked.after("t", "enter") == "best", "what was typed comes before what was found"

        async def broken() -> Sequence[Item]:
            raise ConfigError("the catalogue has gone")

        await (asked := Asked(app, pilot, Picker("Models", broken))).after()
        await until(pilot, lambda: "the catalogue has gone" in seen(app))
        assert await asked.after("enter") is UNDECIDED
        assert await asked.after("escape") is None


async def test_a_line_says_what_is_wrong_as_it_is_typed(tmp_path: Path) -> None:
    async with shown(World(tmp_path)) as (app, pilot):
        field = Field("Budget", value="calls=30", told="caps", intro="in force: calls=30", check=Budget.parse)
        asked = Asked(app, pilot, field)
        assert await asked.after("x") is UNDECIDED
        await until(pilot, lambda: "calls=30x is not an amount" in seen(app))
        assert await asked.after("enter") is UNDECIDED
        assert await asked.after("backspace", "5", "enter") == "calls=305"
        assert await Asked(app, pilot, Field("Budget", value="calls=30")).after("9", "escape") is None

        form = Form("Fork", [Line("one", "first", "1"), Line("two", "second", "2", check=Budget.parse)])
        asked = Asked(app, pilot, form)
        await asked.after("tab", "x", "shift+tab", "enter")
        assert isinstance(app.focused, Input)
        assert app.focused.id == "two", "the line that cannot be used has the keys"
        assert await asked.after("backspace", "enter") == {"one": "1", "two": "2"}


async def test_nothing_is_confirmed_by_what_was_typed_before(tmp_path: Path) -> None:
    async with shown(World(tmp_path)) as (app, pilot):
        clock = Clock()

        def confirm() -> Asked:
            return Asked(app, pilot, Confirm("Stop?", "It ends.", yes="stops it", clock=clock))

        asked = confirm()
        assert await asked.after("y", "enter", "escape", "n") is UNDECIDED
        await asked.drawn()
        clock.now += GRACE - 0.01
        assert await asked.after("y") is UNDECIDED
        clock.now += 0.02
        assert await asked.after("a", "space") is UNDECIDED
        assert await asked.after("y") is True
        for key in ("enter", "escape", "n"):
            await (asked := confirm()).drawn()
            clock.now += 1
            assert await asked.after(key) is False


async def test_a_call_is_decided_by_its_keys_alone(tmp_path: Path) -> None:
    question = Question("k", "python", {"code": "print(1)\nprint(2)"}, "to see", 1, 0.0)
    words = {
        "a": Word(approve=True),
        "A": Word(approve=True, every=True),
        "r": Word(approve=False),
        "R": Word(approve=False, asks_note=True),
        "escape": None,
    }
    async with shown(World(tmp_path)) as (app, pilot):
        clock, waits = Clock(), [True]

        def ask() -> Asked:
            keys = [("a", "allow")]
            return Asked(app, pilot, QuestionDialog(question, (1, 2), lambda: waits[0], keys=keys, clock=clock))

        asked = ask()
        assert await asked.after("a", "A", "r", "R") is UNDECIDED
        text = seen(app)
        assert "1 │ print(1)" in text
        assert "1 of 2" in text
        assert "to see" in text
        await asked.drawn()
        clock.now += GRACE + 0.01
        assert await asked.after("enter", "y", "space", "j") is UNDECIDED, "nothing is decided by default"
        assert await asked.after("a") == words["a"]
        for key, word in words.items():
            await (asked := ask()).drawn()
            clock.now += 1
            assert await asked.after(key) == word
        await (asked := ask()).drawn()
        waits[0] = False
        await until(pilot, lambda: asked.given is None)
