"""The rules behind models that read candidates: votes over choices, knock-outs, contrasts, and what each of them keeps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import permutations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from symposia.core.candidate import Answer, Candidate, ExtractionRule
from symposia.core.problem import AnswerKind
from symposia.graphs.bracket import Match, Verdict, goes_on, next_round, seeded, share_of_wins
from symposia.graphs.choosing import most_picked
from symposia.graphs.contrast import Contrast, contrast

RELAXED = settings(deadline=None, max_examples=50)


def pool(groups: Sequence[int]) -> list[Candidate]:
    return [
        Candidate(
            id=f"c{place}",
            text="t",
            model="m",
            answer=Answer(value=str(number), kind=AnswerKind.NUMBER, raw="", rule=ExtractionRule.BOXED) if number >= 0 else None,
        )
        for place, number in enumerate(groups)
    ]


# Votes over choices


def test_the_answer_picked_most_often_wins_by_its_best_candidate() -> None:
    groups = [0, 1, -1, 1, 0]
    found = most_picked(pool(groups), groups, ["c0", "c3", "c1", "c3", "c4"])
    assert found is not None
    assert (found.answer, found.candidate, found.support) == ("1", "c3", 0.6)


def test_ties_go_to_the_earliest_and_a_single_pick_has_no_share() -> None:
    groups = [1, 0, 1]
    tied = most_picked(pool(groups), groups, ["c1", "c2"])
    assert tied is not None
    assert (tied.answer, tied.candidate, tied.support) == ("1", "c2", 0.5)
    single = most_picked(pool(groups), groups, ["c1"])
    assert single is not None
    assert (single.candidate, single.support) == ("c1", None)
    assert most_picked(pool(groups), groups, []) is None


@RELAXED
@given(st.lists(st.integers(-1, 3), min_size=1, max_size=8), st.lists(st.integers(0, 7), max_size=12), st.randoms())
def test_votes_over_choices_are_a_plurality(groups: list[int], places: list[int], random) -> None:
    places = [place for place in places if place < len(groups) and groups[place] >= 0]
    counts = Counter(groups[place] for place in places)
    most = counts.most_common(2)
    assume(most and (len(most) == 1 or most[0][1] > most[1][1]))
    found = most_picked(pool(groups), groups, [f"c{place}" for place in places])
    assert found is not None
    assert found.answer == str(most[0][0])
    random.shuffle(places)
    again = most_picked(pool(groups), groups, [f"c{place}" for place in places])
    assert again == found


# Knock-outs

Prefers = Callable[[int, int], int]
"""The better of two answers."""


def champion(groups: Sequence[int], prefers: Prefers) -> tuple[int, int, int]:
    """Who wins where every pair is judged once, in how many matches and rounds."""
    seeds = [str(place) for place in seeded(groups)]
    alive, matches, rounds = seeds, 0, 0
    while len(alive) > 1:
        found = next_round(alive)
        said = []
        for match in found.matches:
            better = prefers(groups[int(match.favourite)], groups[int(match.rival)])
            won, lost = match if groups[int(match.favourite)] == better else reversed(match)
            said.append(Verdict(won, lost))
        left = {*found.through, *(goes_on(match, said) for match in found.matches)}
        alive = [key for key in seeds if key in left]
        matches, rounds = matches + len(found.matches), rounds + 1
    return groups[int(alive[0])], matches, rounds


@pytest.mark.parametrize("size", range(1, 40))
def test_each_but_one_is_beaten_once_in_as_few_rounds_as_can_be(size: int) -> None:
    winner, matches, rounds = champion(range(size), max)
    assert (winner, matches) == (size - 1, size - 1)
    assert rounds == next(k for k in range(10) if 2**k >= size)


def test_seeds_are_answers_by_votes_and_the_best_need_not_play_first() -> None:
    groups = [2, -1, 1, 0, 1, 2, 1]
    assert seeded(groups) == [2, 0, 3]
    assert next_round(["a", "b", "c"]).through == ("a",)
    assert next_round(["a", "b", "c"]).matches == (Match("b", "c"),)
    assert next_round([*"abcdef"]).matches == (Match("c", "f"), Match("d", "e"))
    assert next_round([*"abcd"]) == ((), (Match("a", "d"), Match("b", "c")))
    assert next_round(["a"]) == (("a",), ())
    assert next_round([]) == ((), ())
    assert seeded([-1, -1]) == []


def test_a_split_verdict_and_none_go_to_the_better_seed() -> None:
    match, won, lost = Match("a", "b"), Verdict("a", "b"), Verdict("b", "a")
    assert [goes_on(match, said) for said in ([], [won, lost], [won], [lost], [lost, lost])] == ["a", "a", "a", "b", "b"]
    assert goes_on(match, [Verdict("b", "c"), Verdict("c", "a")]) == "a", "other pairs say nothing about this one"
    assert share_of_wins("a", [won, lost, Verdict("b", "c"), won]) == 2 / 3
    assert share_of_wins("c", [won]) is None


GROUPS = st.lists(st.integers(-1, 5), min_size=1, max_size=12)


def distinct(groups: Sequence[int]) -> list[int]:
    """The answers by votes."""
    return [number for number, _ in Counter(number for number in groups if number >= 0).most_common()]


@RELAXED
@given(GROUPS, st.randoms())
def test_who_is_preferred_to_all_others_wins_whatever_the_votes_and_the_order(groups: list[int], random) -> None:
    assume(max(groups) >= 0)
    order = list(range(6))
    random.shuffle(order)
    winner = champion(groups, lambda a, b: max(a, b, key=order.index))[0]
    assert winner == max(distinct(groups), key=order.index)


@RELAXED
@given(GROUPS, st.randoms(), st.sets(st.tuples(st.integers(0, 5), st.integers(0, 5))))
def test_order_and_names_of_answers_change_no_winner(groups: list[int], random, upsets: set[tuple[int, int]]) -> None:
    counts = [count for number, count in Counter(groups).items() if number >= 0]
    assume(counts and len(set(counts)) == len(counts))  # no ties in votes

    def prefers(a: int, b: int) -> int:
        return min(a, b) if (min(a, b), max(a, b)) in upsets else max(a, b)

    winner = champion(groups, prefers)[0]
    shuffled = groups[:]
    random.shuffle(shuffled)
    assert champion(shuffled, prefers)[0] == winner
    renamed = [number if number < 0 else 9 - number for number in groups]
    assert champion(renamed, lambda a, b: 9 - prefers(9 - a, 9 - b))[0] == 9 - winner


def in_circles(a: int, b: int) -> int:
    """A judge who prefers 0 to 1 and 3, 1 to 2, 2 to 0 and 3, and 3 to 1."""
    return a if (a, b) in {(0, 1), (0, 3), (1, 2), (2, 0), (2, 3), (3, 1)} else b


def test_a_judge_who_prefers_in_circles_keeps_neither_monotony_nor_independence() -> None:
    groups = [3] * 5 + [2] * 4 + [1] * 2 + [0]
    assert champion(groups, in_circles)[0] == 0, "0 beats 3 while 1 beats 2, then 0 beats 1"
    assert champion([*groups, 0, 0], in_circles)[0] == 2, "votes for the winner: 0 meets 2 first"
    assert champion([*groups, 1, 1, 1, 1], in_circles)[0] == 2, "votes for another one: 0 beats 1, but 2 beats 3 and then 0"


# Contrasts


def test_the_best_is_set_against_the_worst_of_the_commonest_mistake() -> None:
    groups = [0, 1, 1, 2, 2, 2, -1, 0]
    values = [0.9, 0.2, 0.1, 0.05, 0.6, None, 0.0, 0.1]
    assert contrast(groups, values, 0.5) == Contrast(0, 2), "2 has one bad candidate, 1 has two"
    assert contrast([0, 1, 2], [0.9, 0.3, 0.2], 0.5) == Contrast(0, 2), "of equally common ones the worst"
    assert contrast([0, 1, 2], [0.9, 0.2, 0.2], 0.5) == Contrast(0, 1), "then the earliest"
    assert contrast([0, 0, 1], [0.7, 0.7, 0.49], 0.5) == Contrast(0, 2)


@pytest.mark.parametrize(
    ("groups", "values"),
    [
        ([], []),
        ([0, 1], [0.4, 0.1]),
        ([0, 1], [0.9, 0.5]),
        ([0, 0], [0.9, 0.1]),
        ([0, 1], [0.9, None]),
        ([0, -1], [0.9, 0.1]),
        ([-1, 0], [0.9, 0.1]),
    ],
)
def test_without_a_good_one_or_a_bad_other_answer_there_is_no_contrast(groups: list[int], values: list[float | None]) -> None:
    assert contrast(groups, values, 0.5) is None


def test_order_and_names_change_no_contrast() -> None:
    rows = [(0, 0.9), (1, 0.3), (1, 0.2), (2, 0.1), (0, 0.4)]
    for order in permutations(rows):
        groups, values = [group for group, _ in order], [value for _, value in order]
        pair = contrast(groups, values, 0.5)
        assert pair == contrast([7 - group for group in groups], values, 0.5)
        assert pair is not None
        assert [order[place] for place in pair] == [(0, 0.9), (1, 0.2)]
