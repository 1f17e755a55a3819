"""docs/experiments/first: the evidence follows from the answers, and nothing in it was paid twice."""

from __future__ import annotations

import csv
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest

from symposia.research.experiments.files import load
from symposia.research.experiments.scores import rows_by_arm

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "experiments" / "first"
RECORDS = {"small": (100, 16), "large": (60, 8)}


@pytest.mark.parametrize("record", RECORDS)
def test_grades_and_votes_follow_from_the_answers(record: str) -> None:
    """Counted here by hand, with none of the library's rules."""
    evidence = load(FOLDER / record)
    gold = {problem.id: Fraction(problem.gold) for problem in evidence.problems}
    rows = rows_by_arm(evidence)
    assert [len(rows[arm].trials) for arm in ("greedy", "self-consistency")] == 2 * [RECORDS[record][0]]
    assert not any(each.left_out for each in rows.values())
    for pair, samples in rows["self-consistency"].samples.items():
        assert [each.index for each in samples] == list(range(RECORDS[record][1]))
        for each in samples:
            assert each.credit == (_value(each.answer) == gold[pair.problem]), pair
        votes = Counter(_value(each.answer) for each in samples if each.answer is not None)
        picked = next((answer for answer, count in votes.items() if count == max(votes.values())), None)
        trial = rows["self-consistency"].trials[pair]
        assert trial.credit == (picked == gold[pair.problem]), pair
        assert trial.completion_tokens == sum(each.completion_tokens or 0 for each in samples)
    for trial in rows["greedy"].trials.values():
        assert trial.credit == (_value(trial.answer) == gold[trial.problem])


def _value(answer: str | None) -> Fraction | str | None:
    """The number, or the text of what is none: 4790 \\div 60 is worked out by nobody."""
    try:
        return None if answer is None else Fraction(answer)
    except ValueError:
        return answer


def test_under_two_in_a_hundred_answers_were_cut() -> None:
    for record in RECORDS:
        samples = load(FOLDER / record).samples
        assert sum(each.finish == "length" for each in samples) < 0.02 * len(samples)


def test_nothing_that_had_come_back_was_asked_for_again() -> None:
    with (FOLDER / "interruptions.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) >= 3
    assert [row["made_again"] for row in rows] == len(rows) * ["0"]
    came_back = [int(row["came_back"]) for row in rows]
    assert came_back == sorted(set(came_back))
    problems, samples = RECORDS["large"]
    assert came_back[-1] == problems * (samples + 1)
