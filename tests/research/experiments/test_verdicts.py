"""What verifiers are said to have found, on fixtures and against slow formulas on random inputs."""

from __future__ import annotations

import csv
import dataclasses
import io
import math
import random
from collections import defaultdict
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import pytest

from symposia.research.experiments.files import in_order, load, save
from symposia.research.experiments.findings import study
from symposia.research.experiments.first_errors import mean_f1
from symposia.research.experiments.records import Arm, Evidence, ProblemRow, Sample
from symposia.research.experiments.verdicts import Judged, pair_credit, verdict, wrong_step
from symposia.research.experiments.verifiers import VerifierSummary
from symposia.research.reports import terminal_table, write_report
from symposia.research.reports.render import WIDTH
from symposia.research.reports.results import write_results
from symposia.research.statistics.intervals import bootstrap_figure

from ..invented import PLAN, POLICY, sample, trial


@pytest.mark.parametrize(
    ("judged", "answer"),
    [
        (Judged(0.2, (0.9, 0.2, 0.8)), "1"),
        (Judged(0.5, (0.9, 0.5)), "-1"),
        (Judged(None, (0.9, 0.2, None)), "1"),
        (Judged(None, (None, 0.2)), None),
        (Judged(0.9, (None, 0.9)), None),
        (Judged(0.5), "-1"),
        (Judged(0.49), None),
        (Judged(None), None),
    ],
)
def test_of_one_solution_the_first_wrong_step_is_said_where_there_is_one(judged: Judged, answer: str | None) -> None:
    said = verdict([judged], [0.0])
    assert (said.answer, said.credit) == (answer, 0.0)
    assert wrong_step(judged) == (None if answer is None else int(answer))
    assert bool(said.reason) is (answer is None)


def test_who_judges_the_whole_names_no_step() -> None:
    assert verdict([Judged(0.1)], [0.0]).reason == "the solution is called wrong, but no step of it is named"
    assert verdict([Judged(None)], [0.0]).reason == "no verdict: a score is missing"


@pytest.mark.parametrize(
    ("scores", "answer", "credit"),
    [
        ((0.7, 0.2), "A", 0.0),
        ((0.2, 0.7), "B", 0.0),
        ((0.4, 0.4), None, 0.5),
        ((0.4, None), None, 0.0),
        ((None, None), None, 0.0),
    ],
)
def test_of_two_solutions_the_better_is_said_and_a_tie_is_no_decision(
    scores: tuple[float | None, ...], answer: str | None, credit: float
) -> None:
    said = verdict([Judged(score) for score in scores], [0.0, 1.0])
    assert (said.answer, said.credit) == (answer, credit)


def test_of_several_that_tie_the_share_of_worth_counts() -> None:
    assert verdict([Judged(0.9), Judged(0.9), Judged(0.1)], [0.0, 1.0, 1.0]) == (
        None,
        "no verdict: the best scores are equal",
        0.5,
    )
    assert verdict([Judged(0.1), Judged(0.1), Judged(0.4)], [0.0, 0.0, 1.0]).answer == "C"


def test_a_pair_without_both_scores_is_wrong() -> None:
    assert [pair_credit(*pair) for pair in ((0.9, 0.1), (0.1, 0.9), (0.3, 0.3), (None, 0.1), (0.9, None))] == [1, 0, 0.5, 0, 0]


def test_f1_is_the_harmonic_mean_of_both_shares() -> None:
    assert mean_f1(np.array([4.0, 10, 9, 10])) == pytest.approx(0.5538, abs=5e-5)
    assert mean_f1(np.array([0.0, 10, 10, 10])) == 0, "whoever never finds an error"
    assert mean_f1(np.array([0.0, 10, 0, 10])) == 0
    assert mean_f1(np.array([4.0, 10, 9, 10, 10, 10, 10, 10])) == pytest.approx((0.55385 + 1) / 2, abs=1e-4)
    assert math.isnan(mean_f1(np.array([0.0, 0, 9, 10])))


STEPS = Arm(label="steps", strategy="verify", options={"verifier": "generative"}, team=POLICY)
WHOLE = Arm(label="whole", strategy="verify", options={"verifier": "judge"}, team=POLICY)
OTHER = Arm(label="other", strategy="verify", options={"verifier": "process-reward"}, team=POLICY)


def processbench(*arms: Arm, problems: int = 60, draw: int = 0, seeds: tuple[int, ...] = (0,)) -> Evidence:
    """Solutions of six steps; ``whole`` judges them as a whole."""
    chance = random.Random(draw)
    rows, trials, samples = [], [], []
    for number in range(problems):
        label = chance.choice([-1, chance.randrange(6)])
        subset = chance.choice(["gsm8k", "math"])
        groups = {"subset": subset, "solution": "correct" if label < 0 else "erroneous"}
        rows.append(ProblemRow(id=f"p{number:03}", gold=str(label), groups=groups))
        for arm in arms:
            for seed in seeds:
                steps = tuple(
                    None
                    if chance.random() < 0.02
                    else round(chance.uniform(0, 0.7) if step == label else chance.uniform(0.3, 1), 3)
                    for step in range(6)
                )
                score = None if None in steps else min(step for step in steps if step is not None)
                kept = () if arm is WHOLE else steps
                credit = float(wrong_step(Judged(score, kept)) == label)
                one = sample(rows[-1].id, arm.label, seed=seed, answer=None, group=-1, credit=float(label < 0), score=score)
                samples.append(dataclasses.replace(one, steps=kept, completion_tokens=None, logprob=None, rule=None))
                tools = {"checks": 3, "failed_checks": number % 2} if arm is STEPS else {}
                changes: dict[str, Any] = {"credits": {}, "credit": credit, "tools": tools, "calls": 6, "dollars": 0.01}
                trials.append(trial(rows[-1].id, arm.label, seed, **changes))
    return Evidence("bench", {**PLAN, "seeds": list(seeds)}, arms, tuple(rows), tuple(trials), tuple(samples))


def slow_f1(whole: Evidence, arm: str, subset: str) -> tuple[float, float, float]:
    """The definition, sample by sample."""
    hits: dict[bool, list[bool]] = defaultdict(list)
    for row in whole.problems:
        for one in whole.samples:
            if (one.problem, one.arm, row.groups["subset"]) == (row.id, arm, subset):
                below = [step is None or step < 0.5 for step in one.steps]
                place = below.index(True) if any(below) else -1
                unknown = place >= 0 and one.steps[place] is None
                hits[row.gold == "-1"].append(not unknown and str(place) == row.gold)
    a, b = fmean(hits[False]), fmean(hits[True])
    return a, b, 2 * a * b / (a + b) if a + b else 0.0


@pytest.mark.parametrize("draw", range(4))
def test_first_errors_are_those_of_the_slow_formula(draw: int) -> None:
    whole = processbench(STEPS, OTHER, draw=draw, seeds=(0, 1))
    for found in study(whole).verifiers:
        assert found.by_steps
        for part in found.first_errors:
            slow = slow_f1(whole, found.arm, part.subset)
            assert part.found
            assert part.cleared
            assert part.f1
            assert (part.found.estimate, part.cleared.estimate, part.f1.estimate) == pytest.approx(slow)
            assert 0 <= part.f1.low <= part.f1.estimate <= part.f1.high <= 1
        assert found.f1 is not None
        assert found.f1.estimate == pytest.approx(fmean(part.f1.estimate for part in found.first_errors if part.f1))
        mine = [one for one in whole.samples if one.arm == found.arm]
        assert found.n_unscored == sum(one.score is None for one in mine)
        known = [(one.score, one.credit) for one in mine if one.score is not None]
        assert found.calibration.brier == pytest.approx(fmean((score - credit) ** 2 for score, credit in known))


def test_f1_is_compared_on_the_same_problems() -> None:
    whole = processbench(STEPS, OTHER, draw=5)
    first, other = study(whole).verifiers
    assert first.f1_difference is None
    assert other.f1_difference is not None
    assert first.f1
    assert other.f1
    difference = other.f1_difference
    assert (difference.against, difference.n_problems) == ("steps", 60)
    assert difference.f1.estimate == pytest.approx(other.f1.estimate - first.f1.estimate)
    assert difference.f1.low < difference.f1.estimate < difference.f1.high
    turned = study(whole, baseline="other").verifiers[0].f1_difference
    assert turned is not None
    assert turned.f1.estimate == pytest.approx(-difference.f1.estimate)
    (compared,) = study(whole).comparisons
    credit = {arm: fmean(one.credit for one in whole.trials if one.arm == arm) for arm in ("steps", "other")}
    assert compared.difference.estimate == pytest.approx(credit["other"] - credit["steps"])
    assert (compared.a, compared.b, compared.note) == ("other", "steps", "")


def test_an_arm_is_no_different_from_itself() -> None:
    whole = processbench(STEPS, problems=30)
    twin = STEPS.model_copy(update={"label": "twin"})
    double = dataclasses.replace(
        whole,
        arms=(STEPS, twin),
        trials=(*whole.trials, *(dataclasses.replace(one, arm="twin") for one in whole.trials)),
        samples=(*whole.samples, *(dataclasses.replace(one, arm="twin") for one in whole.samples)),
    )
    difference = study(double).verifiers[1].f1_difference
    assert difference is not None
    assert difference.f1.estimate == 0
    assert difference.f1.low < 0 < difference.f1.high, "few problems never show that two are alike"


def test_who_judges_the_whole_has_no_f1_and_is_compared_by_right_and_wrong() -> None:
    whole = processbench(STEPS, WHOLE, draw=6)
    steps, judge = study(whole).verifiers
    assert (judge.by_steps, judge.f1, judge.f1_difference) == (False, None, None)
    for part in judge.first_errors:
        assert (part.found, part.f1) == (None, None)
        fine = [row.id for row in whole.problems if row.gold == "-1" and row.groups["subset"] == part.subset]
        cleared = [
            one.score is not None and one.score >= 0.5 for one in whole.samples if one.arm == "whole" and one.problem in fine
        ]
        assert part.cleared
        assert part.cleared.estimate == pytest.approx(fmean(cleared))
    (compared,) = study(whole).comparisons
    assert compared.note.startswith("They are compared by whether they call solutions right or wrong")
    assert steps.right_side
    assert judge.right_side
    assert compared.difference.estimate == pytest.approx(judge.right_side.estimate - steps.right_side.estimate)


def test_always_calling_it_correct_is_worth_nothing() -> None:
    whole = processbench(STEPS, problems=40)
    lenient = dataclasses.replace(
        whole, samples=tuple(dataclasses.replace(one, score=0.9, steps=(0.9,) * 6) for one in whole.samples)
    )
    (found,) = study(lenient).verifiers
    assert found.f1
    assert (found.f1.estimate, found.f1.low) == (0, 0)
    assert found.f1.high > 0, "forty solutions do not show that it never finds one"
    assert all(part.cleared and part.cleared.estimate == 1 for part in found.first_errors)


def tara(*scores: tuple[float | None, float | None]) -> Evidence:
    """Pairs of which the first is the better, tools in turn."""
    tools = ("calculator", "calendar")
    rows = [ProblemRow(id=f"p{n}", gold="A", groups={"tool": tools[n % 2]}) for n in range(len(scores))]
    samples: list[Sample] = []
    trials = []
    for row, pair in zip(rows, scores, strict=True):
        credit = pair_credit(*pair)
        trials.append(
            trial(row.id, "whole", credits={}, credit=credit, answer=None, calls=3, completion_tokens=50, prompt_tokens=0)
        )
        samples += [
            sample(row.id, "whole", index, answer=None, group=-1, credit=1.0 - index, score=score)
            for index, score in enumerate(pair)
        ]
    return Evidence("pairs", PLAN, (WHOLE,), tuple(rows), tuple(trials), tuple(samples))


def test_pairs_are_counted_by_tool_with_ties_and_what_is_missing() -> None:
    findings = study(tara((0.9, 0.1), (0.4, 0.4), (0.2, 0.8), (None, 0.3), (0.6, 0.5), (0.7, 0.1)))
    (found,) = findings.verifiers
    by_tool = {part.tool: (part.n, part.accuracy.estimate, part.n_ties, part.n_unscored) for part in found.pairs}
    assert by_tool == {
        "calculator": (3, pytest.approx(2 / 3), 0, 0),
        "calendar": (3, pytest.approx(0.5), 1, 1),
    }
    assert (found.first_errors, found.f1, found.by_steps, found.n_solutions, found.n_unscored) == ((), None, False, 12, 1)
    assert found.right_side
    assert found.right_side.estimate == pytest.approx(7 / 12)
    taken = found.a_verdict
    assert taken is not None
    assert (taken.calls, taken.cost_tokens, taken.dollars, taken.seconds) == (1.5, 25, None, 1.0)
    (arm,) = findings.arms
    assert arm.oracle is None, "the better of two that were given is nobody's success"
    assert arm.accuracy
    assert arm.accuracy.estimate == pytest.approx(3.5 / 6)


def test_nothing_scored_is_said_not_hidden() -> None:
    (found,) = study(tara((None, None), (None, None))).verifiers
    assert (found.n_unscored, found.calibration.brier, found.calibration.auroc) == (4, None, None)
    assert [part.accuracy.estimate for part in found.pairs] == [0, 0]
    empty = dataclasses.replace(tara((0.5, 0.5)), trials=(), samples=())
    (none,) = study(empty).verifiers
    assert (none.n_solutions, none.right_side, none.a_verdict, none.pairs) == (0, None, None, ())
    assert "whole" in terminal_table(study(empty))


def test_intervals_of_f1_hold_what_they_should() -> None:
    """Drawn again and again from a verifier that finds 40 % of errors and clears 70 %: F1 is .509."""
    chance = np.random.default_rng(3)
    made_up = [[0.5, 0.5, 0, 0], [0, 0.5, 0, 0], [0, 0, 0.5, 0.5], [0, 0, 0, 0.5]]
    true = float(mean_f1(np.array([0.4, 1, 0.7, 1])))
    held = 0
    for round_ in range(120):
        wrong = chance.random((25, 1)) < 0.4
        fine = chance.random((25, 1)) < 0.7
        rows = np.block([[wrong, np.ones((25, 1)), np.zeros((25, 2))], [np.zeros((25, 2)), fine, np.ones((25, 1))]])
        found = bootstrap_figure(rows, mean_f1, made_up, draws=500, seed=round_)
        held += found.low <= true <= found.high
    assert held >= 108, f"{held} of 120 intervals of 95 % hold the truth"


def test_a_figure_needs_problems() -> None:
    with pytest.raises(ValueError, match="two rows at least"):
        bootstrap_figure([[1.0, 1, 1, 1]], mean_f1, [[0.5, 0.5, 0, 0]])
    with pytest.raises(ValueError, match="have one together"):
        bootstrap_figure([[1.0, 1, 0, 0], [1, 1, 0, 0]], mean_f1, [[0.5, 0.5, 0, 0]])


def _said(summary: VerifierSummary) -> dict[str, float | None]:
    return {"n_solutions": summary.n_solutions, "n_checks": summary.n_checks, "n_failed_checks": summary.n_failed_checks}


def test_report_and_results_say_it(tmp_path: Path) -> None:
    whole = processbench(STEPS, WHOLE, OTHER, draw=7)
    findings = study(whole)
    text = terminal_table(findings)
    assert max(map(len, text.splitlines())) <= WIDTH
    for title in ("First errors, in per cent", "Scores against what", "What a verdict takes", "Comparisons, in points of right"):
        assert title in text
    for title in ("Accuracy, in per cent", "Selectors", "pass@N", "•"):
        assert title not in text
    assert "whole judges solutions as a whole: it names no step, and has no F1." in text
    assert "F1 of other less that of steps:" in text
    assert [path.name for path in write_report(findings, tmp_path).files] == ["report.md", "results.csv"]
    file = io.StringIO()
    write_results(findings, file)
    rows = [row for row in csv.DictReader(io.StringIO(file.getvalue())) if row["what"] == "verifier"]
    for summary in findings.verifiers:
        mine = {row["name"]: row["estimate"] for row in rows if row["arm"] == summary.arm}
        assert {name: float(mine[name]) for name in _said(summary)} == _said(summary)
        assert ("f1" in mine) is summary.by_steps
    pairs = terminal_table(study(tara((0.9, 0.1), (0.4, 0.4))))
    assert "Pairs, in per cent" in pairs
    assert "First errors" not in pairs


def test_evidence_from_before_steps_were_kept_is_read(tmp_path: Path) -> None:
    whole = processbench(STEPS, problems=5)
    save(whole, tmp_path)
    assert load(tmp_path) == in_order(whole)
    with (tmp_path / "candidates.csv").open(newline="") as file:
        rows = [row[:-2] for row in csv.reader(file)]
    with (tmp_path / "candidates.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    assert all(one.steps == () for one in load(tmp_path).samples)
