"""``symposia tui`` where there is no terminal, and what it prints."""

from __future__ import annotations

import sys

import pytest

from symposia.cli import app as command
from symposia.cli import tui


def test_without_a_terminal_it_says_so(symposia) -> None:
    ran = symposia("tui")
    assert (ran.code, ran.out) == (2, "")
    assert "the terminal application needs a terminal, and this is none" in ran.err


def test_alone_without_a_terminal_it_is_the_help_as_ever(symposia) -> None:
    ran = symposia()
    assert ran.code == 0
    assert "Language models that reason together." in ran.out
    assert "tui" in ran.out


class Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("term", "arguments"), [("xterm-256color", ["tui"]), ("dumb", []), ("", [])])
def test_alone_on_a_terminal_it_starts(monkeypatch: pytest.MonkeyPatch, term: str, arguments: list[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["symposia"])
    monkeypatch.setenv("TERM", term)
    for stream in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, stream, Terminal())
    assert command._arguments() == arguments
    assert (tui.refusal() is None) == bool(arguments)
    monkeypatch.setenv("TEXTUAL_DRIVER", "a browser's")
    assert tui.refusal() is None


def test_the_schema_of_the_settings(symposia) -> None:
    schema = symposia("tui", "--schema").json
    assert set(schema["properties"]) >= {"theme", "ascii", "keys"}
    assert schema["additionalProperties"] is False


def test_a_port_without_a_browser(symposia) -> None:
    ran = symposia("tui", "--port", "8000")
    assert ran.code == 2
    assert "--port goes with --serve" in ran.err
    assert ran.out == ""
