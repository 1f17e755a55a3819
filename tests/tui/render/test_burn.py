"""What a run spends."""

from __future__ import annotations

from symposia.core.budget import Budget
from symposia.core.result import RunState, StopReason
from symposia.tui.render.burn import burn_lines

from .world import BEGAN, DARK, PLAIN, called, ended, plain, record, started, view

PRICED = [called(index, dollars=0.01) for index in range(9)]


def test_dollars_and_how_long_until_the_cap() -> None:
    of = view(started(), *PRICED, called(9, role="verifier", dollars=0.03))
    lines = burn_lines(of, record(budget=Budget(dollars=0.42)), BEGAN + 13, 56, 20, DARK)
    assert plain(lines) == (
        "$0.600/min → cap on cost in 30s\n"
        "                                              ▃▃▃▃▃▃▃▃▃█\n"
        "cost     ━━━─────────  $0.120/$0.420\n"
        "████████████████████▓▓▓▓▓▓  █ policy 75%  ▓ verifier 25%\n"
        "10 calls  1.5k cost tokens  $0.120  20s of model time"
    )


def test_tokens_where_nothing_has_a_price() -> None:
    of = view(started(), *(called(index) for index in range(5)))
    lines = burn_lines(of, record(budget=Budget(tokens=1500)), BEGAN + 11, 60, 20, PLAIN)
    assert plain(lines[:1]) == "4.5k tokens/min > cap on tokens in 10s"
    assert plain([lines[2], lines[4]]) == "tokens   ======------  750/1.5k\n5 calls  750 cost tokens  10s of model time"


def test_both() -> None:
    of = view(started(), called(0, dollars=0.041), called(1))
    assert plain(burn_lines(of, record(), BEGAN, 80, 20, DARK)).splitlines()[-1] == (
        "2 calls  300 cost tokens  $0.041 + 1 unpriced call  4s of model time"
    )


def test_a_hard_stop() -> None:
    of = view(started(), *PRICED, ended(StopReason.BUDGET))
    lines = plain(burn_lines(of, record(budget=Budget(calls=9)), BEGAN + 20, 60, 20, DARK)).splitlines()
    assert lines[0] == "▓ stopped at the cap on calls"
    assert lines[2] == "calls    ▓▓▓▓▓▓▓▓▓▓▓▓  9/9"


def test_other_states() -> None:
    of = view(started(), *PRICED)
    assert burn_lines(of, record(state=RunState.PAUSED), BEGAN, 60, 9, DARK)[0].plain == "paused"
    assert burn_lines(of, record(budget=Budget()), BEGAN + 10, 60, 9, DARK)[0].plain == "$0.600/min no cap"
    assert burn_lines(view(started(), *PRICED, ended()), record(), BEGAN, 60, 9, DARK)[0].plain == "spent"
    assert plain(burn_lines(view(started()), record(), BEGAN, 60, 9, DARK)) == "nothing spent yet"
    assert len(burn_lines(of, record(), BEGAN, 60, 2, DARK)) == 2
