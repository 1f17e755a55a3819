"""Lines of the log."""

from __future__ import annotations

import pytest

from symposia.tui.render.log import note_line
from symposia.tui.store.run import Note

from .world import DARK, PLAIN


@pytest.mark.parametrize(
    ("kind", "sign"), [("warning", "!"), ("failure", "✗"), ("tool", "+"), ("person", ">"), ("state", "=")]
)  # fmt: skip
def test_each_kind_has_a_sign(kind: str, sign: str) -> None:
    shown = note_line(Note(1, 0.0, kind, "the [bold]server\nis gone"), 40, DARK).plain
    assert shown[2::3][:2] == "::"
    assert shown[8:] == f" {sign} the [bold]server is gone"


def test_narrow_and_plain() -> None:
    shown = note_line(Note(1, 0.0, "failure", "the server is gone"), 20, PLAIN).plain
    assert shown[5:] == " X the server.."
