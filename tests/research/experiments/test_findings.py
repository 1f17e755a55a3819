from __future__ import annotations

import dataclasses

import pytest

from symposia.core.errors import UnknownNameError
from symposia.research.experiments.findings import study
from symposia.research.experiments.records import Evidence

from ..invented import BEST, GREEDY, PLAN, VOTE, evidence

LARGE = {"policy": "large"}


def test_every_arm_meets_the_greedy_one_of_its_policy_and_the_vote_at_equal_tokens() -> None:
    found = study(evidence(GREEDY, VOTE, BEST, problems=20))
    assert [(each.a, each.b.partition(" of ")[0]) for each in found.comparisons] == [
        ("greedy", "a majority"),
        ("self-consistency", "greedy"),
        ("self-consistency with Beta stopping", "a majority"),
        ("best-of-n", "greedy"),
        ("best-of-n", "a majority"),
    ]
    assert {each.family for each in found.comparisons} == {5}
    equal = [each for each in found.comparisons if "equal tokens" in each.b]
    for each in equal:
        assert each.note or each.cost_a == pytest.approx(each.cost_b, rel=0.05)


def test_models_are_compared_with_their_own_baselines() -> None:
    other = [arm.model_copy(update={"label": f"{arm.label} large", "team": LARGE}) for arm in (GREEDY, VOTE)]
    found = study(evidence(GREEDY, *other, problems=10))
    assert [(each.a, each.b.partition(" from ")[2] or each.b) for each in found.comparisons] == [
        ("greedy large", "self-consistency large at equal tokens"),
        ("self-consistency large", "greedy large"),
        ("self-consistency large with Beta stopping", "self-consistency large at equal tokens"),
    ]


def test_another_baseline_may_be_named() -> None:
    whole = evidence(GREEDY, VOTE, BEST, problems=10)
    found = study(whole, baseline="best-of-n")
    assert [each.a for each in found.comparisons if each.b == "best-of-n"] == ["greedy", "self-consistency"]
    with pytest.raises(UnknownNameError, match="unknown arm 'best' in sums"):
        study(whole, baseline="best")


def test_the_front_is_what_nothing_beats() -> None:
    found = study(evidence(GREEDY, VOTE, BEST, problems=40))
    spots = [(spot.cost, spot.accuracy) for spot in found.front]
    assert spots == sorted(set(spots)), "cheapest first, each more accurate than the one before, nothing twice"
    for arm in found.arms:
        assert arm.accuracy is not None
        assert arm.cost_tokens is not None
        assert any(spot.cost <= arm.cost_tokens + 1e-6 and spot.accuracy >= arm.accuracy.estimate - 1e-9 for spot in found.front)
    assert not any("oracle" in spot.label for spot in found.front)


@pytest.mark.parametrize("status", ["failed", "cancelled"])
def test_an_experiment_of_which_everything_failed_has_no_findings_and_no_error(status: str) -> None:
    whole = evidence(GREEDY, VOTE, problems=3)
    lost = dataclasses.replace(whole, trials=tuple(dataclasses.replace(one, status=status) for one in whole.trials))
    found = study(lost)
    assert (found.curves, found.comparisons, found.front) == ((), (), ())
    assert [each.n_failed for each in found.arms] == [3, 3]


def test_an_experiment_that_has_not_begun_can_be_studied() -> None:
    found = study(Evidence("sums", PLAN, (GREEDY,), (), (), ()))
    assert (found.arms[0].n_missing, found.comparisons) == (0, ())


def test_one_problem_is_enough_for_numbers_and_for_no_claim() -> None:
    found = study(evidence(GREEDY, VOTE, problems=1))
    assert len(found.comparisons) == 3
    assert {each.verdict for each in found.comparisons} == {"no difference"}
