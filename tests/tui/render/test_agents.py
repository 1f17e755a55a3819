"""Who works on a run."""

from __future__ import annotations

from symposia.tui.render.agents import agent_lines

from .world import BEGAN, DARK, PLAIN, called, failed, plain, record, started, view, wave

VIEW = view(started(), wave(8), called(0), called(1), failed(), wave(2, node="judge", role="verifier", model="judge"))


def test_a_line_each_where_there_is_room() -> None:
    assert plain(agent_lines(VIEW, record(), BEGAN + 13, 90, DARK)) == (
        "● policy    small  sample 2/8 · 1 failed · 4 under way                  12s  150/1k ▂\n"
        "● verifier  small  judge 0/2 · 2 under way                               8s"
    )


def test_two_lines_each_on_a_narrow_screen() -> None:
    assert plain(agent_lines(VIEW, record(), BEGAN + 13, 50, PLAIN)) == (
        "* policy    small  150/1k ,\n"
        "   12s  sample 2/8 - 1 failed - 4 under way\n"
        "* verifier  small\n"
        "    8s  judge 0/2 - 2 under way"
    )


def test_a_silent_one_is_marked() -> None:
    shown = plain(agent_lines(VIEW, record(), BEGAN + 40, 100, DARK))
    assert shown.startswith("… policy    small  silent 36s · sample 2/8")


def test_one_that_is_done() -> None:
    done = view(started(), wave(1), called(0))
    assert plain(agent_lines(done, record(), BEGAN + 40, 90, DARK)).startswith("○ policy  small  sample 1/1 done")
    assert plain(agent_lines(view(started()), record(), BEGAN, 90, DARK)) == "nobody was asked yet"
