"""Whatever a model writes only takes the cells that it is counted for."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from symposia.tui.render.inert import inert, last_words, one_line
from symposia.tui.render.skin import SKINS

DARK = SKINS["dark"]
NASTY = st.text(st.one_of(st.characters(), st.sampled_from("\x1b\x9b\r\t\u202e\u200d\ufe0f\ud800漢🏽👩🇩")), max_size=60)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain [bold]words[/]", "plain [bold]words[/]"),
        ("\x1b[31mred\x07", "␛[31mred␇"),
        ("a\tb", "a   b"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("safe\u202eevil", "safe\ufffdevil"),
        ("👨\u200d👩\u200d👧", "👨👩👧"),
        ("❤\ufe0f 👍🏽", "❤ 👍"),
        ("🇩🇪", "DE"),
        ("lone \ud800", "lone \ufffd"),
        ("e\u0301", "e\u0301"),
        ("e" + "\u0301" * 50, "e" + "\u0301" * 3),
        ("क्षि", "क्षि"),
        ("مرحبا", "مرحبا"),
        ("a\u3164b\xadc", "abc"),
    ],
)
def test_what_is_shown(text: str, shown: str) -> None:
    assert inert(text) == shown


def test_a_long_line_says_what_is_missing() -> None:
    assert inert("short\n" + "x" * 5_000, limit=10) == "short\n" + "x" * 10 + " [4,990 more characters]"


@settings(deadline=None)
@given(NASTY)
def test_nothing_is_left_that_controls_a_terminal(text: str) -> None:
    shown = inert(text)
    kinds = {unicodedata.category(each) for each in shown if each != "\n"}
    assert not kinds & {"Cc", "Cs", "Zl", "Zp"}
    assert not set(shown) & set("\u200b\u200c\u200d\ufe0f\u202a\u202e\u2066\u2069\ufeff")
    assert cell_len(shown) == sum(map(cell_len, shown))
    assert inert(shown) == shown


@settings(deadline=None)
@given(NASTY, st.integers(0, 40))
def test_a_line_is_never_wider_than_asked(text: str, width: int) -> None:
    for skin in (DARK, DARK.with_ascii()):
        assert cell_len(one_line(text, width, skin)) <= width
        assert "\n" not in one_line(text, width, skin)
    assert cell_len(last_words(text, width)) <= width


def test_one_line() -> None:
    assert one_line("  two\n\n words ", 20, DARK) == "two words"
    assert one_line("two words", 6, DARK) == "two w…"
    assert one_line("two words", 6, DARK.with_ascii()) == "two.."
    assert one_line("漢字漢字", 5, DARK) == "漢字…"
    assert one_line("a" + " " * 5_000 + "b", 9, DARK) == "a…"
    assert one_line("abc", 0, DARK) == ""


def test_last_words() -> None:
    assert last_words("so the three trays hold 42", 12) == "hold 42"
    assert last_words("so\nit is", 12) == "so it is"
    assert last_words("x" * 100, 5) == "xxxxx"


@pytest.mark.parametrize("text", ["x" * 1_000_000, "漢" * 1_000_000, "\u0301" * 1_000_000, "\t" * 1_000_000, " " * 1_000_000])
def test_a_megabyte_in_one_line_costs_little(text: str) -> None:
    times = []
    for _ in range(3):
        began = time.process_time()
        assert len(inert(text)) < 40_000
        times.append(time.process_time() - began)
    assert min(times) < 0.05
    began = time.process_time()
    one_line(text, 200, DARK)
    assert time.process_time() - began < 0.5
