"""``divide-and-conquer`` keeps to its card: a clear vote is accepted, any other is asked again with help."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from symposia.core.errors import ConfigError, ProblemError, RejectedError
from symposia.core.model_spec import Ability
from symposia.core.problem import Problem
from symposia.core.result import Result, Status, StopReason
from symposia.graphs.divide_and_conquer import confidence_score
from symposia.graphs.registry import STRATEGIES
from symposia.runtime.session import Session
from symposia.testing import ScriptedCall, ScriptedModel, fake_spec

from .hosts import Opener

DIVIDE = STRATEGIES.get("divide-and-conquer")
PLAIN = (Ability.CHAT, Ability.SEED)
SQUARE = Problem.of("Which is a square? (A) 8 (B) 9 (C) 10 (D) 16", answer_kind="choice")
PENS = Problem.of("Ann has 3 bags of 4 pens. How many pens is that?", answer_kind="number")


def model(
    first: Sequence[Any],
    second: Sequence[Any] = (),
    knowledge: str = "Squares are n times n.",
    fail: Callable[..., Any] | None = None,
) -> ScriptedModel:
    """Answers by sample number at first, and asked again with help; None for one that cannot be read."""
    left = iter(second)

    def reply(prompt: str, sample: int) -> str:
        if "Write down only the knowledge" in prompt:
            return knowledge
        said = first[sample] if sample < len(first) and not helped(prompt) else next(left)
        return "FAKE: hm" if said is None else rf"FAKE. \boxed{{{said}}}"

    return ScriptedModel(reply, fail=fail)


def helped(prompt: str) -> bool:
    return any(mark in prompt for mark in ("<notes>", "options are left", "different answers"))


async def solve(session: Session, problem: Problem = SQUARE, listener: Any = None, budget: Any = None, **options: Any) -> Result:
    given = {"n": 4, "again": 3, "batched": False, **options}
    return await session.solve(
        problem, strategy="divide-and-conquer", team="fake", options=given, listener=listener, budget=budget
    )


def asked(scripted: ScriptedModel) -> list[str]:
    return [call.tag.partition("/")[2].partition("/")[2] for call in scripted.calls]


def warned(heard: list[Any]) -> list[str]:
    return [event.code for event in heard if event.type == "warned"]


def bounds(*abilities: Ability, **options: Any) -> tuple[int, int]:
    return DIVIDE.cost(DIVIDE.configure({"n": 4, "again": 3, **options}), {"policy": fake_spec(abilities=abilities)}, SQUARE)


async def test_a_clear_vote_is_accepted(opened: Opener) -> None:
    scripted = model("BBBA")
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session)
        replayed = await session.replay(result.run_id)
    assert asked(scripted) == [f"propose.0.{index}" for index in range(4)]
    assert (result.answer, result.confidence, result.decided_by) == ("B", 0.75, "majority")
    assert result.stop_reason is StopReason.AGREED
    assert replayed.model_copy(update={"seconds": result.seconds}) == result


async def test_one_that_is_not_is_asked_again_with_knowledge_and_the_options_that_appeared(opened: Opener) -> None:
    scripted, heard = model("BBDA", "DDB"), []
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, listener=heard.append)
        replayed = await session.replay(result.run_id)
    assert asked(scripted) == [
        *(f"propose.0.{index}" for index in range(4)),
        "know.0.0",
        *(f"again.0.{index}" for index in range(3)),
    ]
    assert bounds(*PLAIN) == (4, 8)
    again = scripted.calls[-1].request.messages
    assert again[0] == scripted.calls[0].request.messages[0]
    assert again[1].text.startswith(f"{SQUARE.question}\n\nThese notes hold knowledge")
    assert "<notes>\nSquares are n times n.\n</notes>" in again[1].text
    assert 'Only these options are left, all others are ruled out: ["A", "B", "D"]\n' in again[1].text
    assert (result.answer, result.decided_by, result.confidence) == ("D", "remedy", pytest.approx(2 / 3))
    assert [(vote.answer, vote.count) for vote in result.votes] == [("D", 2), ("B", 1)], "of the vote that decided"
    assert {name: pick.answer for name, pick in result.selections.items()} == {"majority": "B", "remedy": "D"}
    assert (len(result.candidates), result.stop_reason, warned(heard)) == (7, StopReason.FINISHED, [])
    assert replayed.model_copy(update={"seconds": result.seconds}) == result


async def test_stages_are_one_request_each_where_the_model_can(opened: Opener) -> None:
    scripted = model("ABCD", "DDD")
    async with opened(scripted) as session:
        result = await solve(session, remedy="options", batched=True)
    assert [call.request.n for call in scripted.calls] == [4, 3]
    assert bounds(*PLAIN, Ability.N, remedy="options") == (1, 2)
    assert result.answer == "D"


async def test_an_option_that_was_ruled_out_has_no_vote(opened: Opener) -> None:
    async with opened(model("BBDA", "CCD"), abilities=PLAIN) as session:
        result = await solve(session, remedy="options")
    assert (result.answer, result.decided_by, result.confidence) == ("D", "remedy", 1)


async def test_other_kinds_of_answer_are_shown_as_candidates_and_may_be_wrong_altogether(opened: Opener) -> None:
    scripted = model([7, 12, 8, None], [9, 9, 12])
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, PENS, remedy="options")
    assert asked(scripted)[4:] == ["again.0.0", "again.0.1", "again.0.2"]
    assert 'Others gave these different answers, listed in no order of merit: ["12", "7", "8"]' in scripted.calls[-1].prompt
    assert (result.answer, result.decided_by) == ("9", "remedy")


async def test_knowledge_alone_names_no_answers(opened: Opener) -> None:
    scripted = model([7, 12, 8, None], [12, 12, 12])
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, PENS, remedy="knowledge")
    assert "different answers" not in scripted.calls[-1].prompt
    assert (result.answer, result.decided_by) == ("12", "remedy")


@pytest.mark.parametrize(
    ("options", "script", "codes", "answer"),
    [
        ({"remedy": "options"}, ([7, None, None, None],), ["no_options"], "7"),  # asked again as at first
        ({"remedy": "both"}, ([7, 12, 8, None], [12, 7, 7], ""), ["no_knowledge"], "7"),
        ({"remedy": "options"}, ([7, 12, 8, 12], [None] * 3), ["no_second_vote"], "12"),
    ],
)
async def test_what_is_missing_is_said(opened: Opener, options, script, codes, answer) -> None:
    heard: list[Any] = []
    async with opened(model(*script), abilities=PLAIN) as session:
        result = await solve(session, PENS, listener=heard.append, **options)
    assert (warned(heard), result.answer) == (codes, answer)
    assert result.decided_by == ("majority" if codes == ["no_second_vote"] else "remedy")


async def test_failed_calls_count_against_the_first_vote_and_not_against_the_second(opened: Opener) -> None:
    def fail(call: ScriptedCall) -> RejectedError | None:
        return RejectedError("not today") if call.index in {0, 1, 5} else None

    scripted = model("BBBB", "DB", fail=fail)
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, remedy="options")
    assert len(scripted.calls) == 4 + 3, "two of four are no clear vote"
    assert (result.answer, result.decided_by, len(result.candidates)) == ("B", "remedy", 2 + 2)


@pytest.mark.parametrize(("calls", "answer", "seen"), [(2, "B", 2), (5, "B", 4), (6, "B", 5)])
async def test_a_second_vote_that_was_cut_short_does_not_decide(opened: Opener, calls: int, answer: str, seen: int) -> None:
    async with opened(model("BBDA", "DDD"), abilities=PLAIN) as session:
        result = await solve(session, budget=f"calls={calls}")
    assert (result.answer, result.stop_reason, result.decided_by) == (answer, StopReason.BUDGET, "majority")
    assert len(result.candidates) == seen


async def test_where_every_call_fails_the_run_does(opened: Opener) -> None:
    async with opened(model("", fail=lambda call: RejectedError("not today")), abilities=PLAIN) as session:
        assert (await solve(session)).status is Status.FAILED


async def test_what_it_cannot_do_is_said_before_anything_is_spent(opened: Opener) -> None:
    scripted = model("")
    async with opened(scripted, abilities=PLAIN) as session:
        with pytest.raises(ProblemError, match="divide-and-conquer cannot compare answers of kind text"):
            await solve(session, Problem.of("Why?", answer_kind="text"))
    for options in ({"threshold": 0}, {"threshold": 1.1}, {"remedy": "hope"}, {"again": 0}):
        with pytest.raises(ConfigError, match=next(iter(options))):
            DIVIDE.configure(options)
    assert not scripted.calls


def rule(first: Sequence[int], second: Sequence[int], threshold: float) -> int:
    """Who wins, the slow way; groups of answers as for every rule."""
    decides = first if confidence_score(first) >= threshold else second
    return max(range(9), key=decides.count)


def test_the_confidence_score_counts_what_cannot_be_read() -> None:
    assert [confidence_score(groups) for groups in ([], [-1, -1], [0, 0, 1, -1], [0])] == [0, 0, 0.5, 1]


def test_it_is_neither_permutation_invariant_nor_independent() -> None:
    assert rule([0, 0, 0, 0], [1, 1, 1], 0.8) == 0
    assert rule([0, 0, 0, 1], [1, 1, 0], 0.8) == 1, "the same samples in another order"
    assert rule([0, 0, 0, 0, 2, 2], [1, 1, 1], 0.8) == 1, "votes for a third answer reverse two others"
