"""Thresholds that promise: the promise is kept in simulation, and what looks nearly the same does not keep it."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.graphs.stopping import majority_agrees
from symposia.research.statistics.conformal import Cut, Stop, cut, stops, threshold_above

DRAWS = 2_000
N = 40
RISK = 0.05
EXACT = 2 / 41
"""The largest share of 41 places that is no more than the risk: what is kept where confidences never tie."""

Wrong = list[float | None]


def simulated(above: Callable[[Wrong], float], draw: Callable[[np.random.Generator], Wrong]) -> tuple[float, float]:
    """How often the last problem of a draw is taken and wrong, where the others set the threshold; with its standard error."""
    chance = np.random.default_rng(7)
    lost = []
    for _ in range(DRAWS):
        *known, new = draw(chance)
        lost.append(new is not None and new > above(known))
    return float(np.mean(lost)), math.sqrt(EXACT * (1 - EXACT) / DRAWS)


def promised(wrong: Wrong) -> float:
    found = cut(wrong, 2.0, RISK).above
    assert found is not None
    return found


def seen(wrong: Wrong) -> float:
    """A broken variant: the risk that was seen is taken for the true one, with nothing added for the next problem."""
    sure = sorted((each for each in wrong if each is not None), reverse=True)
    allowed = math.floor(RISK * len(wrong))
    return sure[allowed] if allowed < len(sure) else -math.inf


def untied(chance: np.random.Generator) -> Wrong:
    sure = chance.random(N + 1)
    return [float(c) if w else None for c, w in zip(sure, chance.random(N + 1) > sure, strict=True)]


def tied(chance: np.random.Generator) -> Wrong:
    sure = chance.integers(1, 6, N + 1) / 5
    return [float(c) if w else None for c, w in zip(sure, chance.random(N + 1) > 0.7 * sure, strict=True)]


def test_the_risk_is_what_was_promised_and_a_broken_variant_is_above_it() -> None:
    risk, error = simulated(promised, untied)
    assert EXACT - 3 * error < risk < EXACT + 3 * error
    broken, error = simulated(seen, untied)
    assert broken > RISK + 3 * error


def test_ties_only_lower_the_risk() -> None:
    risk, error = simulated(promised, tied)
    assert risk < EXACT + 3 * error
    risk, error = simulated(lambda wrong: promised(wrong) - 1e-9, tied)  # "at least" instead of "above"
    assert risk > RISK + 3 * error


def test_stopping_by_share_needs_a_threshold_of_its_own() -> None:
    """One that was set by the share of all votes, which settles down, takes too much where few votes are in."""
    chance = np.random.default_rng(3)
    early, late = [], []
    for skill in chance.beta(1.2, 0.8, 500):
        groups = np.where(chance.random(8) < skill, 0, chance.integers(1, 4, 8))
        found = stops(groups.tolist(), (groups == 0).tolist())
        share, leader = max((float((groups == each).mean()), -each) for each in set(groups.tolist()))
        early.append(max((each.share for each in found if not each.right), default=None))
        late.append((None if leader == 0 else share, found))
    order = [chance.permutation(500)[: N + 1] for _ in range(DRAWS)]
    kept = lost = 0
    for picked in order:
        *known, new = picked.tolist()
        own = cut([early[each] for each in known], 2.0, 0.2).above
        foreign = cut([late[each][0] for each in known], 2.0, 0.2).above
        assert own is not None
        assert foreign is not None
        for above, mine in ((own, True), (foreign, False)):
            end = next((each for each in late[new][1] if each.share > above), None)
            if end is not None and not end.right:
                kept, lost = kept + mine, lost + (not mine)
    error = math.sqrt(0.2 * 0.8 / DRAWS)
    assert kept / DRAWS < 0.2 + 3 * error
    assert lost / DRAWS > 0.2 + 3 * error


LEVELS = st.one_of(st.none(), st.integers(0, 5).map(lambda level: level / 5))


@settings(max_examples=50, deadline=None)
@given(st.lists(LEVELS, min_size=1, max_size=40), st.integers(1, 59).map(lambda part: part / 97))
def test_it_is_the_slow_scan_of_conformal_risk_control(wrong: Wrong, risk: float) -> None:
    """The lowest threshold between levels at which n / (n + 1) of the seen risk and 1 / (n + 1) are at most the risk."""
    n = len(wrong)
    levels = [-math.inf, *sorted({each for each in wrong if each is not None})]
    fine = [low for low in levels if (sum(each is not None and each > low for each in wrong) + 1) / (n + 1) <= risk]
    top = 1.0
    found = cut(wrong, top, risk)
    assert found.above == (fine[0] if fine and fine[0] < top else None)
    assert found.least == (sum(each == top for each in wrong) + 1) / (n + 1)


def test_what_cannot_be_promised() -> None:
    assert cut([None] * 18, 1.0, 0.05) == Cut(None, 1 / 19)
    assert cut([None] * 19, 1.0, 0.05) == Cut(-math.inf, 1 / 20)
    assert cut([1.0, 1.0, *[None] * 37], 1.0, 0.05) == Cut(None, 3 / 40)
    assert cut([None, None], None, 0.5) == Cut(None, None)
    for wrong, risk in (([], 0.1), ([None], 0.0), ([None], 1.0)):
        with pytest.raises(ValueError, match="problems and a risk"):
            cut(wrong, 1.0, risk)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 39), st.integers(1, 40))
def test_a_threshold_is_short_and_takes_what_is_above(low: int, votes: int) -> None:
    below, above = min(low, votes - 1) / votes, (min(low, votes - 1) + 1) / votes
    found = threshold_above(below, above)
    assert below < found <= above
    assert len(str(found)) <= 6


def test_thresholds_as_people_type_them() -> None:
    assert threshold_above(15 / 16, 1.0) == 0.94
    assert threshold_above(0.995, 1.0) == 0.996
    assert threshold_above(0.0, 1 / 3) == 0.01


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-1, 3), max_size=14), st.integers(1, 40).map(lambda part: part / 40))
def test_stops_are_where_the_strategy_stops(groups: list[int], threshold: float) -> None:
    found = stops(groups, [group == 0 for group in groups])
    by_rule = next((k for k in range(1, len(groups) + 1) if majority_agrees(groups[:k], threshold)), None)
    mine = next((each for each in found if each.share >= threshold), None)
    assert (mine and mine.taken) == by_rule


def test_a_leader_who_ties_with_a_wrong_one_is_wrong() -> None:
    assert stops([0, 1, 0, -1, 0], [True, False, True, False, True]) == [
        Stop(2, 0.5, right=False),
        Stop(3, 2 / 3, right=True),
        Stop(5, 0.75, right=True),
    ]
