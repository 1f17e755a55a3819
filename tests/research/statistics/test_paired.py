from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as statsmodels_mcnemar

from symposia.core.errors import EvidenceError
from symposia.research.statistics.paired import align, mcnemar, paired_difference, paired_p

CREDITS = st.lists(st.tuples(st.sampled_from([0, 1]), st.sampled_from([0, 1])), min_size=1, max_size=60)


@given(CREDITS)
def test_mcnemar_is_that_of_statsmodels_and_the_binomial_test(pairs: list[tuple[int, int]]) -> None:
    a, b = zip(*pairs, strict=True)
    ours = mcnemar(a, b)
    table = [[sum(pair == (i, j) for pair in pairs) for j in (1, 0)] for i in (1, 0)]
    assert (ours.only_a, ours.only_b) == (table[0][1], table[1][0])
    assert ours.p == pytest.approx(statsmodels_mcnemar(table, exact=True).pvalue)
    differ = ours.only_a + ours.only_b
    assert ours.p == pytest.approx(stats.binomtest(ours.only_a, differ).pvalue if differ else 1.0)


def test_mcnemar_of_thousands() -> None:
    a = np.repeat([1, 0, 1], [5_200, 4_800, 10_000])
    b = np.repeat([0, 1, 1], [5_200, 4_800, 10_000])
    assert mcnemar(a, b).p == pytest.approx(stats.binomtest(5_200, 10_000).pvalue, rel=1e-9)


def test_mcnemar_takes_whole_credits_only() -> None:
    with pytest.raises(ValueError, match="paired_p"):
        mcnemar([1, 0.5], [0, 0.5])
    with pytest.raises(ValueError, match="paired_p"):
        mcnemar([0.5, 1], [0.5, 0])
    with pytest.raises(ValueError, match="as many values"):
        mcnemar([1, 0], [1])


@given(st.lists(st.tuples(st.sampled_from([0, 1]), st.sampled_from([0, 1])), min_size=1, max_size=14))
def test_flipping_signs_is_mcnemar_where_credits_are_whole(pairs: list[tuple[int, int]]) -> None:
    a, b = zip(*pairs, strict=True)
    assert paired_p(a, b) == pytest.approx(mcnemar(a, b).p)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=8))
def test_flipping_signs_is_the_slow_loop(thirds: list[int]) -> None:
    differences = np.array(thirds) / 3
    flipped = [abs(np.dot(signs, differences)) for signs in itertools.product((1, -1), repeat=len(differences))]
    expected = np.mean(np.array(flipped) >= abs(differences.sum()) - 1e-9)
    assert paired_p(differences, np.zeros(len(differences))) == pytest.approx(expected)


def test_random_signs_come_close_to_scipys_permutation_test() -> None:
    generator = np.random.default_rng(6)
    a, b = generator.random(40) + 0.08, generator.random(40)
    theirs = stats.permutation_test(
        (a, b),
        lambda x, y, axis: np.mean(x - y, axis=axis),
        permutation_type="samples",
        n_resamples=20_000,
        vectorized=True,
        rng=1,
    )
    assert paired_p(a, b, draws=20_000) == pytest.approx(theirs.pvalue, abs=0.015)
    assert paired_p(a, a) == 1
    assert paired_p(a + 5, b, draws=999) == pytest.approx(1 / 1000)


def test_problems_flip_with_all_their_seeds() -> None:
    a, b, problems = [1] * 12, [0] * 12, np.repeat([0, 1, 2, 3], 3)
    assert paired_p(a, b, problems) == pytest.approx(2 / 2**4)
    assert paired_p(a, b) == pytest.approx(2 / 2**12)


def test_a_paired_difference_resamples_whole_problems() -> None:
    generator = np.random.default_rng(2)
    gain = generator.choice([0, 0, 1.0, -1.0], 50)
    once = paired_difference(gain, np.zeros(50))
    thrice = paired_difference(np.repeat(gain, 3), np.zeros(150), np.repeat(np.arange(50), 3))
    assert thrice[:3] == pytest.approx(once[:3], abs=1e-9)
    alone = paired_difference(np.repeat(gain, 3), np.zeros(150))
    assert alone.high - alone.low < 0.65 * (once.high - once.low)


def test_the_difference_is_near_agresti_and_mins() -> None:
    """Half a problem to either side, with Student's quantile: (b - c) / (n + 2), and its standard error."""
    only_a, only_b, n = 30, 18, 200
    a = np.repeat([1, 0, 1, 0], [only_a, only_b, 100, n - 100 - only_a - only_b])
    b = np.repeat([0, 1, 1, 0], [only_a, only_b, 100, n - 100 - only_a - only_b])
    centre = (only_a - only_b) / (n + 2)
    half = stats.t.ppf(0.975, n + 1) * np.sqrt(((only_a + only_b + 1) / (n + 2) - centre**2) / (n + 1))
    found = paired_difference(a, b, draws=50_000)
    assert found.estimate == pytest.approx((only_a - only_b) / n)
    assert (found.low, found.high) == pytest.approx((centre - half, centre + half), abs=0.004)


def test_arms_that_never_differ_are_not_known_to_be_alike() -> None:
    found = paired_difference([1, 0] * 20, [1, 0] * 20)
    assert found.estimate == 0
    assert found.low == -found.high or found.low == pytest.approx(-found.high, abs=0.02)
    assert 0.03 < found.high < 0.1


def test_rounding_is_no_difference() -> None:
    thirds = [0.1 + 0.2, 0.3, 1.0] * 10
    assert paired_difference(thirds, [0.3, 0.1 + 0.2, 1.0] * 10) == paired_difference([0.0] * 30, [0.0] * 30)
    assert paired_p(thirds, [0.3, 0.1 + 0.2, 1.0] * 10) == 1
    a, b = [1 / 3, 1 / 3, 0.0] * 30, [0.0, 0.0, 2 / 3] * 30
    assert paired_p(a, b, np.repeat(np.arange(30), 3)) == 1


def test_sides_of_different_lengths() -> None:
    for function in (paired_difference, paired_p):
        with pytest.raises(ValueError, match="as many values on both sides, got 2 and 3"):
            function([1, 0], [1, 0, 1])


def test_values_are_put_beside_those_of_the_same_problem() -> None:
    ids = [("q1", 0), ("q1", 1), ("q2", 0)]
    order = align(ids, ids[::-1])
    assert [ids[::-1][place] for place in order] == ids
    assert align([], []).tolist() == []


def test_ids_that_are_not_the_same_on_both_sides_are_refused() -> None:
    with pytest.raises(EvidenceError, match="2 of the ids are on one side only, such as 'q2'"):
        align(["q1", "q2"], ["q1", "q3"])
    with pytest.raises(EvidenceError, match="1 of the ids are on one side only, such as 'q3'"):
        align(["q1"], ["q1", "q3"])
    for one, other in ((["q1", "q1"], ["q1"]), (["q1"], ["q1", "q1"])):
        with pytest.raises(EvidenceError, match="'q1' more than once"):
            align(one, other)
