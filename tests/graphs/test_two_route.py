"""``two-route`` keeps to its card: both routes a round, until they agree or the rounds are over."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from symposia.core.errors import ConfigError, RejectedError
from symposia.core.problem import Problem
from symposia.core.result import Result, Status, StopReason
from symposia.graphs.registry import STRATEGIES
from symposia.runtime.session import Session
from symposia.testing import ScriptedCall, ScriptedModel, fake_spec

from .hosts import Opener

TWO = STRATEGIES.get("two-route")
PENS = "Ann has 3 bags of 4 pens. How many pens is that?"
ROUND = ["two-route/begin.{}.0", "two-route/begin.{}.1", "two-route/apply.{}.0"]


def rounds(count: int) -> list[str]:
    return [key.format(number) for number in range(count) for key in ROUND]


def model(
    direct: list[Any], informed: list[Any], knowledge: str = "Multiply bags by pens.", fail: Callable[..., Any] | None = None
) -> ScriptedModel:
    """Answers of the two routes by round."""
    left = {"direct": iter(direct), "informed": iter(informed)}

    def reply(prompt: str, sample: int) -> str:
        if "Write down only the knowledge" in prompt:
            return knowledge
        said = next(left["informed" if "<notes>" in prompt else "direct"])
        return "FAKE: hm" if said is None else rf"FAKE. \boxed{{{said}}}"

    return ScriptedModel(reply, fail=fail)


async def solve(session: Session, **changes: Any) -> Result:
    return await session.solve(PENS, strategy="two-route", team="fake", answer_kind="number", **changes)


def asked(scripted: ScriptedModel) -> list[str]:
    return [call.tag.partition("/")[2] for call in scripted.calls]


async def test_equal_answers_of_both_routes_are_enough(opened: Opener) -> None:
    scripted = model([12], [12])
    async with opened(scripted) as session:
        result = await solve(session)
        replayed = await session.replay(result.run_id)
    assert asked(scripted) == rounds(1)
    direct, writing, informed = (call.request for call in scripted.calls)
    assert direct.messages[1:] == Problem.of(PENS).messages
    assert f"{PENS}\n</message>\n</conversation>" in writing.messages[0].text
    assert "Do not solve it" in writing.messages[0].text
    assert informed.messages[0] == direct.messages[0]
    assert informed.messages[1].text.startswith(f"{PENS}\n\nThese notes hold knowledge")
    assert "<notes>\nMultiply bags by pens.\n</notes>" in informed.messages[1].text
    assert {request.temperature for request in (direct, writing, informed)} == {0.7}
    assert (result.answer, result.decided_by, result.confidence) == ("12", "agreement", 1)
    assert (result.stop_reason, result.candidate.id) == (StopReason.AGREED, "two-route/begin.0.0#0")
    assert replayed.model_copy(update={"seconds": result.seconds}) == result


async def test_both_routes_are_taken_again_until_they_agree(opened: Opener) -> None:
    scripted = model([7, 7, 12], [8, 9, 12])
    async with opened(scripted) as session:
        result = await solve(session)
    assert asked(scripted) == rounds(3)
    assert len({call.request.seed for call in scripted.calls}) == len(scripted.calls), "samples of later rounds are new ones"
    assert (result.answer, result.decided_by, result.confidence) == ("12", "agreement", pytest.approx(2 / 6))
    assert {name: pick.answer for name, pick in result.selections.items()} == {"majority": "7", "agreement": "12"}


async def test_where_they_never_agree_everything_seen_is_voted_on(opened: Opener) -> None:
    scripted = model([7, 12], [8, 7])
    async with opened(scripted) as session:
        result = await solve(session, options={"rounds": 2})
    assert asked(scripted) == rounds(2)
    assert (result.answer, result.decided_by, result.confidence) == ("7", "majority", 0.5)
    assert result.stop_reason is StopReason.FINISHED
    assert TWO.cost(TWO.configure({"rounds": 2}), {"policy": fake_spec()}, Problem.of(PENS)) == (3, 6)


async def test_what_nobody_can_read_is_no_agreement(opened: Opener) -> None:
    async with opened(model([None] * 3, [None] * 3)) as session:
        result = await solve(session)
    assert (result.status, result.unparsed) == (Status.NO_ANSWER, 6)


async def test_without_knowledge_there_is_no_second_route_and_it_is_said(opened: Opener) -> None:
    scripted, heard = model([12, 12], [], knowledge=" "), []
    async with opened(scripted) as session:
        result = await solve(session, options={"rounds": 2}, listener=heard.append)
    assert asked(scripted) == [key.format(number) for number in range(2) for key in ROUND[:2]]
    assert (result.answer, result.decided_by, len(result.candidates)) == ("12", "majority", 2)
    assert [event.message for event in heard if event.type == "warned"] == [
        f"no knowledge was written in round {number}, which therefore has no second route" for number in (1, 2)
    ]


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_a_failed_call_costs_its_round_the_agreement(opened: Opener, place: int) -> None:
    def fail(call: ScriptedCall) -> RejectedError | None:
        return RejectedError("not today") if call.index == place else None

    scripted = model([12, 12], [12, 12], fail=fail)
    async with opened(scripted) as session:
        result = await solve(session)
    assert (result.answer, result.decided_by, result.confidence) == ("12", "agreement", 1)
    assert len(result.candidates) == 3
    assert len(scripted.calls) == (5 if place == 1 else 6)


@pytest.mark.parametrize(("calls", "answer"), [(1, "12"), (2, "12"), (3, "12"), (4, "12")])
async def test_a_budget_that_ends_leaves_the_vote_over_what_was_seen(opened: Opener, calls: int, answer: str) -> None:
    async with opened(model([12, 7], [8, 9])) as session:
        result = await solve(session, budget=f"calls={calls}")
    assert (result.answer, result.stop_reason, result.decided_by) == (answer, StopReason.BUDGET, "majority")
    assert sum(usage.calls for usage in result.usage.values()) == calls


async def test_there_is_at_least_one_round() -> None:
    with pytest.raises(ConfigError, match="rounds"):
        TWO.configure({"rounds": 0})
