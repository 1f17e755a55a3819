"""Lines of text that are asked for. What is wrong with one, and how to mend it, is said as it is typed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, TypeVar

from rich.text import Text
from textual import on
from textual.widget import Widget
from textual.widgets import Input, Static

from ....core.errors import SymposiaError
from ...render.inert import inert
from .dialog import Dialog

ResultT = TypeVar("ResultT")
Check = Callable[[str], object]
"""Raises :class:`SymposiaError` for a text that cannot be used."""


def anything(_text: str) -> None:
    """Every text can be used."""


class Line(NamedTuple):
    """A line that is asked for."""

    name: str
    label: str
    value: str = ""
    """What stands there before."""
    told: str = ""
    """What to write, and what holds now."""
    check: Check = anything


class _Asking(Dialog[ResultT | None]):
    """A form whatever it gives."""

    def __init__(
        self, title: str, lines: Sequence[Line], *, intro: str = "", clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__(title, clock=clock)
        self._lines = lines
        self._intro = intro

    def parts(self) -> Iterable[Widget]:
        """Each line under its label, with what is to be said of it."""
        if self._intro:
            yield Static(Text(inert(self._intro)), classes="intro")
        for line in self._lines:
            if line.label:
                yield Static(Text(line.label), classes="label")
            yield Input(line.value, id=line.name, compact=True, select_on_focus=False)
            yield Static(Text(inert(line.told)), id=f"told-{line.name}", classes="told")

    def on_mount(self) -> None:
        """Say what the keys do."""
        more = "tab next line · " if len(self._lines) > 1 else ""
        self.query_one("#box").border_subtitle = f"{more}enter takes it · esc leaves it as it was"

    def _fault(self, line: Line) -> SymposiaError | None:
        try:
            line.check(self.query_one(f"#{line.name}", Input).value)
        except SymposiaError as error:
            return error
        return None

    @on(Input.Changed)
    def _changed(self, event: Input.Changed) -> None:
        line = next(each for each in self._lines if each.name == event.input.id)
        fault = self._fault(line)
        told = (
            Text(inert(line.told)) if fault is None else Text(f"{self.skin.glyphs.rejected} {inert(str(fault))}", self.skin.bad)
        )
        self.query_one(f"#told-{line.name}", Static).update(told)

    @on(Input.Submitted)
    def _submitted(self) -> None:
        """Give what stands there, or go to the first line that cannot be used."""
        for line in self._lines:
            if self._fault(line) is not None:
                self.query_one(f"#{line.name}", Input).focus()
                return
        self.dismiss(self._result({line.name: self.query_one(f"#{line.name}", Input).value for line in self._lines}))

    def _result(self, values: dict[str, str]) -> ResultT:
        raise NotImplementedError


class Form(_Asking[dict[str, str]]):
    """Gives the texts by the names of their lines, None where it was left."""

    def _result(self, values: dict[str, str]) -> dict[str, str]:
        return values


class Field(_Asking[str]):
    """One line of text; None where it was left, and then the value before holds."""

    def __init__(
        self,
        title: str,
        *,
        value: str = "",
        told: str = "",
        intro: str = "",
        check: Check = anything,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(title, [Line("value", "", value, told, check)], intro=intro, clock=clock)

    def _result(self, values: dict[str, str]) -> str:
        return values["value"]
