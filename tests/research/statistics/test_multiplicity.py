from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from symposia.research.statistics.multiplicity import benjamini_hochberg, holm


@pytest.mark.parametrize("seed", range(10))
def test_corrections_are_those_of_statsmodels_and_scipy(seed: int) -> None:
    generator = np.random.default_rng(seed)
    p = np.round(generator.random(generator.integers(1, 30)) ** 3, 2)
    assert holm(p) == pytest.approx(multipletests(p, method="holm")[1])
    assert benjamini_hochberg(p) == pytest.approx(multipletests(p, method="fdr_bh")[1])
    assert benjamini_hochberg(p) == pytest.approx(stats.false_discovery_control(p))


def test_the_order_given_stays() -> None:
    assert holm([0.04, 0.001, 0.03]).tolist() == pytest.approx([0.06, 0.003, 0.06])
    assert benjamini_hochberg([0.04, 0.001, 0.03]).tolist() == pytest.approx([0.04, 0.003, 0.04])


def test_holm_keeps_the_level_and_no_correction_does_not() -> None:
    p = np.random.default_rng(0).random((2000, 8))
    assert np.mean([holm(row).min() < 0.05 for row in p]) == pytest.approx(0.05, abs=0.015)
    assert np.mean(p.min(axis=1) < 0.05) > 0.3


def test_one_p_value_needs_no_correction_and_none_is_none() -> None:
    for correct in (holm, benjamini_hochberg):
        assert correct([0.2]).tolist() == [0.2]
        assert correct([]).tolist() == []


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_what_is_no_p_value(p: float) -> None:
    for correct in (holm, benjamini_hochberg):
        with pytest.raises(ValueError, match="from 0 to 1"):
            correct([0.5, p])
