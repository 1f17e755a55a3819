"""Asking in two ways until both agree: what the rule keeps and what it does not, and what becomes of a run that is stopped."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from symposia.core.problem import Problem
from symposia.core.result import Status, StopReason
from symposia.graphs.stopping import window_agrees
from symposia.testing import ScriptedCall, ScriptedModel

from .hosts import Opener


def winner(groups: Sequence[int]) -> int:
    """Who wins where samples come in pairs: the first pair that agrees decides, else plurality, ties by first place."""
    for end in range(2, len(groups) + 1, 2):
        if window_agrees(groups[:end], 2):
            return groups[end - 1]
    return max(groups, key=groups.count)


def test_agreement_is_label_symmetric_and_outvotes_what_was_said_before() -> None:
    groups = [0, 1, 0, 3, 2, 2]
    assert winner(groups) == 2
    assert winner([9 - group for group in groups]) == 7


def test_agreement_is_not_permutation_invariant() -> None:
    assert winner([0, 1, 0, 1, 2, 2]) == 2
    assert winner([0, 0, 1, 1, 2, 2]) == 0


def test_agreement_is_not_monotone() -> None:
    """One more vote for the winner, ahead of the others, pairs them otherwise: now nothing agrees, and plurality decides."""
    votes = [0, 1, 0, 1, 0, 1, 0, 1, 2, 2]
    assert winner(votes) == 2
    assert winner([2, *votes]) == 0


def says(prompt: str, sample: int) -> str:
    """What leads each strategy through all of its steps."""
    if "Rephrase" in prompt:
        return ("FAKE: what do 1 and 1 come to?", "FAKE: what?")[sample]
    if "Conditions" in prompt and "<notes>" not in prompt:
        return "FAKE Conditions: 1. 1 and 1 are added. Question: how much"
    return rf"FAKE. \boxed{{{2 if '<notes>' in prompt and 'the question above' not in prompt else 1 + sample % 2}}}"


@pytest.mark.parametrize(
    ("strategy", "options", "calls"),
    [
        ("sift", {}, 4),
        ("two-route", {"rounds": 2}, 3),
        ("divide-and-conquer", {"n": 2, "again": 2, "batched": False}, 4),
        ("multi-view", {"n": 3, "batched": False}, 2),
    ],
)
async def test_a_run_that_a_person_stops_goes_on_as_if_nothing_had_happened(
    opened: Opener, strategy: str, options: dict[str, Any], calls: int
) -> None:
    halting: list[Any] = []

    def halt(call: ScriptedCall) -> None:
        if call.index == calls - 1 and halting:
            halting.pop().control.halt(StopReason.STEERED)

    asked: dict[str, Any] = {"strategy": strategy, "team": "fake", "options": options}
    async with opened(ScriptedModel(says, fail=halt, latency=0.001)) as session:
        whole = await session.solve("How much is 1 + 1?", **asked)
        heard: list[Any] = []
        calls += whole.total_usage.calls
        record = await session.create(Problem.of("How much is 1 + 1?"), **asked)
        execution = await session.execution(record.id, listener=heard.append)
        halting.append(execution)
        stopped = await execution.execute()
        assert (stopped.status, stopped.stop_reason) == (Status.CANCELLED, StopReason.STEERED)
        assert not [event for event in heard if event.type == "warned"], "what is missing may yet come"
        resumed = await session.resume(record.id)
    apart = {"run_id", "usage", "seconds", "failures"}
    assert resumed.model_dump(exclude=apart) == whole.model_dump(exclude=apart)
