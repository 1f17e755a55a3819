"""What votes keep whatever the candidates are, and by a counter-example what some of them do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symposia.core.candidate import Answer, Candidate, ExtractionRule
from symposia.core.problem import AnswerKind
from symposia.graphs.selection import NOTHING, best_of, majority, weighted
from symposia.graphs.weighing import reciprocal_places

Row = tuple[int, float | None]
"""Answer (-1: none) and weight of a candidate."""
Rule = Callable[[Sequence[Candidate], Sequence[int], Sequence[float | None]], object]

ROWS = st.lists(st.tuples(st.integers(-1, 3), st.none() | st.integers(0, 16).map(lambda k: k / 16)), min_size=1, max_size=14)
MORE = st.tuples(st.integers(0, 4), st.integers(0, 16).map(lambda k: k / 16))

RELAXED = settings(deadline=None)
"""Machines differ, and are busy at times."""


def candidate(index: int, group: int) -> Candidate:
    answer = None
    if group >= 0:
        answer = Answer(value=str(group), kind=AnswerKind.NUMBER, raw=str(group), rule=ExtractionRule.BOXED)
    return Candidate(id=f"c{index}", text="t", answer=answer, model="m")


def plurality(candidates, groups, values):
    return majority(candidates, groups)


def ranked(candidates, groups, values):
    """As ``weighted-vote`` with ``weights=rank``."""
    return weighted(candidates, groups, reciprocal_places(values))


RULES = [plurality, weighted, best_of, ranked]


def winner(rule: Rule, rows: Sequence[Row]) -> str | None:
    groups = [group for group, _ in rows]
    return rule([candidate(index, group) for index, group in enumerate(groups)], groups, [value for _, value in rows]).answer


def masses(rule: Rule, rows: Sequence[Row]) -> dict[str, object]:
    """What each answer has, the slow way: exactly, by the definition of each rule."""
    values = [1.0 if rule is plurality else value for _, value in rows]
    if rule is ranked:
        values = reciprocal_places(values)
    found: dict[str, list[Fraction]] = {}
    for (group, _), value in zip(rows, values, strict=True):
        if group >= 0 and value is not None:
            found.setdefault(str(group), []).append(Fraction(value))
    return {answer: max(each) if rule is best_of else sum(each) for answer, each in found.items()}


def tied(rule: Rule, rows: Sequence[Row]) -> bool:
    """Whether two answers have most, to within what floats tell apart."""
    most = sorted(masses(rule, rows).values(), reverse=True)
    return len(most) > 1 and most[0] - most[1] < 1e-12


@pytest.mark.parametrize("rule", RULES)
@RELAXED
@given(rows=ROWS)
def test_who_has_most_wins_and_nobody_without_an_answer(rule: Rule, rows: list[Row]) -> None:
    found = masses(rule, rows)
    assume(not tied(rule, rows))
    assert winner(rule, rows) == max(found, key=found.__getitem__, default=None)


@pytest.mark.parametrize("rule", RULES)
def test_none_and_empty_never_win(rule: Rule) -> None:
    rows: list[Row] = [(-1, 1.0)] * 5
    assert winner(rule, rows) is None
    assert winner(rule, [*rows, (0, 0.0)]) == "0"
    assert rule([], [], []) == NOTHING


@pytest.mark.parametrize("rule", RULES)
@RELAXED
@given(rows=ROWS, random=st.randoms())
def test_permutation_invariance(rule: Rule, rows: list[Row], random) -> None:
    assume(not tied(rule, rows))
    shuffled = rows[:]
    random.shuffle(shuffled)
    assert winner(rule, shuffled) == winner(rule, rows)


@RELAXED
@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 1)), min_size=1, max_size=12), st.randoms())
def test_sums_do_not_depend_on_the_order_even_in_their_last_digit(rows: list[Row], random) -> None:
    shuffled = rows[:]
    random.shuffle(shuffled)

    def support(rows: list[Row]) -> float | None:
        groups = [group for group, _ in rows]
        return weighted([candidate(index, group) for index, group in enumerate(groups)], groups, [v for _, v in rows]).support

    assume(not tied(weighted, rows))
    assert support(shuffled) == support(rows)


@pytest.mark.parametrize("rule", RULES)
@RELAXED
@given(rows=ROWS)
def test_label_symmetry(rule: Rule, rows: list[Row]) -> None:
    renamed = winner(rule, [(group if group < 0 else 9 - group, value) for group, value in rows])
    before = winner(rule, rows)
    assert renamed == (None if before is None else str(9 - int(before))), "ties go by index, not by name"


@pytest.mark.parametrize("rule", RULES)
@RELAXED
@given(rows=ROWS, value=st.integers(0, 16).map(lambda k: k / 16), place=st.integers(0, 14))
def test_monotony(rule: Rule, rows: list[Row], value: float, place: int) -> None:
    before = winner(rule, rows)
    assume(before is not None and not tied(rule, rows))
    assert winner(rule, [*rows[:place], (int(before), value), *rows[place:]]) == before


@pytest.mark.parametrize("rule", RULES)
@RELAXED
@given(rows=ROWS, which=st.integers(0, 13))
def test_a_higher_value_for_one_of_the_winners_leaves_it_the_winner(rule: Rule, rows: list[Row], which: int) -> None:
    before = winner(rule, rows)
    assume(before is not None and not tied(rule, rows))
    places = [place for place, (group, value) in enumerate(rows) if str(group) == before and value is not None]
    for place in places[which % len(places) :] if places else ():
        rows[place] = (int(before), 1.0)
    assert winner(rule, rows) == before


@pytest.mark.parametrize("rule", [plurality, weighted, best_of])
@RELAXED
@given(rows=ROWS, more=MORE)
def test_independence(rule: Rule, rows: list[Row], more: tuple[int, float]) -> None:
    before, after = masses(rule, rows), masses(rule, [*rows, more])
    others = [answer for answer in before if answer != str(more[0])]
    assert {answer: after[answer] for answer in others} == {answer: before[answer] for answer in others}
    found = winner(rule, [*rows, more])
    assume(not tied(rule, rows) and not tied(rule, [*rows, more]))
    assert found in {winner(rule, rows), str(more[0])}


def test_votes_by_rank_are_not_independent() -> None:
    """A vote for a third answer takes a place, and so reverses two others."""
    rows: list[Row] = [(1, 0.9), (0, 0.8), (0, 0.7), (0, 0.6)]
    assert winner(ranked, rows) == "0"
    assert winner(ranked, [*rows, (2, 0.85)]) == "1"


def test_many_votes_weigh_nothing_against_one_high_score() -> None:
    rows: list[Row] = [(0, 0.8)] * 9 + [(1, 0.9)]
    assert [winner(rule, rows) for rule in RULES] == ["0", "0", "1", "0"]
