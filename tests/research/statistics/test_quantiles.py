from __future__ import annotations

import pytest
from scipy import stats

from symposia.research.statistics.quantiles import normal_cdf, normal_quantile, t_quantile

PROBABILITIES = [0.005, 0.025, 0.1, 0.5, 0.6, 0.9, 0.975, 0.9995]


@pytest.mark.parametrize("df", [1, 2, 3, 4, 5, 10, 29, 30, 399, 20_000])
def test_students_quantiles_are_scipys(df: int) -> None:
    for p in PROBABILITIES:
        assert t_quantile(p, df) == pytest.approx(stats.t.ppf(p, df), rel=1e-10, abs=1e-12)


def test_normal_quantiles_are_scipys() -> None:
    for p in PROBABILITIES:
        assert normal_quantile(p) == pytest.approx(stats.norm.ppf(p), abs=1e-12)
        assert normal_cdf(normal_quantile(p)) == pytest.approx(p, abs=1e-12)


@pytest.mark.parametrize(("p", "df"), [(0.975, 0), (0.0, 5), (1.0, 5)])
def test_what_has_no_quantile(p: float, df: int) -> None:
    with pytest.raises(ValueError, match="no quantile"):
        t_quantile(p, df)
