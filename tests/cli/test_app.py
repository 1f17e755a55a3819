from __future__ import annotations

import sys

import pytest

from symposia.cli import app


def run(monkeypatch: pytest.MonkeyPatch, error: BaseException, *arguments: str) -> int:
    def broken(*_given: object, **_named: object) -> None:
        raise error

    monkeypatch.setattr(app.cli, "main", broken)
    monkeypatch.setattr(sys, "argv", ["symposia", *arguments])
    with pytest.raises(SystemExit) as ended:
        app.run()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_a_mistake_of_ours_is_a_sentence(monkeypatch, capsys) -> None:
    assert run(monkeypatch, ZeroDivisionError("division by zero")) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert "ZeroDivisionError" in said.err
    assert "--debug" in said.err


def test_debug_shows_where_it_comes_from(monkeypatch) -> None:
    with pytest.raises(ZeroDivisionError):
        run(monkeypatch, ZeroDivisionError(), "--debug")


def test_an_interrupt_before_a_run_is_130(monkeypatch) -> None:
    assert run(monkeypatch, app.click.exceptions.Abort()) == 130
