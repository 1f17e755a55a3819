"""Rules that make one score of several, against slow formulas, and the answer that stands for the right one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from symposia.agents.verifiers.ensemble.combining import Combine, Rule, combine, lower_bound
from symposia.agents.verifiers.rollout.reference import given_answer, most_frequent
from symposia.core.answers import extract
from symposia.core.candidate import Score
from symposia.core.errors import ConfigError
from symposia.core.problem import AnswerKind, Problem

SHARE = st.floats(0, 1)
STEP = st.one_of(st.none(), SHARE)


def scored(*steps: float | None, value: float | None = None, ends: tuple[int, ...] | None = None) -> Score:
    return Score(verifier="v", value=value, steps=steps, ends=tuple(range(1, len(steps) + 1)) if ends is None else ends)


@given(st.lists(SHARE, min_size=2, max_size=8), st.floats(0, 3))
def test_the_lower_bound_is_the_mean_less_standard_errors(values: list[float], z: float) -> None:
    slow = np.mean(values) - z * np.std(values, ddof=1) / np.sqrt(len(values))
    assert lower_bound(values, z) == pytest.approx(slow, abs=1e-9)
    assert lower_bound(values[:1], z) is None


@given(SHARE, SHARE)
def test_of_two_one_standard_error_gives_the_lower(one: float, two: float) -> None:
    assert lower_bound([one, two], 1) == pytest.approx(min(one, two), abs=1e-9)


@given(st.lists(st.tuples(STEP, STEP, STEP), min_size=1, max_size=6), st.sampled_from(["mean", "min"]), st.integers(1, 3))
def test_steps_are_combined_one_by_one(columns: list[tuple], how: Combine, quorum: int) -> None:
    scores = [scored(*(column[member] for column in columns), value=0.5) for member in range(3)]
    found = combine(scores, Rule(how, 1.0, quorum))
    for step, column in enumerate(columns):
        known = [value for value in column if value is not None]
        slow = None if len(known) < quorum else min(known) if how == "min" else sum(known) / len(known)
        assert found.steps[step] == (None if slow is None else pytest.approx(slow))
    assert found.value == 0.5


@pytest.mark.parametrize(
    "other",
    [scored(1.0, value=1.0), scored(1.0, 1.0, value=1.0, ends=(2, 3)), Score(verifier="v", value=1.0)],
    ids=["fewer", "elsewhere", "none"],
)
def test_steps_that_do_not_lie_side_by_side_are_not_combined(other: Score) -> None:
    found = combine([scored(0.0, 1.0, value=0.0), other], Rule("mean", 1.0, 2))
    assert (found.value, found.steps, found.ends) == (0.5, (), ())


def test_steps_stay_in_their_range() -> None:
    found = combine([scored(0.0, value=0.0), scored(0.2, value=0.2), scored(0.0, value=0.0)], Rule("lower-bound", 3.0, 3))
    assert (found.steps, found.value) == ((0,), 0)
    assert found.raw is not None
    assert found.raw < 0


def test_three_must_agree_where_three_are_asked() -> None:
    right, wrong = scored(1.0, 1.0, value=1.0), scored(1.0, 0.0, value=0.0)
    rule = Rule("consensus", 1.0, 3)
    assert combine([right, right, right], rule).value == 1
    assert combine([right, right, wrong], rule).value is combine([wrong, right, right], rule).value is None


# The answer that stands for the right one


def elected(*texts: str) -> tuple[str, int] | None:
    """By groups of equal text."""
    answers = [extract(text, AnswerKind.NUMBER) for text in texts]
    values = [answer.value if answer else None for answer in answers]
    found = most_frequent(answers, [-1 if value is None else values.index(value) for value in values])
    return None if found is None else (str(found.answer), found.votes)


@pytest.mark.parametrize(
    ("texts", "winner"),
    [
        (["4", "5", "4"], ("4", 2)),
        (["hm", "4", "hm", "hm"], ("4", 1)),
        (["4", "$4", "5"], ("$4", 2)),
        (["4", "5"], None),
        (["4", "5", "5", "4", "6"], None),
        (["hm", "hm"], None),
        ([], None),
    ],
)
def test_the_most_frequent_answer_that_is_alone_in_that(texts: list[str], winner: tuple[str, int] | None) -> None:
    assert elected(*texts) == winner


def test_a_reference_is_read_as_an_answer_of_the_problems_kind() -> None:
    problem = Problem.of("2 + 2?", answer_kind="number")
    assert given_answer("4.0", problem).key == ("4", None)
    with pytest.raises(ConfigError, match="'four or so' is no answer of kind number"):
        given_answer("four or so", problem)
