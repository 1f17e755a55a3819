"""docs/experiments/stopping: the rule on recorded samples against the strategy itself, and against a slow reading of both."""

from __future__ import annotations

import csv
import importlib.util
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest
from scipy import stats

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "experiments" / "stopping"
RECORDS = ["small", "large"]


def _module(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"{name}_of_stopping_alone", FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def facts() -> ModuleType:
    return _module("facts")


@pytest.fixture(scope="module")
def replay() -> ModuleType:
    return _module("replay")


def _agreed(answers: Sequence[str]) -> bool:
    """The chance that the leader's true share against the runner-up is above one half, by numbers."""
    votes = [count for _, count in Counter(each for each in answers if each).most_common(2)] + [0, 0]
    return votes[0] > 0 and float(stats.beta.sf(0.5, votes[0] + 1, votes[1] + 1)) >= 0.95


def _slow(answers: Sequence[str], tokens: Sequence[int], window: int) -> tuple[str, ...]:
    """A row of replay.csv from the answer on, written token by token."""
    size, left, counted, agreed = len(answers), list(tokens), 0, False
    while counted < size and not agreed:
        for index in range(min(size, counted + window)):
            left[index] -= left[index] > 0
        while counted < size and left[counted] == 0 and not agreed:
            counted += 1
            agreed = _agreed(answers[:counted])
    votes = Counter(each for each in answers[:counted] if each)
    asked = [index for index in range(size) if index < window or index - window < counted - 1]
    numbers = (counted, len(asked), sum(tokens[index] for index in asked), sum(tokens) - sum(left))
    return (votes.most_common(1)[0][0] if votes else "", *map(str, numbers))


def test_a_slow_example_by_hand() -> None:
    """Four equal answers are enough. With three calls at once, 0 to 2 end at 2, 2 and 5; 3 and 4 begin at 2, 5 begins at 5."""
    assert _slow("7777999", [2, 2, 5, 9, 8, 7, 6], 3) == ("7", "4", "6", "33", "32")
    assert _slow("7777999", [2, 2, 5, 9, 8, 7, 6], 1) == ("7", "4", "4", "18", "18")


@pytest.mark.parametrize("name", RECORDS)
def test_the_rule_is_the_slow_one(facts: ModuleType, name: str) -> None:
    record = facts.recorded(facts.RECORDS[name])
    found = facts.simulated(record)
    assert len(found) == len(record.problems) * len(facts.WINDOWS)
    for place in range(0, len(record.problems), 20):
        tokens = record.tokens_P_N[place].astype(int).tolist()
        for window in facts.WINDOWS:
            assert found[record.problems[place], window] == _slow(record.answers[place], tokens, window)


@pytest.mark.parametrize("name", RECORDS)
def test_answers_are_equal_where_the_runs_said_so(facts: ModuleType, replay: ModuleType, name: str) -> None:
    record = facts.recorded(facts.RECORDS[name])
    for row, samples in zip(record.groups_P_N.tolist(), replay.recorded(name).values(), strict=True):
        said = [each.group for each in samples]
        assert [[a == b for b in row] for a in row] == [[a == b for b in said] for a in said]
        assert [group < 0 for group in row] == [group < 0 for group in said]


def test_every_run_of_the_strategy_did_what_the_rule_says(facts: ModuleType) -> None:
    records = {name: facts.recorded(facts.RECORDS[name]) for name in RECORDS}
    runs = sum(len(each.problems) for each in records.values()) * len(facts.WINDOWS)
    assert facts._replayed(records) == f"{runs} of {runs}"


@pytest.mark.parametrize("name", RECORDS)
async def test_the_strategy_does_it_again_in_this_order_and_another(replay: ModuleType, name: str) -> None:
    with (FOLDER / "replay.csv").open(encoding="utf-8", newline="") as file:
        written = {(row["record"], row["problem"], row["window"]): tuple(row.values())[3:] for row in csv.DictReader(file)}
    early = next(problem for (record, problem, _), row in written.items() if (record, row[1]) == (name, "4"))
    samples, model = replay.recorded(name)[early], replay.RecordedModel()
    async with replay.opened(model) as session:
        for window in replay.WINDOWS:
            row = tuple(map(str, await replay.replay(session, model, name, samples, window)))
            assert row[3:] == written[name, early, str(window)]
        back = samples[::-1]
        row = tuple(map(str, await replay.replay(session, model, name, back, 4)))
        assert row[3:] == _slow([each.answer or "" for each in back], [replay.tokens_of(each) for each in back], 4)
