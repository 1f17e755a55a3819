from __future__ import annotations

import dataclasses
from typing import Any

from symposia.research.experiments.analysis import ArmSummary, summarise
from symposia.research.experiments.records import Arm, Evidence, ProblemRow, Sample, Trial
from symposia.research.experiments.scores import rows_by_arm

from ..invented import BEST, GREEDY, PLAN, VOTE, evidence, sample, trial


def _whole(trials: list[Trial], samples: list[Sample] | None = None, *arms: Arm, plan: dict[str, Any] | None = None) -> Evidence:
    problems = tuple(ProblemRow(f"p{i}", "7", {"level": "hard" if i else "easy"}) for i in range(4))
    return Evidence("sums", plan or PLAN, arms or (GREEDY,), problems, tuple(trials), tuple(samples or ()))


def _only(whole: Evidence) -> ArmSummary:
    return summarise(rows_by_arm(whole)[whole.arms[0].label], whole)


def test_runs_that_failed_or_were_stopped_are_no_evidence_and_counted() -> None:
    wrong = trial("p1", "greedy", status="no_answer", answer=None, credit=0.0, completion_tokens=50)
    found = _only(
        _whole(
            [
                trial("p0", "greedy"),
                wrong,
                trial("p2", "greedy", status="failed", credit=0.0),
                trial("p3", "greedy", status="cancelled"),
            ],
            [sample("p0", "greedy"), sample("p2", "greedy")],
        )
    )
    assert (found.n_problems, found.n_trials, found.n_failed, found.n_missing, found.n_samples) == (2, 2, 2, 0, 1)
    assert found.accuracy is not None
    assert found.accuracy.estimate == 0.5
    assert found.cost_tokens == 125


def test_what_was_planned_and_never_run_is_counted() -> None:
    found = _only(_whole([trial("p0", "greedy", 0), trial("p1", "greedy", 1)], plan={**PLAN, "seeds": [0, 1, 2]}))
    assert (found.n_problems, found.n_seeds, found.n_missing) == (2, 2, 10)


def test_cost_is_of_a_solved_problem_and_an_unknown_price_stays_unknown() -> None:
    priced = [trial("p0", "greedy", dollars=0.25, seconds=1.0), trial("p1", "greedy", dollars=0.5, seconds=2.0, credit=0.5)]
    found = _only(_whole(priced)).per_solved
    assert (found.tokens, found.dollars, found.seconds) == (200, 0.5, 2)
    assert _only(_whole([*priced, trial("p2", "greedy", dollars=None)])).per_solved.dollars is None
    assert _only(_whole([trial("p0", "greedy", dollars=0.25, credit=0.0)])).per_solved == (None, None, None)


def test_an_arm_without_a_result_has_no_numbers() -> None:
    for trials in ([], [trial("p0", "greedy", status="failed")]):
        found = _only(_whole(trials))
        assert (found.accuracy, found.cost_tokens, found.oracle, found.calibration) == (None, None, None, None)
        assert found.selectors == {}
        assert found.breakdown == {"level": {}}
        assert found.n_missing == 4 - len(trials)


def test_samples_cut_unread_and_found_by_rule_are_counted() -> None:
    found = _only(
        _whole(
            [trial("p0", "greedy", failures={"timeout": 2})],
            [
                sample("p0", "greedy", 0, rule="last_number"),
                sample("p0", "greedy", 1, rule="last_number", finish="length"),
                sample("p0", "greedy", 2, answer=None, group=-1, credit=0.0, rule=None, finish="length"),
                sample("p0", "greedy", 3, rule="boxed"),
            ],
        )
    )
    assert (found.n_samples, found.n_truncated, found.n_unparsed, found.n_failed_calls) == (4, 2, 1, 2)
    assert list(found.rules.items()) == [("last_number", 2), ("boxed", 1)]


def test_every_selector_stands_beside_the_oracle_and_one_without_a_pick_is_wrong() -> None:
    trials = [
        trial("p0", "greedy", credits={"majority": 1.0, "best-of": 1.0}),
        trial("p1", "greedy", credits={"majority": 1.0}),
        trial("p2", "greedy", credits={"majority": 0.0, "best-of": 0.5}),
    ]
    samples = [sample("p0", "greedy", i) for i in (0, 1)] + [
        sample("p2", "greedy", i, credit=c) for i, c in ((0, 0.5), (1, 0.25))
    ]
    found = _only(_whole(trials, samples))
    assert {name: each.accuracy.estimate for name, each in found.selectors.items()} == {"majority": 2 / 3, "best-of": 0.5}
    assert found.oracle is not None
    assert (found.oracle.accuracy.estimate, found.oracle.n_problems) == (0.5, 3)


def test_one_sample_a_problem_has_no_oracle() -> None:
    assert _only(evidence(GREEDY)).oracle is None


def test_seeds_of_one_problem_do_not_make_it_more_problems() -> None:
    once = _only(_whole([trial(f"p{i}", "greedy", credit=float(i % 2)) for i in range(4)]))
    thrice = _only(_whole([trial(f"p{i}", "greedy", seed, credit=float(i % 2)) for i in range(4) for seed in range(3)]))
    assert once.accuracy is not None
    assert thrice.accuracy is not None
    assert thrice.n_problems == 4
    assert thrice.accuracy.estimate == once.accuracy.estimate
    assert thrice.accuracy.high - thrice.accuracy.low > 0.5, "three copies of a coin are one coin"


def test_accuracy_is_broken_down_by_group() -> None:
    found = _only(_whole([trial("p0", "greedy"), trial("p1", "greedy", credit=0.0), trial("p2", "greedy", credit=1.0)]))
    assert {value: (each.accuracy.estimate, each.n_problems) for value, each in found.breakdown["level"].items()} == {
        "easy": (1.0, 1),
        "hard": (0.5, 2),
    }


def test_problems_without_a_group_are_in_none() -> None:
    whole = _whole([trial("p0", "greedy"), trial("p1", "greedy")])
    bare = dataclasses.replace(whole, problems=(dataclasses.replace(whole.problems[0], groups={}), *whole.problems[1:]))
    assert list(_only(bare).breakdown["level"]) == ["hard"]


def test_confidence_is_calibrated_where_there_is_one() -> None:
    whole = evidence(VOTE, BEST, GREEDY, problems=30)
    rows = rows_by_arm(whole)
    vote, greedy = (summarise(rows[arm.label], whole).calibration for arm in (VOTE, GREEDY))
    assert greedy is None
    assert vote is not None
    assert vote.ece is not None
    assert 0 < vote.ece < 0.5
