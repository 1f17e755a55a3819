from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from statsmodels.stats.contingency_tables import mcnemar as reference

from symposia.core.errors import EvidenceError, UnknownNameError
from symposia.research.experiments.across import Side, compare_sides
from symposia.research.experiments.comparisons import Comparison, Verdict, adjusted, common, compare
from symposia.research.experiments.scores import Pair, Scores
from symposia.research.statistics.intervals import Interval

from ..invented import BEST, GREEDY, VOTE, evidence


def _scores(label: str, grades: list[float], *, seed: int = 0, cost: float = 100.0, first: int = 0) -> Scores:
    pairs = [Pair(f"p{first + i}", seed) for i in range(len(grades))]
    return Scores(label, dict(zip(pairs, grades, strict=True)), dict.fromkeys(pairs, cost))


def _compared(a: Scores, b: Scores) -> Comparison:
    found = compare(a, b)
    assert found is not None
    return found


def _said(**changes: Any) -> Comparison:
    row: dict[str, Any] = {
        "a": "vote",
        "b": "greedy",
        "n_problems": 100,
        "n_pairs": 100,
        "left_out": 0,
        "difference": Interval(0.06, 0.012, 0.108, 0.95),
        "cost_a": 1.0,
        "cost_b": 1.0,
        "p": 0.01,
        "p_adjusted": 0.02,
        "detectable": 0.14,
        "family": 2,
    }
    return Comparison(**{**row, **changes})


@pytest.mark.parametrize(
    ("changes", "verdict", "sentence"),
    [
        (
            {},
            Verdict.BETTER,
            "vote is better than greedy by 6.0 points (95 % 1.2 to 10.8; n = 100; p = 0.02 after Holm over 2 comparisons).",
        ),
        (
            {"difference": Interval(-0.06, -0.108, -0.012, 0.95), "family": 1, "p_adjusted": 0.00001},
            Verdict.WORSE,
            "vote is worse than greedy by 6.0 points (95 % -10.8 to -1.2; n = 100; p < 0.001).",
        ),
        (
            {"n_problems": 99, "family": 1},
            Verdict.HIGHER,
            (
                "vote scored 6.0 points higher than greedy (95 % 1.2 to 10.8; n = 99; p = 0.02): a demonstration, for with fewer "
                "than 100 problems nothing is called better."
            ),
        ),
        (
            {"n_problems": 5, "difference": Interval(-0.06, -0.1, -0.01, 0.95)},
            Verdict.LOWER,
            (
                "vote scored 6.0 points lower than greedy (95 % -10.0 to -1.0; n = 5; p = 0.02 after Holm over 2 comparisons): "
                "a demonstration, for with fewer than 100 problems nothing is called better."
            ),
        ),
        (
            {"p_adjusted": 0.06, "n_problems": 40, "detectable": 0.2214},
            Verdict.NONE,
            (
                "Between vote and greedy no difference was shown (+6.0 points; 95 % 1.2 to 10.8; n = 40; p = 0.06 after Holm "
                "over 2 comparisons): with n = 40 only differences of about 22 points or more would be found reliably."
            ),
        ),
        (
            {"difference": Interval(0.06, 0.0, 0.12, 0.95), "p_adjusted": 0.049},
            Verdict.NONE,
            (
                "Between vote and greedy no difference was shown (+6.0 points; 95 % 0.0 to 12.0; n = 100; p = 0.049 after Holm "
                "over 2 comparisons): with n = 100 only differences of about 14 points or more would be found reliably."
            ),
        ),
    ],
)
def test_the_sentence_follows_from_the_numbers(changes: dict[str, Any], verdict: Verdict, sentence: str) -> None:
    found = _said(**changes)
    assert (found.verdict, found.sentence) == (verdict, sentence)


def test_single_runs_graded_right_or_wrong_take_mcnemar() -> None:
    a, b = [1.0] * 12 + [0.0] * 30 + [1.0] * 20, [0.0] * 12 + [0.0] * 27 + [1.0] * 3 + [1.0] * 20
    found = _compared(_scores("a", a), _scores("b", b))
    assert found.p == pytest.approx(reference([[20, 12], [3, 27]], exact=True).pvalue)
    assert found.difference.estimate == pytest.approx((12 - 3) / 62)


def test_seeds_of_one_problem_are_no_further_problems() -> None:
    one, other = _scores("a", [1.0, 1.0, 0.0, 1.0]), _scores("b", [0.0, 1.0, 0.0, 0.0])
    again = [_scores(each.label, list(each.credit.values()), seed=1) for each in (one, other)]
    both = [
        Scores(each.label, each.credit | more.credit, each.cost | more.cost)
        for each, more in zip((one, other), again, strict=True)
    ]
    found, single = _compared(both[0], both[1]), _compared(one, other)
    assert (found.n_problems, found.n_pairs) == (4, 8)
    assert found.difference.estimate == single.difference.estimate
    assert found.p == pytest.approx(single.p)


def test_only_pairs_that_both_have_count_and_the_others_are_told() -> None:
    a, b = _scores("a", [1.0] * 6, cost=10.0), _scores("b", [0.0] * 6, first=2)
    found = _compared(a, b)
    assert (found.n_problems, found.left_out) == (4, 4)
    assert (found.cost_a, found.cost_b) == (10.0, 100.0)
    assert common(a, b).pairs == tuple(Pair(f"p{i}", 0) for i in (2, 3, 4, 5))


def test_the_same_problem_under_another_seed_is_no_pair() -> None:
    assert compare(_scores("a", [1.0]), _scores("b", [1.0], seed=1)) is None


def test_ties_everywhere_are_no_difference() -> None:
    found = _compared(_scores("a", [1.0, 0.0] * 60), _scores("b", [1.0, 0.0] * 60))
    assert (found.verdict, found.p, found.difference.estimate) == (Verdict.NONE, 1.0, 0.0)


@pytest.mark.parametrize(("n", "points"), [(40, 22), (80, 16), (400, 7)])
def test_what_can_be_detected_is_what_was_planned_with(n: int, points: int) -> None:
    found = _compared(_scores("a", [1.0, 0.0] * (n // 2)), _scores("b", [1.0, 0.0] * (n // 2)))
    assert round(100 * found.detectable) == points


def test_arms_that_differ_more_than_planned_detect_less_and_means_detect_more() -> None:
    wild = _compared(_scores("a", [1.0, 0.0] * 20), _scores("b", [0.0, 1.0] * 20))
    assert wild.detectable > 0.4
    calm = _compared(_scores("a", [0.5] * 100), _scores("b", [0.25, 0.75] * 50))
    assert calm.detectable == pytest.approx(2.8 * 0.2513 / 10, rel=0.01)
    calmest = _compared(_scores("a", [0.5] * 100), _scores("b", [0.5] * 99 + [0.75]))
    assert calmest.detectable == pytest.approx(2.8 * 0.1 / 10, rel=0.01), "no sharper than one problem in all"


def test_p_values_shown_together_are_corrected_together() -> None:
    found = adjusted([_said(p=p) for p in (0.01, 0.04, 0.03)])
    assert [each.p_adjusted for each in found] == pytest.approx([0.03, 0.06, 0.06])
    assert {each.family for each in found} == {3}
    assert adjusted([]) == ()


def _sides(**plan: Any) -> tuple[Side, Side]:
    first = evidence(GREEDY, VOTE, problems=20)
    second = dataclasses.replace(evidence(GREEDY, VOTE, problems=20, draw=1), name="later")
    return Side("first", first), Side("later", dataclasses.replace(second, plan={**second.plan, **plan}))


def test_experiments_are_compared_arm_by_arm() -> None:
    found = compare_sides(*_sides())
    assert [(each.a, each.b) for each in found] == [
        ("first:greedy", "later:greedy"),
        ("first:self-consistency", "later:self-consistency"),
    ]
    assert all(each.n_problems == 20 for each in found)


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        ({"task": "other"}, "first and later are of different tasks: sums and other"),
        ({"fingerprint": "beef"}, "had different data under the same task: f00d and beef"),
        ({"split": "test"}, "took different splits: dev and test"),
        ({"grader": "exact"}, "were graded differently: None and exact"),
        ({"options": {"language": "de"}}, "took the task with different options"),
    ],
)
def test_what_is_not_the_same_is_not_paired(plan: dict[str, Any], said: str) -> None:
    with pytest.raises(EvidenceError, match=said):
        compare_sides(*_sides(**plan))


def test_no_problem_in_common_is_an_error() -> None:
    first, later = _sides()
    moved = tuple(dataclasses.replace(one, seed=7) for one in later.evidence.trials)
    with pytest.raises(EvidenceError, match="no problem has a result in both first and later under the same seed"):
        compare_sides(first, later._replace(evidence=dataclasses.replace(later.evidence, trials=moved)))


def test_arms_of_one_experiment_are_named_alone() -> None:
    whole = evidence(GREEDY, VOTE, BEST, problems=10)
    found = compare_sides(Side("sums", whole, "best-of-n"), Side("sums", whole, "greedy"))
    assert [(each.a, each.b) for each in found] == [("best-of-n", "greedy")]
    found = compare_sides(Side("sums", whole), Side("sums", whole), baseline="greedy")
    assert [(each.a, each.b) for each in found] == [("self-consistency", "greedy"), ("best-of-n", "greedy")]


def test_arms_that_do_not_belong_together_must_be_named() -> None:
    whole = evidence(GREEDY, VOTE, problems=4)
    for a, b in ((None, None), ("greedy", "greedy")):
        with pytest.raises(EvidenceError, match=r"no two arms that belong together .name one of each, as NAME:ARM"):
            compare_sides(Side("sums", whole, a), Side("sums", whole, b))
    with pytest.raises(UnknownNameError, match=r"unknown arm 'gready' in sums .did you mean 'greedy'"):
        compare_sides(Side("sums", whole, "gready"), Side("sums", whole))
    with pytest.raises(EvidenceError, match="are two arms"):
        compare_sides(Side("sums", whole), Side("sums", whole, "greedy"), baseline="self-consistency")
