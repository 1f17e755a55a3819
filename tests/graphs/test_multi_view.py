"""``multi-view`` keeps to its card: paths shared out over views of the problem, one vote over all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from symposia.core.errors import ConfigError, RejectedError, UnknownNameError
from symposia.core.model_spec import Ability
from symposia.core.problem import Problem
from symposia.core.result import Result, Status, StopReason
from symposia.graphs.multi_view import STYLES
from symposia.graphs.registry import STRATEGIES
from symposia.runtime.session import Session
from symposia.testing import ScriptedCall, ScriptedModel, fake_spec

from .hosts import Opener

VIEWS = STRATEGIES.get("multi-view")
PLAIN = (Ability.CHAT, Ability.SEED)
PENS = "Ann has 3 bags of 4 pens. How many pens is that?"
TOLD = ("How many pens are 3 bags of 4 pens each?", "In each of 3 bags there are 4 pens. Count the pens.")
MARKS = {"steps": "numbered steps", "plan": "a short plan", "backwards": "Work backwards", "equations": "Name each unknown"}


def view(prompt: str) -> str:
    """The view that a prompt gives of the problem."""
    if "Rephrase the last message" in prompt:
        return "rephrase"
    styled = next((name for name, mark in MARKS.items() if mark in prompt), None)
    return styled or next((f"rephrased-{number + 1}" for number, text in enumerate(TOLD) if text in prompt), "plain")


def model(answers: Mapping[str, Any], told: tuple[str, ...] = TOLD, fail: Callable[..., Any] | None = None) -> ScriptedModel:
    def reply(prompt: str, sample: int) -> str:
        name = view(prompt)
        said = told[sample] if name == "rephrase" else answers.get(name, 12)
        return said if isinstance(said, str) else rf"FAKE. \boxed{{{said}}}"

    return ScriptedModel(reply, fail=fail)


async def solve(session: Session, listener: Any = None, budget: Any = None, **options: Any) -> Result:
    given = {"n": 6, "batched": False, **options}
    return await session.solve(
        PENS, strategy="multi-view", team="fake", answer_kind="number", options=given, listener=listener, budget=budget
    )


def asked(scripted: ScriptedModel) -> list[str]:
    return [view(call.prompt) for call in scripted.calls]


def warned(heard: list[Any]) -> list[tuple[str, str]]:
    return [(event.code, event.message) for event in heard if event.type == "warned"]


def bounds(*abilities: Ability, **options: Any) -> tuple[int, int]:
    return VIEWS.cost(VIEWS.configure(options), {"policy": fake_spec(abilities=abilities)}, Problem.of(PENS))


async def test_paths_take_turns_over_the_views_and_vote_together(opened: Opener) -> None:
    scripted, heard = model({"plan": 7, "rephrased-2": 7}), []
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, n=7, listener=heard.append)
        replayed = await session.replay(result.run_id)
    turn = ["plain", "rephrased-1", "rephrased-2", "plan", "backwards", "equations"]
    assert asked(scripted) == ["rephrase", "rephrase", *turn, "plain"]
    assert bounds(*PLAIN, n=7) == (9, 9)
    system = scripted.calls[5].request.messages[0].text
    assert system.startswith("Solve the problem step by step.")
    assert system.endswith("Then carry out the plan, one point after the other.")
    assert [call.request.messages[-1].text for call in scripted.calls[2:6]] == [PENS, *TOLD, PENS]
    assert f"{PENS}\n</message>\n</conversation>" in scripted.calls[0].prompt
    assert len({call.request.seed for call in scripted.calls}) == 9
    assert (result.answer, result.confidence, result.decided_by) == ("12", pytest.approx(5 / 7), "majority")
    assert [str(candidate.answer) for candidate in result.candidates] == ["12", "12", "7", "7", "12", "12", "12"]
    assert warned(heard) == []
    assert replayed.model_copy(update={"seconds": result.seconds}) == result


async def test_paths_of_a_view_are_one_request_where_the_model_can(opened: Opener) -> None:
    results = []
    for abilities in (PLAIN, (*PLAIN, Ability.N)):
        scripted = model({"plan": 7})
        async with opened(scripted, abilities=abilities) as session:
            results.append((await solve(session, n=5, rephrasings=0, styles="plan", batched=True), len(scripted.calls)))
        assert bounds(*abilities, n=5, rephrasings=0, styles="plan") == (len(scripted.calls),) * 2
    (apart, many), (together, few) = results
    assert (many, few) == (5, 2)
    assert [candidate.text for candidate in apart.candidates] == [candidate.text for candidate in together.candidates]
    assert (apart.votes, apart.answer) == (together.votes, "12")


async def test_other_views_beside_it_change_no_path(opened: Opener) -> None:
    seeds = []
    for styles in ("plan", "backwards,plan"):
        scripted = model({})
        async with opened(scripted, abilities=PLAIN) as session:
            await solve(session, n=3, rephrasings=0, styles=styles)
        seeds.append(next(call.request.seed for call in scripted.calls if view(call.prompt) == "plan"))
    assert seeds[0] == seeds[1]


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ("How many pens are 3 bags of pens?", "the rephrasing lacks the numbers 4"),
        ("3 bags of 4 pens are 12 pens.", "the rephrasing has numbers that the original has not: 12"),
        (PENS, "the rephrasing is the text as it was"),
        (" ", "the rephrasing is empty"),
    ],
)
async def test_a_rephrasing_that_cannot_be_used_is_dropped_and_it_is_said(opened: Opener, told: str, why: str) -> None:
    scripted, heard = model({}, (told, TOLD[1])), []
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, n=3, styles=(), listener=heard.append)
    assert asked(scripted) == ["rephrase", "rephrase", "plain", "plain", "rephrased-2"]
    assert warned(heard) == [("not_rephrased", f"the paths of view rephrased-1 see the question as it is: {why}")]
    assert len(result.candidates) == 3


async def test_failed_calls_lose_a_rephrasing_or_a_path_and_nothing_else(opened: Opener) -> None:
    def fail(call: ScriptedCall) -> RejectedError | None:
        return RejectedError("not today") if call.index in {0, 3} else None

    scripted, heard = model({}, fail=fail), []
    async with opened(scripted, abilities=PLAIN) as session:
        result = await solve(session, n=3, styles=(), listener=heard.append)
    assert asked(scripted) == ["rephrase", "rephrase", "plain", "plain", "rephrased-2"]
    assert [code for code, _ in warned(heard)] == ["not_rephrased"]
    assert (result.answer, len(result.candidates), result.failures) == ("12", 2, {"rejected": 2})


async def test_a_view_without_paths_is_not_rephrased(opened: Opener) -> None:
    scripted = model({})
    async with opened(scripted, abilities=PLAIN) as session:
        await solve(session, n=2)
    assert asked(scripted) == ["rephrase", "plain", "rephrased-1"]
    assert bounds(*PLAIN, n=2) == (3, 3)
    assert VIEWS.samples(VIEWS.configure({"n": 2})) == 3


@pytest.mark.parametrize(("calls", "status"), [(1, Status.NO_ANSWER), (3, Status.ANSWERED)])
async def test_a_budget_that_ends_leaves_the_vote_of_what_was_seen(opened: Opener, calls: int, status: Status) -> None:
    heard: list[Any] = []
    async with opened(model({}), abilities=PLAIN) as session:
        result = await solve(session, budget=f"calls={calls}", listener=heard.append)
    assert (result.status, result.stop_reason) == (status, StopReason.BUDGET)
    assert len(warned(heard)) == (1 if calls == 1 else 0), "the second rephrasing was never asked for"


def test_views_that_there_are_not_are_refused() -> None:
    assert VIEWS.configure({"styles": ",".join(STYLES)}).styles == STYLES
    with pytest.raises(UnknownNameError, match="unknown style 'plans'"):
        VIEWS.configure({"styles": "plans"})
    with pytest.raises(ConfigError, match="style plan is given twice"):
        VIEWS.configure({"styles": "plan,plan"})
