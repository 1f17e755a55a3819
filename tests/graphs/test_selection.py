from __future__ import annotations

from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.agents.verifiers.step_scores import AGGREGATES, aggregate
from symposia.core.candidate import Answer, Candidate, ExtractionRule, Score
from symposia.core.problem import AnswerKind
from symposia.graphs.selection import NOTHING, best_of, majority, select_all, weighted


def candidate(index: int, group: int, value: float | None = None, steps: tuple[float | None, ...] = ()) -> Candidate:
    answer = None
    if group >= 0:
        answer = Answer(value=str(group), kind=AnswerKind.NUMBER, raw=str(group), rule=ExtractionRule.BOXED)
    scores = (Score(verifier="v", value=value, steps=steps),) if value is not None or steps else ()
    return Candidate(
        id=f"c{index}", text="s" * len(steps) or "t", answer=answer, model="m", scores=scores, steps=("s",) * len(steps)
    )


def pool(groups: list[int]) -> list[Candidate]:
    return [candidate(index, group) for index, group in enumerate(groups)]


def test_majority_counts_readable_answers_only() -> None:
    groups = [1, -1, 2, 2, -1, -1]
    pick = majority(pool(groups), groups)
    assert (pick.answer, pick.candidate) == ("2", "c2")
    assert pick.support == pytest.approx(2 / 3)


def test_ties_go_to_the_answer_seen_first_by_index() -> None:
    groups = [3, 1, 1, 3]
    assert majority(pool(groups), groups).candidate == "c0"


def test_nothing_readable_selects_nothing() -> None:
    groups = [-1, -1]
    assert set(select_all(pool(groups), groups).values()) == {NOTHING}
    assert majority([], []) == NOTHING


def test_none_scores_vote_but_cannot_win_by_score() -> None:
    groups = [0, 0, 1]
    values = [None, None, 0.1]
    assert majority(pool(groups), groups).answer == "0"
    assert best_of(pool(groups), groups, values).candidate == "c2"
    assert weighted(pool(groups), groups, values).answer == "1"
    assert best_of(pool(groups), groups, [None, None, None]) == NOTHING


def test_an_answer_none_of_whose_candidates_has_a_score_cannot_win_by_weight() -> None:
    groups = [0, 0, 1]
    assert weighted(pool(groups), groups, [None, None, 0.0]).answer == "1"
    assert weighted(pool(groups), groups, [None, None, None]) == NOTHING


def test_the_best_candidate_stands_for_the_answer_that_scores_chose() -> None:
    groups = [0, 1, 0, 0]
    assert weighted(pool(groups), groups, [0.1, 0.5, 0.7, 0.7]).candidate == "c2"
    assert majority(pool(groups), groups).candidate == "c0"


def test_every_selector_appears_where_steps_are_scored() -> None:
    candidates = [candidate(0, 0, 0.9, (0.9, 0.2)), candidate(1, 1, 0.5, (0.5, 0.6)), candidate(2, 1, 0.4, (0.4, 0.5))]
    picks = select_all(candidates, [0, 1, 1])
    expected = {"majority", "weighted", "best-of"} | {f"{kind}-{name}" for kind in ("weighted", "best-of") for name in AGGREGATES}
    assert set(picks) == expected
    assert picks["best-of"].candidate == "c0"
    assert picks["best-of-min"].candidate == "c1"
    assert picks["best-of-product"].candidate == "c1"
    assert picks["best-of-last"].candidate == "c1"
    assert picks["weighted-min"].answer == "1"


def test_a_step_without_a_score_leaves_the_candidate_without_one() -> None:
    score = Score(verifier="v", value=None, steps=(0.9, None))
    assert aggregate(score.steps, "min") is None


@given(st.lists(st.tuples(st.integers(-1, 4), st.floats(0, 1)), max_size=30))
def test_weighted_is_the_slow_sum(rows: list[tuple[int, float]]) -> None:
    groups, values = [group for group, _ in rows], [value for _, value in rows]
    pick = weighted(pool(groups), groups, values)
    sums: dict[int, float] = defaultdict(float)
    for group, value in rows:
        if group >= 0:
            sums[group] += value
    if not sums:
        assert pick == NOTHING
        return
    best = max(sums.values())
    tied = [group for group in groups if group >= 0 and sums[group] == best]
    assert pick.answer == str(tied[0])


@given(st.lists(st.integers(-1, 4), max_size=30))
def test_majority_is_weighted_with_equal_weights(groups: list[int]) -> None:
    assert majority(pool(groups), groups) == weighted(pool(groups), groups, [1.0] * len(groups))
