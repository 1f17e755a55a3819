"""Samples in columns."""

from __future__ import annotations

from symposia.tui.render.samples import live_line, sample_line

from .world import DARK, PLAIN, plain, scored, started, view, voted

VIEW = view(
    started(),
    voted(0, "42", "en"),
    voted(1, "7", "hi"),
    voted(2, None, "es"),
    voted(3, "9", counted=False),
    scored(0, 0.74),
    scored(1, None),
)
SAMPLES = list(VIEW.samples.values())


def test_columns_stand_over_each_other() -> None:
    lines = [sample_line(sample, 70, DARK, picked=sample.number == 1) for sample in SAMPLES]
    assert plain(lines) == (
        "▸  1  en     ▆ .74     50  small             42\n"
        "   2  hi     ?         50  small             7\n"
        "   3  es     ·         50  small             no answer\n"
        "   4  en     ·         50  small             9  late"
    )


def test_narrow_and_plain() -> None:
    lines = [sample_line(sample, 40, PLAIN, picked=sample.number == 1) for sample in SAMPLES[:2]]
    assert plain(lines) == ">  1  en     + .74     50  42\n   2  hi     ?         50  7"


def test_the_last_words_of_what_is_being_written() -> None:
    assert live_line("s/sample.0.3#1", "so the three trays hold 42 rotis", 36, DARK).plain == "● sample.0.3#1  hold 42 rotis▌"
    assert live_line("s/sample.0.3#1", "", 36, PLAIN).plain == "* sample.0.3#1  _"
