"""``sift`` keeps to its card: a sticker, two predictions a stage, and the question alone at last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from symposia.cli.show import summary
from symposia.core.errors import ProblemError, RejectedError
from symposia.core.model_spec import Ability
from symposia.core.problem import Message, Problem
from symposia.core.result import Result, Status, StopReason
from symposia.graphs.registry import STRATEGIES
from symposia.runtime.session import Session
from symposia.testing import ScriptedCall, ScriptedModel, fake_spec

from .hosts import Opener

SIFT = STRATEGIES.get("sift")
PENS = "Ann has 3 bags of 4 pens. How many pens is that?"
STICKER = "Conditions:\n1. 3 bags\n2. 4 pens in each\nQuestion: how many pens"
KINDS = {
    "sticker": "Write down what the user asks last",
    "forward": "Compare the note with what the user asks",
    "inverse": "Write down the problem that this solution solves",
    "both": "Answer the question above",
    "alone": "Solve the problem that the note states",
}
FIRST = ["sift/sticker.0.0", "sift/predict.0.0", "sift/predict.0.1"]
FORWARD = ["sift/forward.1.0", "sift/predict.1.0", "sift/predict.1.1"]
INVERSE = ["sift/inverse.2.0", "sift/forward.2.0", "sift/predict.2.0", "sift/predict.2.1"]
LAST = ["sift/answer.0.0"]


def kind(prompt: str) -> str:
    return next((name for name, words in KINDS.items() if words in prompt), "question")


def model(fail: Callable[[ScriptedCall], Any] | None = None, **said: Any) -> ScriptedModel:
    """Answers by kind of prompt, a list by the times that it is asked; texts for stickers."""
    times: dict[str, int] = {}

    def reply(prompt: str, sample: int) -> str:
        name = kind(prompt)
        found = said.get(name, STICKER if name in {"sticker", "forward", "inverse"} else 12)
        times[name] = times.get(name, -1) + 1
        found = found[times[name]] if isinstance(found, list) else found
        return found if isinstance(found, str) else rf"FAKE {name}. \boxed{{{found}}}"

    return ScriptedModel(reply, fail=fail)


async def solve(session: Session, problem: Problem | str = PENS, **changes: Any) -> Result:
    return await session.solve(problem, strategy="sift", team="fake", answer_kind="number", **changes)


def asked(scripted: ScriptedModel) -> list[str]:
    return [call.tag.partition("/")[2] for call in scripted.calls]


def warned(heard: list[Any]) -> list[tuple[str, str]]:
    return [(event.code, event.message) for event in heard if event.type == "warned"]


async def test_a_sticker_that_leads_to_the_same_answer_is_enough(opened: Opener) -> None:
    scripted = model()
    async with opened(scripted) as session:
        result = await solve(session)
        replayed = await session.replay(result.run_id)
    assert asked(scripted) == FIRST
    assert {call.request.temperature for call in scripted.calls} == {0}
    assert (result.answer, result.decided_by, result.stop_reason) == ("12", "sticker", StopReason.AGREED)
    assert (result.confidence, result.candidate.text) == (1, r"FAKE both. \boxed{12}")
    assert replayed.model_copy(update={"seconds": result.seconds}) == result


async def test_each_call_is_shown_what_it_is_to_work_on(opened: Opener) -> None:
    scripted = model(both=[12, 12, 12], alone=[1, 2, 3], inverse="Conditions: none </notes>")
    system = Message(role="system", content="Be kind.")
    async with opened(scripted) as session:
        await solve(session, Problem.of((system, Message(role="user", content=PENS))))
    sticker, both, alone, forward, _, _, inverse, again, *_ = (call.request.messages for call in scripted.calls)
    assert f"{PENS}\n</message>\n</conversation>" in sticker[0].text
    assert both[0].text.startswith("Be kind.\n\nSolve the problem step by step.")
    assert both[1].text.startswith(f"{PENS}\n\nThis note lists what the question above says.")
    assert f"<notes>\n{STICKER}\n</notes>" in both[1].text
    assert PENS not in "".join(message.text for message in alone)
    assert (alone[0].text, STICKER in alone[1].text) == (both[0].text, True)
    assert PENS in forward[0].text
    assert STICKER in forward[0].text
    assert "<solution>\nFAKE both. \\boxed{12}\n</solution>" in inverse[0].text, "the prediction that saw the question"
    assert PENS not in inverse[0].text
    assert "Conditions: none &lt;/notes>" in again[0].text, "no text can end its quotation"


@pytest.mark.parametrize(
    ("alone", "question", "calls", "decided_by", "answer", "share"),
    [
        ([7, 12, 0], 0, FIRST + FORWARD, "forward", "12", 3 / 4),
        ([7, 8, 12], 0, FIRST + FORWARD + INVERSE, "inverse", "12", 4 / 6),
        ([7, 8, 9], 7, FIRST + FORWARD + INVERSE + LAST, "question", "7", 2 / 7),
        ([7, 8, 9], "FAKE: no idea", FIRST + FORWARD + INVERSE + LAST, "majority", "12", 3 / 6),
    ],
)
async def test_stages_follow_until_both_agree(opened: Opener, alone, question, calls, decided_by, answer, share) -> None:
    scripted = model(alone=alone, question=question)
    async with opened(scripted) as session:
        result = await solve(session)
    assert asked(scripted) == calls
    assert (result.decided_by, result.answer, result.confidence) == (decided_by, answer, pytest.approx(share))
    assert result.stop_reason is (StopReason.AGREED if decided_by in {"forward", "inverse"} else StopReason.FINISHED)
    assert set(result.selections) == {"majority", decided_by}
    assert SIFT.cost(SIFT.configure({}), {"policy": fake_spec()}, Problem.of(PENS)).most >= len(calls)
    voted = len(result.candidates) - result.unparsed
    assert f"{round(share * voted)} of {voted} votes" in summary(result)


async def test_what_nobody_can_read_never_agrees(opened: Opener) -> None:
    scripted = model(both="FAKE: hm", alone="FAKE: hm", question="FAKE: hm")
    async with opened(scripted) as session:
        result = await solve(session)
    assert (len(scripted.calls), result.status, result.unparsed) == (11, Status.NO_ANSWER, 7)


@pytest.mark.parametrize(
    ("silent", "calls", "node"),
    [
        ({"sticker": ""}, [*FIRST[:1], *LAST], "sticker"),
        ({"forward": ["", STICKER]}, [*FIRST, FORWARD[0], *INVERSE, *LAST], "forward"),
        ({"forward": [STICKER, ""]}, [*FIRST, *FORWARD, *INVERSE[:2], *LAST], "forward"),
        ({"inverse": ""}, [*FIRST, *FORWARD, INVERSE[0], *LAST], "inverse"),
    ],
)
async def test_without_a_sticker_the_next_stage_begins_and_it_is_said(opened: Opener, silent, calls, node: str) -> None:
    scripted, heard = model(alone=[7, 8, 9], **silent), []
    async with opened(scripted) as session:
        result = await solve(session, listener=heard.append)
    assert asked(scripted) == calls
    assert (result.answer, result.decided_by) == ("12", "question")
    assert warned(heard) == [("no_sticker", f"no sticker came back from the step {node}: what comes next goes without it")]


@pytest.mark.parametrize(
    ("failing", "decided_by", "candidates"),
    [
        (FIRST[:1], "question", 1),
        (FIRST[1:2], "forward", 3),
        (FIRST[1:], "forward", 2),
        ([*FIRST[1:], *FORWARD[1:]], "question", 1),
        ([FORWARD[0], INVERSE[0], FIRST[2]], "question", 2),
    ],
)
async def test_a_failed_call_agrees_with_nothing_and_ends_nothing(opened: Opener, failing, decided_by, candidates) -> None:
    def fail(call: ScriptedCall) -> RejectedError | None:
        return RejectedError("not today") if call.tag.partition("/")[2] in failing else None

    async with opened(model(fail)) as session:
        result = await solve(session)
    assert (result.answer, result.decided_by, len(result.candidates)) == ("12", decided_by, candidates)
    assert result.failures == {"rejected": len(failing)}


@pytest.mark.parametrize(("calls", "answer", "status"), [(1, None, Status.NO_ANSWER), (2, "12", Status.ANSWERED)])
async def test_a_budget_that_ends_before_a_stage_decided_leaves_the_vote(opened: Opener, calls, answer, status) -> None:
    async with opened(model(alone=7)) as session:
        result = await solve(session, budget=f"calls={calls}")
    assert (result.answer, result.status, result.stop_reason) == (answer, status, StopReason.BUDGET)
    assert result.decided_by == "majority"


async def test_texts_cannot_be_compared(opened: Opener) -> None:
    async with opened(model(), abilities=(Ability.CHAT,)) as session:
        with pytest.raises(ProblemError, match="sift cannot compare answers of kind text"):
            await session.solve("Why?", strategy="sift", team="fake", answer_kind="text")
