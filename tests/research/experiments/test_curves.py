from __future__ import annotations

import dataclasses
from itertools import combinations
from statistics import fmean

import numpy as np
import pytest

from symposia.core.errors import EvidenceError, UnknownNameError
from symposia.research.experiments.curves import at_equal_cost, curve, doubling_sizes, rules_of, scores_at
from symposia.research.experiments.pools import Pool, pool_of
from symposia.research.experiments.records import Arm, Evidence, ProblemRow, Sample, Trial
from symposia.research.experiments.scores import Pair, rows_by_arm

from ..invented import BEST, GREEDY, PLAN, VOTE, evidence, sample, trial


def _pool(whole: Evidence, arm: Arm) -> Pool:
    pool = pool_of(rows_by_arm(whole)[arm.label])
    assert pool is not None
    return pool


def _small(trials: list[Trial], samples: list[Sample], arm: Arm = VOTE) -> Evidence:
    ids = dict.fromkeys(one.problem for one in trials)
    return Evidence("sums", PLAN, (arm,), tuple(ProblemRow(name, "7") for name in ids), tuple(trials), tuple(samples))


@pytest.mark.parametrize(("largest", "sizes"), [(1, (1,)), (2, (1, 2)), (12, (1, 2, 4, 8, 12)), (16, (1, 2, 4, 8, 16))])
def test_sizes_double_and_end_with_all(largest: int, sizes: tuple[int, ...]) -> None:
    assert doubling_sizes(largest) == sizes


def test_only_independent_samples_that_nothing_stopped_are_a_pool() -> None:
    whole = evidence(GREEDY, VOTE, problems=3)
    rows = rows_by_arm(whole)
    assert pool_of(rows["greedy"]) is None
    searched = VOTE.model_copy(update={"strategy": "beam-search"})
    assert pool_of(dataclasses.replace(rows["self-consistency"], arm=searched)) is None
    first, trial_ = next(iter(rows["self-consistency"].trials.items()))
    rows["self-consistency"].trials[first] = dataclasses.replace(trial_, stop_reason="agreed")
    assert pool_of(rows["self-consistency"]) is None


def test_the_ends_of_a_vote_are_exact() -> None:
    whole = evidence(VOTE, problems=20, seeds=(0, 1))
    pool = _pool(whole, VOTE)
    found = curve(pool, "majority", [1, 8])
    assert found.n_problems == 20
    assert found.points[0].accuracy.estimate == pytest.approx(fmean(one.credit for one in whole.samples))
    assert found.points[1].accuracy.estimate == pytest.approx(fmean(one.credits["majority"] for one in whole.trials))
    assert found.points[1].cost == pytest.approx(fmean(one.cost_tokens for one in whole.trials)), "asked for in one request"
    assert found.points[0].cost == pytest.approx(50 + fmean(one.completion_tokens or 0 for one in whole.samples))


def test_the_oracle_is_pass_at_n_and_gets_its_law() -> None:
    whole = evidence(VOTE, problems=20)
    found = curve(_pool(whole, VOTE), "oracle", [1, 2, 8])
    rows = rows_by_arm(whole)["self-consistency"].samples.values()
    for point in found.points:
        slow = fmean(fmean(max(one.credit for one in some) for some in combinations(row, point.size)) for row in rows)
        assert point.accuracy.estimate == pytest.approx(slow)
    assert found.law is not None
    assert found.law.predict(8) == pytest.approx(found.points[-1].accuracy.estimate, abs=0.05)
    assert curve(_pool(whole, VOTE), "majority", [1, 2, 8]).law is None


def test_where_nothing_or_everything_is_solved_there_is_no_law() -> None:
    whole = _small([trial("p0", "self-consistency")], [sample("p0", "self-consistency", i) for i in range(4)])
    assert curve(_pool(whole, VOTE), "oracle", [1, 2, 4]).law is None


def test_beta_stopping_is_capped_and_takes_fewer() -> None:
    pool = _pool(evidence(VOTE, problems=40), VOTE)
    full, early = curve(pool, "majority", [4, 8]), curve(pool, "beta", [4, 8])
    assert early.points[0].samples == pytest.approx(4), "four equal answers are the fewest that settle it"
    assert early.points[1].samples < 8
    assert early.points[1].cost < full.points[1].cost


def test_rules_by_score_pay_for_the_checks() -> None:
    whole = evidence(GREEDY, BEST, problems=15)
    pool = _pool(whole, BEST)
    assert rules_of(pool) == ("majority", "beta", "weighted", "best-of", "oracle")
    best, vote = curve(pool, "best-of", [2, 4]), curve(pool, "majority", [2, 4])
    assert best.points[1].accuracy.estimate == pytest.approx(
        fmean(one.credits["best-of"] for one in whole.trials if one.arm == "best-of-n")
    )
    assert [mine.cost - its.cost for mine, its in zip(best.points, vote.points, strict=True)] == pytest.approx([120, 240], abs=15)
    assert best.points[1].cost == pytest.approx(fmean(one.cost_tokens for one in whole.trials if one.arm == "best-of-n"))


def test_a_rule_by_score_without_scores_is_refused() -> None:
    pool = _pool(evidence(VOTE, problems=3), VOTE)
    assert rules_of(pool) == ("majority", "beta", "oracle")
    with pytest.raises(EvidenceError, match="no scores to choose by"):
        curve(pool, "best-of", [2])
    with pytest.raises(UnknownNameError, match="did you mean 'majority'"):
        curve(pool, "majorety", [2])


@pytest.mark.parametrize("size", [0, 9])
def test_a_size_beyond_the_pool_is_refused(size: int) -> None:
    with pytest.raises(EvidenceError, match=f"self-consistency has 1 to 8 samples a problem to draw from, not {size}"):
        curve(_pool(evidence(VOTE, problems=3), VOTE), "majority", [2, size])


def test_trials_with_fewer_samples_take_what_they_have() -> None:
    arm = "self-consistency"
    whole = _small(
        [trial("p0", arm), trial("p1", arm), trial("p2", arm, status="no_answer", credit=0.0)],
        [*(sample("p0", arm, i) for i in range(4)), *(sample("p1", arm, i) for i in range(2))],
    )
    found = curve(_pool(whole, VOTE), "majority", [1, 4])
    assert found.n_short == 2
    assert found.n_problems == 3, "a problem without any sample is not dropped"
    assert found.points[1].accuracy.estimate == pytest.approx(2 / 3)
    assert found.points[1].cost == pytest.approx(50 + (400 + 200 + 0) / 3)


def test_tokens_told_for_all_samples_together_are_shared_out() -> None:
    arm = "self-consistency"
    whole = _small(
        [trial("p0", arm, sample_tokens=1000)],
        [sample("p0", arm, 0, completion_tokens=400), *(sample("p0", arm, i, completion_tokens=None) for i in (1, 2))],
    )
    assert _pool(whole, VOTE).tokens_T_N.tolist() == [[400, 300, 300]]


def test_equal_tokens_meet_the_cost_between_two_sizes() -> None:
    pool = _pool(evidence(VOTE, problems=30), VOTE)
    pairs = pool.pairs[:20]
    for cost in (500.0, 777.0, 1500.0):
        found = at_equal_cost(pool, pairs, cost)
        assert found.reached
        assert list(found.scores.credit) == list(pairs)
        assert fmean(found.scores.cost.values()) == pytest.approx(cost, rel=1e-6)
        assert 1 <= found.size <= 8
    low, high = (curve(pool.only(pairs), "majority", [size]).points[0].cost for size in (2, 3))
    assert at_equal_cost(pool, pairs, (low + high) / 2).size == pytest.approx(2.5)


def test_beyond_the_pool_the_nearest_end_is_taken_and_said() -> None:
    pool = _pool(evidence(VOTE, problems=10), VOTE)
    cheap, dear = at_equal_cost(pool, pool.pairs, 20.0), at_equal_cost(pool, pool.pairs, 90_000.0)
    assert (cheap.size, cheap.reached) == (1, False)
    assert (dear.size, dear.reached) == (8, False)
    assert fmean(dear.scores.cost.values()) == pytest.approx(curve(pool, "majority", [8]).points[0].cost)


def test_equal_costs_at_all_sizes_do_not_divide_by_zero() -> None:
    arm = "self-consistency"
    whole = _small([trial("p0", arm)], [sample("p0", arm, i, completion_tokens=0) for i in range(3)])
    found = at_equal_cost(_pool(whole, VOTE), [Pair("p0", 0)], 50.0)
    assert found.reached
    assert np.isfinite(found.size)


def test_the_same_call_gives_the_same_numbers() -> None:
    pool = _pool(evidence(VOTE, problems=10), VOTE)
    assert curve(pool, "majority", [3, 5]) == curve(pool, "majority", [5, 3])
    assert scores_at(pool, "beta", 8) == scores_at(pool, "beta", 8)
