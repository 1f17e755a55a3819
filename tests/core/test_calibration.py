"""Maps from confidence to probability, and what tells one calibration from another."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from symposia.core.calibration import IsotonicMap, Knot, PlattMap, calibration_key, prompt_digests

KNOTS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=6, unique_by=lambda knot: knot[0])


@settings(max_examples=50, deadline=None)
@given(KNOTS, st.floats(0, 1))
def test_an_isotonic_map_is_numpys_interpolation(knots: list[tuple[int, int]], confidence: float) -> None:
    at, height = sorted(knot[0] / 40 for knot in knots), sorted(knot[1] / 40 for knot in knots)
    found = IsotonicMap(knots=tuple(Knot(confidence=c, probability=p) for c, p in zip(at, height, strict=True)))
    assert found.probability(confidence) == pytest.approx(float(np.interp(confidence, at, height)))


def test_a_logistic_map_never_overflows() -> None:
    assert PlattMap(slope=2, intercept=-1).probability(0.5) == 0.5
    assert PlattMap(slope=0, intercept=0.4).probability(1) == pytest.approx(1 / (1 + np.exp(-0.4)))
    assert PlattMap(slope=1e6, intercept=-1e3).probability(0) == 0
    assert PlattMap(slope=1e6, intercept=-1e3).probability(1) == 1


def test_the_key_is_of_strategy_options_and_models() -> None:
    key = calibration_key("vote", {"n": 8, "stop": "fixed"}, {"policy": "small"})
    assert key == calibration_key("vote", {"stop": "fixed", "n": 8}, {"policy": "small"})
    assert key != calibration_key("vote", {"n": 9, "stop": "fixed"}, {"policy": "small"})
    assert key != calibration_key("vote", {"n": 8, "stop": "fixed"}, {"policy": "large"})
    assert key != calibration_key("other", {"n": 8, "stop": "fixed"}, {"policy": "small"})


def test_digests_are_of_the_texts() -> None:
    one, other = prompt_digests({"b": "x", "a": "y"}), prompt_digests({"a": "y", "b": "z"})
    assert list(one) == ["a", "b"]
    assert one["a"] == other["a"]
    assert one["b"] != other["b"]
