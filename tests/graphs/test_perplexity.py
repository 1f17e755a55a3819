"""The rules of RPC against a slow formula in plain probabilities, and what they do not keep."""

from __future__ import annotations

from math import exp, fsum

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from symposia.graphs.perplexity import standings
from symposia.graphs.weibull import fit

ROWS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.sampled_from([0.0, -0.5, -1.0, -3.0])), max_size=14)
"""An answer, one of its paths, and that path's log-probability a token, from which it has its own."""


def scores(answers: list[int], paths: list, logprobs: list[float], *, prune: bool) -> dict[int, float]:
    """What each answer scores, in plain probabilities."""
    top = max(logprobs, default=0.0)
    total: dict[int, list[float]] = {}
    for answer, standing in zip(answers, standings(paths, logprobs, prune=prune), strict=True):
        total.setdefault(answer, []).append(0.0 if standing.left_out else exp(standing.log_ratio + top))
    return {answer: fsum(each) for answer, each in total.items()}


def test_the_published_example() -> None:
    """Two answers, four paths, one of them drawn twice."""
    found = scores([0, 0, 1, 0], ["p1", "p1", "p2", "p3"], [-2.0, -2.0, -1.0, -3.0], prune=False)
    assert found == {0: pytest.approx(0.18512, abs=5e-6), 1: pytest.approx(0.36788, abs=5e-6)}


@settings(deadline=None)
@given(ROWS)
def test_perplexity_consistency_by_the_slow_way(rows: list[tuple[int, int, float]]) -> None:
    answers, paths = [row[0] for row in rows], [row[:2] for row in rows]
    logprobs = [-2.0 * row[1] + row[2] for row in rows]
    slow: dict[int, float] = {}
    for answer in set(answers):
        each: dict[tuple[int, int], float] = {}
        for path, logprob in zip(paths, logprobs, strict=True):
            if path[0] == answer:
                each[path] = max(each.get(path, 0.0), exp(logprob))
        slow[answer] = fsum(each.values())
    assert scores(answers, paths, logprobs, prune=False) == pytest.approx(slow)


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-40, 0), min_size=5, max_size=20))
@example([0.0, 0.0, 0.0, 0.0, -1.1e-308])  # so close together that their squares are nothing
def test_pruning_by_the_slow_way(logprobs: list[float]) -> None:
    """In plain probabilities, by scipy's densities, of the mixture that was fitted to them."""
    found = [standing.left_out for standing in standings(range(len(logprobs)), logprobs, prune=True)]
    mixture = fit([logprob - max(logprobs) for logprob in logprobs])
    if mixture is None:
        assert set(found) == {""}
        return
    values = [exp(logprob) for logprob in logprobs]
    mean = fsum(values) / len(values)
    for value, out in zip(values, found, strict=True):
        x = value / max(values)
        high, low = (stats.weibull_min.pdf(x, part.shape, scale=exp(part.log_scale)) for part in (mixture.high, mixture.low))
        margin = mixture.share * high - (1 - mixture.share) * low
        if abs(margin) > 1e-6 * high and abs(value - mean) > 1e-9 * mean:
            assert (out == "pruned") == (margin < 0 and value < mean)


def test_a_path_as_likely_as_the_mean_is_never_pruned() -> None:
    logprobs = [0.0, -0.1, -0.2, -20.0, -21.0, -22.0, -20.5]
    found = [standing.left_out for standing in standings(range(7), logprobs, prune=True)]
    assert found == ["", "", "", "pruned", "pruned", "pruned", "pruned"]


def test_probabilities_too_small_for_floats_are_compared_all_the_same() -> None:
    found = scores([0, 1, 1], "abc", [-2000.0, -2000.5, -2000.6], prune=False)
    assert found == {0: 0.0, 1: 0.0}, "as plain numbers they are all zero"
    ratios = [standing.log_ratio for standing in standings("abc", [-2000.0, -2000.5, -2000.6], prune=False)]
    assert ratios == pytest.approx([0.0, -0.5, -0.6])


@settings(deadline=None, max_examples=40)
@given(ROWS, st.randoms(), st.booleans())
def test_order_and_names_change_nothing(rows: list[tuple[int, int, float]], random, prune: bool) -> None:
    def of(rows: list[tuple[int, int, float]]) -> dict[int, float]:
        logprobs = [-2.0 * row[1] + row[2] for row in rows]
        return scores([row[0] for row in rows], [row[:2] for row in rows], logprobs, prune=prune)

    shuffled = rows[:]
    random.shuffle(shuffled)
    assert of(shuffled) == pytest.approx(of(rows))
    renamed = of([(3 - answer, path, value) for answer, path, value in rows])
    assert {3 - answer: value for answer, value in renamed.items()} == pytest.approx(of(rows))


def test_a_copy_of_a_path_adds_nothing() -> None:
    """Unlike a vote: perplexity consistency is monotone in distinct paths only."""
    one = scores([0, 1], ["a", "b"], [-1.0, -0.9], prune=False)
    assert scores([0, 0, 0, 1], ["a", "a", "a", "b"], [-1.0, -1.0, -1.0, -0.9], prune=False) == one
    assert scores([0, 0, 1], ["a", "c", "b"], [-1.0, -3.0, -0.9], prune=False)[0] > one[0]


def test_pruning_is_not_monotone() -> None:
    """One more path for the winner moves the mixture, which prunes another path of the winner's."""
    answers, logprobs = [1, 0, 0, 1, 0, 1], [-2.0, -5.0, -2.01, -10.0, -10.0, -10.0]
    before = scores(answers, range(6), logprobs, prune=True)
    after = scores([*answers, 0], range(7), [*logprobs, -8.0], prune=True)
    assert before[0] > before[1]
    assert after[0] < after[1]


def test_nothing_is_weighed_where_there_is_nothing() -> None:
    assert standings([], [], prune=True) == []
