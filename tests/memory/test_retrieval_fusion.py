from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from symposia.memory.retrieval.full_text import groups
from symposia.memory.retrieval.fusion import Fused, fuse
from symposia.memory.retrieval.words import Word

_RANKINGS = st.lists(st.lists(st.integers(1, 30), unique=True, max_size=20), max_size=4)


def _slow(rankings, k):
    """The formula of the paper in exact fractions."""
    scores: dict[int, Fraction] = {}
    for number in range(1, 31):
        for ranking in rankings:
            for place in range(len(ranking)):
                if ranking[place] == number:
                    scores[number] = scores.get(number, Fraction(0)) + Fraction(1, k + place + 1)
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


@given(_RANKINGS, st.integers(1, 100))
def test_fusion_is_the_formula(rankings, k):
    found = fuse(*rankings, k=k)
    expected = _slow(rankings, k)
    assert [one.id for one in found] == [number for number, _ in expected]
    assert [one.score for one in found] == [float(score) for _, score in expected] or all(
        abs(one.score - score) < 1e-15 for one, (_, score) in zip(found, expected, strict=True)
    )


def test_two_middling_places_beat_one_first():
    assert fuse([7, 1, 2], [8, 1]) == [
        Fused(1, 1 / 62 + 1 / 62, (2, 2)),
        Fused(7, 1 / 61, (1, None)),
        Fused(8, 1 / 61, (None, 1)),
        Fused(2, 1 / 63, (3, None)),
    ]


def test_nothing_found_is_nothing_fused():
    assert fuse() == fuse([], []) == []


@given(st.dictionaries(st.text("abc", min_size=1, max_size=4).map(Word), st.integers(1, 50), max_size=12), st.integers(1, 60))
def test_words_are_taken_from_the_rarest_on(counts, most):
    found = list(groups(counts, most))
    flat = [word for group in found for word in group]
    assert flat == sorted(counts, key=lambda word: (counts[word], word))
    for group, following in zip(found, [*found[1:], None], strict=False):
        assert sum(group.values()) <= most or len(group) == 1
        if following:  # no group could have been larger
            assert sum(group.values()) + next(iter(following.values())) > most
