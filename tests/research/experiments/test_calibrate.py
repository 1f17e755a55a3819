"""From an experiment's trials to a calibration, and every reason why there is none."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from symposia.core.errors import EvidenceError, UnknownNameError
from symposia.graphs.registry import STRATEGIES
from symposia.research.experiments.calibrate import calibrate
from symposia.research.experiments.records import Arm, Evidence, Trial
from symposia.research.statistics.confidence_maps import isotonic_map, platt_map

from ..invented import BEST, GREEDY, VOTE, evidence


def planned(arm: Arm) -> dict[str, Any]:
    config = STRATEGIES.get(arm.strategy).configure(arm.options).model_dump(mode="json")
    models = {**arm.team, "spare": "unused"}
    return {
        "arm": arm.model_dump(mode="json"),
        "config": config,
        "models": models,
        "prompts": {"policy.number": "00"},
        "budget": "no cap",
    }


def development(*arms: Arm, problems: int = 40, seeds: tuple[int, ...] = (0,)) -> Evidence:
    found = evidence(*arms, problems=problems, seeds=seeds)
    return dataclasses.replace(found, plan={**found.plan, "arms": [planned(arm) for arm in arms]})


def changed(found: Evidence, change: Callable[[Trial], dict[str, Any]]) -> Evidence:
    return dataclasses.replace(found, trials=tuple(dataclasses.replace(trial, **change(trial)) for trial in found.trials))


def test_it_holds_for_what_was_run_and_says_on_what_it_was_fitted() -> None:
    found = calibrate(development(GREEDY, VOTE))
    rows = [(trial.confidence, trial.credit) for trial in development(VOTE).trials if trial.confidence is not None]
    sure, right = [row[0] for row in rows], [row[1] for row in rows]
    assert (found.strategy, found.config["n"], found.models) == ("self-consistency", 8, {"policy": "small"})
    assert (found.prompts, found.data.task, found.data.split) == ({"policy.number": "00"}, "sums", "dev")
    assert (found.data.experiment, found.data.arm, found.data.fingerprint) == ("sums", "self-consistency", "f00d")
    assert found.data.n + found.data.unsure == 40
    assert [fit.method for fit in found.fits] == ["none", "isotonic", "platt"]
    assert [fit.gain is None for fit in found.fits] == [True, False, False]
    only = calibrate(development(VOTE))
    assert only.map == isotonic_map(sure, right)
    assert only.data.right == sum(right)
    assert calibrate(development(VOTE), method="platt").map == platt_map(sure, right)


def test_the_data_have_a_hash_of_every_row() -> None:
    one = calibrate(development(VOTE))
    assert calibrate(development(VOTE)) == one
    other = development(VOTE)
    last = max(index for index, trial in enumerate(other.trials) if trial.confidence is not None)
    trials = list(other.trials)
    trials[last] = dataclasses.replace(trials[last], confidence=0.123)
    assert calibrate(dataclasses.replace(other, trials=tuple(trials))).data.sha256 != one.data.sha256


def test_all_seeds_make_the_map_and_the_first_one_the_thresholds() -> None:
    one, three = calibrate(development(VOTE)), calibrate(development(VOTE, seeds=(0, 1, 2)))
    assert three.data.problems == 40
    assert three.data.n > 2 * one.data.n
    assert three.accept.problems == 40
    assert three.stop is not None
    assert three.stop.problems == 40


def test_the_thresholds_are_what_was_seen_beyond_them() -> None:
    found = calibrate(development(VOTE, problems=80), risk=0.2)
    trials = [trial for trial in development(VOTE, problems=80).trials if trial.confidence is not None]
    assert found.accept.confidence is not None
    taken = [trial.credit for trial in trials if (trial.confidence or 0) >= found.accept.confidence]
    assert (found.accept.taken, found.accept.wrong) == (len(taken), taken.count(0))
    assert (found.accept.wrong + 1) / 81 <= 0.2
    assert found.stop is not None
    assert found.stop.confidence is not None
    assert found.stop.confidence > found.accept.confidence, "few votes say less than all"
    assert (found.stop.wrong + 1) / 81 <= 0.2


def test_where_nothing_can_be_promised_it_says_the_least_that_can() -> None:
    found = calibrate(development(VOTE), risk=0.02).accept
    assert (found.confidence, found.taken, found.problems) == (None, 0, 40)
    assert found.least is not None
    assert found.least > 0.02
    assert calibrate(development(VOTE), risk=found.least).accept.confidence is not None


def test_scores_have_no_threshold_for_stopping_by_share_where_samples_cannot_tell() -> None:
    best = development(BEST)
    assert calibrate(best).stop is not None
    early = changed(best, lambda _: {"stop_reason": "agreed"})
    assert calibrate(early).stop is None


def test_what_was_cut_short_is_left_out_of_the_map_and_never_taken() -> None:
    found = development(VOTE, problems=60)
    cut = changed(found, lambda trial: {"stop_reason": "budget"} if trial.problem < "p030" else {})
    fitted = calibrate(cut)
    assert fitted.data.cut == 30
    assert fitted.data.n + fitted.data.unsure == 30
    assert fitted.accept.problems == 60


def refused(found: Evidence, message: str, arm: str | None = None) -> None:
    with pytest.raises(EvidenceError, match=message):
        calibrate(found, arm)


def test_a_test_split_is_refused() -> None:
    found = development(VOTE)
    refused(
        dataclasses.replace(found, plan={**found.plan, "split": "test"}),
        "sums is on the test split, .* development problems only",
    )


def test_confidences_are_needed() -> None:
    refused(development(GREEDY), "no arm of sums has a confidence")
    refused(development(GREEDY, VOTE), "no answer of arm greedy of sums has a confidence", "greedy")


def test_enough_problems_are_needed_however_many_seeds() -> None:
    refused(development(VOTE, problems=8, seeds=(0, 1, 2)), "has 8 problems with a confidence, and a calibration needs 20")


@pytest.mark.parametrize(("credit", "said"), [(1.0, "right"), (0.5, "wrong"), (0.0, "wrong")])
def test_answers_that_are_all_alike_tell_nothing(credit: float, said: str) -> None:
    refused(
        changed(development(VOTE), lambda _: {"credit": credit}), rf"all \d+ answers of arm self-consistency of sums are {said}"
    )


def test_the_arm_is_named_where_several_have_a_confidence() -> None:
    both = development(VOTE, BEST)
    refused(both, "2 arms of sums have a confidence: self-consistency, best-of-n")
    assert calibrate(both, "best-of-n").models == {"policy": "small", "verifier": "judge"}
    with pytest.raises(UnknownNameError, match=r"unknown arm 'best-off-n' in sums .did you mean 'best-of-n'"):
        calibrate(both, "best-off-n")


def test_a_plan_that_does_not_say_how_the_arm_was_configured() -> None:
    refused(evidence(VOTE, problems=40), "does not say how its arm self-consistency was configured")
    found = development(VOTE)
    refused(dataclasses.replace(found, plan={**found.plan, "arms": [{"arm": 1}]}), "does not say how its arm")
