"""Curves against slow loops over the very selectors and the stopping rule of ``graphs/``."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from symposia.core.candidate import Answer, Candidate, ExtractionRule
from symposia.core.problem import AnswerKind
from symposia.core.result import Selection
from symposia.graphs.selection import best_of, majority, weighted
from symposia.graphs.stopping import beta_agrees
from symposia.research.statistics import subsets
from symposia.research.statistics.pass_at_k import pass_at_k
from symposia.research.statistics.scan import scan

SIZES = [1, 2, 3, 4, 5, 6]


def candidate(index: int, group: int) -> Candidate:
    answer = Answer(value=str(group), kind=AnswerKind.NUMBER, raw=str(group), rule=ExtractionRule.BOXED) if group >= 0 else None
    return Candidate(id=str(index), text="t", answer=answer, model="m")


def credit_of(pick: Selection, credit: Sequence[float]) -> float:
    return 0.0 if pick.candidate is None else credit[int(pick.candidate)]


def voted(groups: Sequence[int], credit: Sequence[float], values: Sequence[float] | None = None) -> float:
    pool = [candidate(index, group) for index, group in enumerate(groups)]
    if values is None:
        return credit_of(majority(pool, groups), credit)
    return credit_of(weighted(pool, groups, scores(values)), credit)


def best(groups: Sequence[int], credit: Sequence[float], values: Sequence[float]) -> float:
    return credit_of(best_of([candidate(index, group) for index, group in enumerate(groups)], groups, scores(values)), credit)


def scores(values: Sequence[float]) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]


def tables(problems: int = 8, width: int = 6, seed: int = 0) -> dict[str, Any]:
    """Random tables with unreadable answers, missing candidates in the middle of rows, ties and scores that are not there."""
    generator = np.random.default_rng(seed)
    groups = generator.integers(-2, 4, (problems, width)) * generator.choice([1, 7], (problems, 1))
    groups = np.where(groups < -2, -1, groups)
    values = np.round(generator.random((problems, width)), 1)
    values[generator.random((problems, width)) < 0.2] = np.nan
    credit = generator.choice([0, 0.5, 1.0], (problems, width))
    return {"groups": groups, "credit": credit, "tokens": generator.integers(10, 99, (problems, width)), "values": values}


def present(table: dict[str, Any], problem: int) -> list[list[float]]:
    """The real candidates of a problem: groups, credit, tokens, values."""
    kept = table["groups"][problem] != subsets.NO_CANDIDATE
    return [table[name][problem][kept].tolist() for name in ("groups", "credit", "tokens", "values")]


def average(arrays: Sequence[Sequence[float]], size: int, rule: Callable[..., float], *, ordered: bool) -> float:
    """The rule's mean over all subsets of a size, in all orders or in that of the indices."""
    count = len(arrays[0])
    chosen = (itertools.permutations if ordered else itertools.combinations)(range(count), min(size, count))
    return float(np.mean([rule(*([each[i] for i in places] for each in arrays)) for places in chosen]))


@pytest.mark.parametrize("seed", range(40))
def test_the_running_vote_is_that_of_the_selectors(seed: int) -> None:
    table = tables(problems=1, seed=seed)
    groups, credit, _, values = present(table, 0)
    if not groups:
        return
    numbered = np.array([[groups.index(each) if each >= 0 else -1 for each in groups]])
    for weights in (np.ones(len(groups)), np.array(values)):
        vote = scan(numbered, np.array([credit]), weights[None, :])
        for size in range(1, len(groups) + 1):
            given = None if weights is not values and not np.isnan(weights).any() and (weights == 1).all() else weights[:size]
            assert vote.credit[0, size - 1] == voted(groups[:size], credit[:size], given)


@pytest.mark.parametrize("seed", range(12))
def test_the_runner_up_is_known_after_every_candidate(seed: int) -> None:
    groups = np.random.default_rng(seed).integers(-1, 5, 30)
    numbered = np.array([[groups.tolist().index(each) if each >= 0 else -1 for each in groups]])
    vote = scan(numbered, np.zeros((1, 30)), np.ones((1, 30)))
    for size in range(1, 31):
        counts = sorted((np.sum(groups[:size] == each) for each in range(5)), reverse=True)
        assert (vote.first[0, size - 1], vote.second[0, size - 1]) == (counts[0], counts[1])


@pytest.mark.parametrize("values", [False, True], ids=["majority", "weighted"])
def test_votes_are_the_mean_over_subsets_in_random_order(values: bool) -> None:
    table = tables()
    draws = 4_000
    if values:
        found = subsets.weighted_curve(*table.values(), SIZES, draws=draws)
    else:
        found = subsets.majority_curve(*list(table.values())[:3], SIZES, draws=draws)
    for problem in range(8):
        groups, credit, tokens, weights = present(table, problem)
        arrays = (groups, credit, weights) if values else (groups, credit)
        for column, size in enumerate(SIZES):
            taken = min(size, len(groups))
            assert found.samples_P_S[problem, column] == taken
            assert found.tokens_P_S[problem, column] == pytest.approx(taken * np.mean(tokens))
            if size >= len(groups):
                assert found.credit_P_S[problem, column] == voted(*arrays)
            else:
                exact = size == 1
                expected = average(arrays, size, voted, ordered=True)
                assert found.credit_P_S[problem, column] == pytest.approx(expected, abs=1e-12 if exact else 0.04)


def test_best_of_is_the_mean_over_all_subsets() -> None:
    table = tables(seed=1)
    found = subsets.best_of_curve(*table.values(), SIZES)
    for problem in range(8):
        groups, credit, _, values = present(table, problem)
        for column, size in enumerate(SIZES):
            expected = average((groups, credit, values), size, best, ordered=False)
            assert found.credit_P_S[problem, column] == pytest.approx(expected)


def test_the_oracle_is_the_mean_of_the_highest_credit() -> None:
    table = tables(seed=2)
    arrays = list(table.values())[:3]
    found = subsets.oracle_curve(*arrays, SIZES)
    for problem in range(8):
        groups, credit, _, _ = present(table, problem)
        readable = [part if group >= 0 else 0.0 for group, part in zip(groups, credit, strict=True)]
        for column, size in enumerate(SIZES):
            expected = average((readable,), size, lambda *drawn: max(drawn[0]), ordered=False)
            assert found.credit_P_S[problem, column] == pytest.approx(expected)


def test_the_oracle_is_pass_at_k_where_credits_are_whole() -> None:
    generator = np.random.default_rng(5)
    credit = (generator.random((20, 16)) < 0.3).astype(float)
    found = subsets.oracle_curve(np.where(credit > 0, 0, 1), credit, np.ones((20, 16)), range(1, 17))
    expected = [[pass_at_k(16, int(row.sum()), k) for k in range(1, 17)] for row in credit]
    assert found.credit_P_S == pytest.approx(np.array(expected))


def test_beta_stops_where_the_rule_of_the_graph_does() -> None:
    generator = np.random.default_rng(7)
    groups = np.where(generator.random((6, 7)) < 0.75, 0, generator.integers(-1, 3, (6, 7)))
    groups[0, 3], groups[1] = subsets.NO_CANDIDATE, 0
    credit, tokens = generator.choice([0, 0.5, 1.0], (6, 7)), generator.integers(10, 99, (6, 7))
    found = subsets.beta_curve(groups, credit, tokens, [1, 4, 5, 7], threshold=0.95, draws=4_000)
    for problem in range(6):
        kept = groups[problem] != subsets.NO_CANDIDATE
        arrays = [each[problem][kept].tolist() for each in (groups, credit, tokens)]
        for column, size in enumerate([1, 4, 5, 7]):
            outcomes = []
            for places in itertools.permutations(range(kept.sum()), min(size, int(kept.sum()))):
                drawn, parts, spent = ([each[i] for i in places] for each in arrays)
                stop = next((k for k in range(1, len(drawn)) if beta_agrees(drawn[:k], 0.95)), len(drawn))
                outcomes.append((voted(drawn[:stop], parts[:stop]), sum(spent[:stop]), stop))
            mean = np.mean(outcomes, axis=0)
            seen = (found.credit_P_S[problem, column], found.tokens_P_S[problem, column], found.samples_P_S[problem, column])
            tolerance = 1e-9 if size == 1 else np.array([0.03, 3.0, 0.05])
            assert np.all(np.abs(np.array(seen) - mean) <= tolerance)
    assert found.samples_P_S[1].tolist() == [1, 4, 4, 4]


def test_a_rule_that_never_stops_takes_all() -> None:
    table = list(tables(seed=3).values())[:3]
    found = subsets.beta_curve(*table, SIZES, threshold=1.0, draws=500)
    fixed = subsets.majority_curve(*table, SIZES, draws=500)
    assert found.samples_P_S.tolist() == fixed.samples_P_S.tolist()
    columns = [column for column, size in enumerate(SIZES) if size < (np.array(table[0]) != -2).sum(axis=1).min()]
    assert found.credit_P_S[:, columns] == pytest.approx(fixed.credit_P_S[:, columns], abs=1e-12)


def test_problems_with_fewer_candidates_take_theirs_and_are_counted() -> None:
    groups = [[0, 0, 1, -2], [0, -2, -2, -2], [-2, -2, -2, -2]]
    credit, tokens = [[1, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]], [[5, 5, 5, 99], [8, 99, 99, 99], [99] * 4]
    for found in (
        subsets.majority_curve(groups, credit, tokens, [1, 3, 4]),
        subsets.oracle_curve(groups, credit, tokens, [1, 3, 4]),
        subsets.beta_curve(groups, credit, tokens, [1, 3, 4]),
    ):
        assert found.short == (1, 2, 3)
        assert found.samples_P_S.tolist() == [[1, 3, 3], [1, 1, 1], [0, 0, 0]]
        assert found.tokens_P_S.tolist() == [[5, 15, 15], [8, 8, 8], [0, 0, 0]]
        assert found.credit_P_S[1:].tolist() == [[1, 1, 1], [0, 0, 0]]


def test_a_seed_decides_the_orders_and_blocks_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    table = list(tables(seed=4).values())[:3]
    once, again, other = (subsets.majority_curve(*table, [3], draws=20, seed=seed).credit_P_S.tolist() for seed in (1, 1, 2))
    assert once == again != other
    monkeypatch.setattr(subsets, "_CELLS", 30)
    assert subsets.majority_curve(*table, [3], draws=20, seed=1).credit_P_S == pytest.approx(np.array(once))


def test_tokens_that_are_not_known_stay_unknown() -> None:
    found = subsets.majority_curve([[0, 1], [0, 0]], [[1, 0], [1, 1]], [[5, np.nan], [5, 6]], [1, 2])
    assert np.isnan(found.tokens_P_S).tolist() == [[True, True], [False, False]]
    assert not np.isnan(found.credit_P_S).any()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"credit": [[1.0]]}, "one row per problem"),
        ({"groups": [0, 1]}, "one row per problem"),
        ({"groups": [[0, -3]]}, "groups are numbers"),
        ({"credit": [[1.0, np.nan]]}, "needs a credit"),
        ({"values": [[0.5, -0.1]]}, "not negative"),
    ],
)
def test_what_is_no_table(change: dict[str, Any], said: str) -> None:
    table = {"groups": [[0, 1]], "credit": [[1.0, 0.0]], "tokens": [[3, 4]], "values": [[0.5, 0.1]]} | change
    for curve in (subsets.weighted_curve, subsets.best_of_curve):
        with pytest.raises(ValueError, match=said):
            curve(*table.values(), [1])


@pytest.mark.parametrize("sizes", [[0], [2, -1], 3])
def test_what_is_no_size(sizes: Any) -> None:
    with pytest.raises(ValueError, match="sizes are whole numbers"):
        subsets.majority_curve([[0, 1]], [[1, 0]], [[3, 4]], sizes)


def test_an_answer_that_could_not_be_read_counts_nothing_whatever_its_credit() -> None:
    for curve in (subsets.majority_curve, subsets.oracle_curve):
        assert curve([[-1, -1]], [[1.0, np.nan]], [[3, 4]], [1, 2]).credit_P_S.tolist() == [[0, 0]]
