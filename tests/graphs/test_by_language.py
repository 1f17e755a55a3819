"""The rules by which paths in several languages are shared out and vote, against slow ones and on what must hold."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.core.candidate import Answer, Candidate, ExtractionRule
from symposia.core.problem import AnswerKind
from symposia.core.result import Selection, Votes
from symposia.graphs.by_language import elect, votes_by_language
from symposia.graphs.selection import NOTHING, majority
from symposia.graphs.views import Batch, Path, batches, in_turn, share

CODES = ["de", "en", "fr", "zh"]


def pool(groups: list[int], units: dict[int, str] | None = None) -> list[Candidate]:
    def answer(index: int, group: int) -> Answer | None:
        unit = (units or {}).get(index)
        text = str(group)
        found = Answer(value=text, unit=unit, kind=AnswerKind.NUMBER, raw=text, rule=ExtractionRule.BOXED)
        return found if group >= 0 else None

    return [Candidate(id=f"c{i}", text="t", answer=answer(i, group), model="m") for i, group in enumerate(groups)]


def vote(votes: list[tuple[int, str]], own: str = "de", **weights: float) -> Selection:
    groups, languages = [group for group, _ in votes], [code for _, code in votes]
    return elect(pool(groups), groups, languages, own=own, weights=weights)


@pytest.mark.parametrize(
    ("n", "own", "shares"),
    [
        (8, "en", [1, 2, 1, 1, 1, 1, 1]),
        (7, "en", [1, 1, 1, 1, 1, 1, 1]),
        (10, "zh", [2, 2, 1, 1, 1, 1, 2]),
        (3, "zh", [1, 1, 0, 0, 0, 0, 1]),
        (1, "ru", [0, 0, 0, 0, 0, 1, 0]),
        (9, "sw", [2, 2, 1, 1, 1, 1, 1]),
    ],
)
def test_what_is_left_over_goes_to_the_own_language_first(n: int, own: str, shares: list[int]) -> None:
    languages = ["de", "en", "es", "fr", "ja", "ru", "zh"]
    assert share(n, languages, own) == dict(zip(languages, shares, strict=True))


@given(st.integers(1, 60), st.lists(st.sampled_from(CODES), min_size=1, unique=True), st.sampled_from(CODES))
def test_every_path_is_given_to_a_language_once(n: int, languages: list[str], own: str) -> None:
    shares = share(n, languages, own)
    assert list(shares) == languages
    assert sum(shares.values()) == n
    assert max(shares.values()) - min(shares.values()) <= 1
    paths = in_turn(shares)
    assert len(set(paths)) == len(paths) == n
    assert [path.number for path in paths] == sorted(path.number for path in paths)
    for together in (lambda count: count > 1, lambda count: False, lambda count: count > 2):
        found = batches(shares, together)
        assert sorted(path for batch in found for path in batch.paths) == sorted(paths)
        assert all(batch.size == (shares[batch.first.view] if together(shares[batch.first.view]) else 1) for batch in found)


def test_languages_take_turns() -> None:
    shares = {"en": 2, "de": 1, "fr": 0}
    assert in_turn(shares) == (Path("en", 0), Path("de", 0), Path("en", 1))
    assert batches(shares, lambda count: count > 1) == [Batch(Path("en", 0), 2), Batch(Path("de", 0))]
    assert in_turn({}) == ()


def test_the_vote_is_over_all_languages_and_unreadable_replies_have_none() -> None:
    found = vote([(1, "en"), (2, "de"), (-1, "en"), (2, "fr"), (-1, "zh")])
    assert (found.answer, found.candidate, found.support) == ("2", "c1", pytest.approx(2 / 3))
    assert vote([(-1, "en"), (-1, "de")]) == vote([]) == NOTHING


def test_ties_go_to_the_own_language_then_to_english_then_to_the_earliest() -> None:
    assert vote([(1, "en"), (2, "de")], own="de").answer == "2"
    assert vote([(1, "fr"), (1, "en"), (2, "de"), (2, "fr")], own="de").answer == "2"
    assert vote([(1, "fr"), (2, "en")], own="de").answer == "2", "nobody in the own language"
    assert vote([(1, "de"), (1, "fr"), (2, "de"), (2, "en")], own="de").answer == "2", "equal in the own language"
    assert vote([(1, "fr"), (2, "zh")], own="de").answer == "1"
    assert vote([(1, "en"), (2, "de"), (3, "fr"), (3, "zh")], own="de").answer == "3", "more votes before all ties"


def test_weights_count_before_votes_and_support_is_their_share() -> None:
    votes = [(1, "en"), (2, "de"), (2, "fr")]
    assert vote(votes, en=2.5) == Selection(answer="1", candidate="c0", support=2.5 / 4.5)
    assert vote(votes, en=2.0, own="fr").answer == "2", "a tie in weights"
    assert vote(votes, en=0.5).answer == "2"


VOTES = st.lists(st.tuples(st.integers(-1, 3), st.sampled_from(CODES)), min_size=1, max_size=12)
WEIGHTS = st.fixed_dictionaries({code: st.sampled_from([0.1, 0.2, 0.3, 1.0, 1.7]) for code in CODES})


@given(VOTES, WEIGHTS, st.sampled_from(CODES))
def test_it_is_the_slow_rule(votes: list[tuple[int, str]], weights: dict[str, float], own: str) -> None:
    readable = {group for group, _ in votes if group >= 0}
    best: tuple | None = None
    for group in readable:
        mine = [code for other, code in votes if other == group]
        total = float(sum(Fraction(weights[code]) for code in mine))
        first = [other for other, _ in votes].index(group)
        rank = (total, mine.count(own), mine.count("en"), -first)
        best = max(best, (rank, group)) if best else (rank, group)
    found = vote(votes, own, **weights)
    assert found.answer == (str(best[1]) if best else None)


@given(VOTES, WEIGHTS, st.sampled_from(CODES), st.randoms(use_true_random=False))
def test_order_and_names_matter_where_all_else_is_equal_only(votes, weights, own: str, rng: random.Random) -> None:
    before = vote(votes, own, **weights)
    shuffled = rng.sample(votes, len(votes))
    after = vote(shuffled, own, **weights)
    profile = lambda answer: sorted(code for group, code in votes if str(group) == answer)  # noqa: E731
    same = profile(before.answer).count(own), profile(before.answer).count("en")
    assert same == (profile(after.answer).count(own), profile(after.answer).count("en"))
    assert before.support == after.support
    renamed = vote([(group if group < 0 else 3 - group, code) for group, code in votes], own, **weights)
    assert renamed.candidate == before.candidate


def test_the_order_does_matter_where_all_else_is_equal() -> None:
    votes = [(1, "de"), (2, "de")]
    assert [vote(votes).answer, vote(votes[::-1]).answer] == ["1", "2"]


@given(VOTES, WEIGHTS, st.sampled_from(CODES), st.sampled_from(CODES))
def test_a_further_vote_for_the_winner_keeps_it(votes, weights, own: str, code: str) -> None:
    before = vote(votes, own, **weights)
    if before.answer is not None:
        assert vote([*votes, (int(before.answer), code)], own, **weights).answer == before.answer


@given(st.lists(st.integers(-1, 3), max_size=12))
def test_in_one_language_it_is_the_majority(groups: list[int]) -> None:
    assert vote([(group, "fr") for group in groups], own="fr") == majority(pool(groups), groups)


def test_each_language_says_what_it_gave() -> None:
    groups, languages = [0, 0, 1, -1, 1], ["en", "de", "en", "fr", "en"]
    shares = {"en": 3, "de": 2, "fr": 1, "zh": 1}
    en, de, fr, zh = votes_by_language(pool(groups, {1: "kg"}), groups, languages, shares=shares, pick="c2")
    assert (en.planned, en.paths, en.agreement) == (3, 3, pytest.approx(2 / 3))
    assert en.votes == (Votes(answer="1", count=2), Votes(answer="0 kg", count=1)), "named as in the vote over all"
    assert (de.planned, de.paths, de.agreement, de.votes) == (2, 1, 0, (Votes(answer="0 kg", count=1),))
    assert (fr.planned, fr.paths, fr.agreement, fr.votes) == (1, 1, None, ())
    assert (zh.planned, zh.paths, zh.agreement, zh.votes) == (1, 0, None, ())
