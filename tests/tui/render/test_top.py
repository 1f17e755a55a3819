"""The line over a run."""

from __future__ import annotations

import pytest

from symposia.core.budget import Budget
from symposia.core.records import Origin, RunRecord
from symposia.core.result import RunState, Status, StopReason
from symposia.core.usage import Usage
from symposia.tui.render.caps import caps, elapsed
from symposia.tui.render.top import top_bar
from symposia.tui.store.run import RunView

from .world import BEGAN, DARK, PLAIN, called, ended, record, result, started, view, wave


def bar(of: RunView, its: RunRecord, width: int = 200, writing: int = 0, now: float = BEGAN + 14.0) -> str:
    return top_bar(of, its, writing=writing, now=now, width=width, skin=DARK).plain


def running() -> RunView:
    return view(started(), wave(32), *(called(index) for index in range(8)))


def test_everything_in_its_order() -> None:
    assert bar(running(), record(), writing=210) == (
        " 0f3k2m9x1abc   self-consistency n=32  sample 8/32  ● running  tok ↑800 ↓400 ≈+210  unpriced  ━━────── 8/40 calls"
        "  100 tok/s  14s  ≈ 39s left"
    )


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (80, " 0f3k2m9x1abc   self-consistency n=32  sample 8/32  ● running  tok ↑800 ↓400"),
        (60, " 0f3k2m9x1abc   self-consisten… n=32  sample 8/32  ● running"),
        (40, " 0f3k2m9…   sample 8/32  ● running"),
    ],
)
def test_what_does_not_fit_goes_from_the_right(width: int, shown: str) -> None:
    assert bar(running(), record(), width) == shown


def test_plain_signs() -> None:
    shown = top_bar(running(), record(), writing=5, now=BEGAN + 14, width=120, skin=PLAIN).plain
    assert "* running  tok ^800 v400 ~+5" in shown
    assert "==------ 8/40 calls" in shown


@pytest.mark.parametrize(
    ("reason", "status", "said"),
    [
        (StopReason.AGREED, Status.ANSWERED, "■ finished: agreed"),
        (StopReason.FINISHED, Status.ANSWERED, "■ finished"),
        (StopReason.FINISHED, Status.NO_ANSWER, "■ finished: no answer"),
        (StopReason.BUDGET, Status.ANSWERED, "■ stopped: cost"),
        (StopReason.DEADLINE, Status.ANSWERED, "■ stopped: time"),
        (StopReason.STEERED, Status.CANCELLED, "■ stopped: by hand"),
        (StopReason.ERROR, Status.FAILED, "■ failed"),
    ],
)
def test_how_it_ended(reason: StopReason, status: Status, said: str) -> None:
    done = view(started(), wave(8), called(0, dollars=0.5), ended(reason, status))
    shown = bar(done, record(budget=Budget(dollars=0.5)))
    assert f"  {said}  42  tok " in shown
    assert "sample" not in shown
    assert "left" not in shown


def test_a_hard_stop_has_a_pattern() -> None:
    its = record(budget=Budget(dollars=0.5))
    assert "$0.500  ━━━━━━━━ $0.500/$0.500" not in bar(view(started(), called(0, dollars=0.5), ended(StopReason.BUDGET)), its)
    assert "▓▓▓▓▓▓▓▓ $0.500/$0.500" in bar(view(started(), called(0, dollars=0.5), ended(StopReason.BUDGET)), its)
    assert "▓" not in bar(view(started(), called(0, dollars=0.1)), its)


@pytest.mark.parametrize("state", [RunState.PAUSED, RunState.WAITING, RunState.INTERRUPTED, RunState.QUEUED])
def test_a_state_is_said(state: RunState) -> None:
    assert f"{DARK.glyphs.state(state)} {state}" in bar(running(), record(state=state))


def test_unknown_prices_are_not_zero() -> None:
    assert "  unpriced  " in bar(running(), record())
    assert "$0.041 + 1 unpriced" in bar(view(started(), called(0, dollars=0.041), called(1)), record())
    assert "unpriced" not in bar(view(started()), record())


def test_no_time_is_left_where_nothing_came_back() -> None:
    assert "left" not in bar(view(started(), wave(8)), record(budget=Budget(seconds=100)))
    assert "≈ 21s left" in bar(running(), record(budget=Budget(seconds=35)))


def test_seconds_executed() -> None:
    of = running()
    assert elapsed(of, record(), BEGAN + 30) == 30.0
    assert elapsed(of, record(state=RunState.INTERRUPTED, elapsed=7.0, owner=None), BEGAN + 30) == 7.0
    of.resumed = BEGAN + 25
    assert elapsed(of, record(elapsed=7.0), BEGAN + 30) == 12.0
    assert elapsed(of, record(result=result()), BEGAN + 30) == 72.0
    assert elapsed(view(), record(state=RunState.QUEUED, owner=None), BEGAN + 30) == 0.0


def test_the_tightest_cap_comes_first_and_what_a_fork_copied_counts() -> None:
    its = record(
        budget=Budget(calls=20, tokens=100_000), forked_from=Origin(run_id="p", at=None, entries=5, usage=Usage(calls=5))
    )
    found = caps(running(), its, BEGAN)
    assert [(cap.name, cap.used) for cap in found] == [("calls", 13), ("tokens", 1200)]
    changed = running()
    changed.budget = Budget(tokens=1200)
    assert [(cap.name, cap.share) for cap in caps(changed, its, BEGAN)] == [("tokens", 1.0)]
