"""``verify``: given solutions become candidates, are scored, and the best of them is the pick."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from symposia.core.errors import ProblemError
from symposia.core.problem import Problem, Solution
from symposia.core.result import Result, Status
from symposia.graphs.registry import STRATEGIES
from symposia.runtime.session import Session
from symposia.testing import ScriptedModel, fake_spec

Opener = Callable[..., AbstractAsyncContextManager[Session]]
RIGHT, WRONG = Solution.of_steps(["2 + 2 = 4.", r"It is \boxed{4}."]), Solution(text=r"It is \boxed{5}.")


def asked(*solutions: Solution) -> Problem:
    return Problem.of("2 + 2?").model_copy(update={"solutions": solutions})


def examiner() -> ScriptedModel:
    return ScriptedModel(lambda prompt, sample: "Fine.\nScore: 90" if "boxed{4}" in prompt else "Wrong.\nScore: 10")


async def verified(session: Session, problem: Problem, **options: Any) -> Result:
    return await session.solve(
        problem, strategy="verify", team="fake", options={"verifier_options": {"mode": "verdict"}, **options}
    )


async def test_the_best_of_the_given_solutions_is_picked(opened) -> None:
    model = examiner()
    async with opened(model) as session:
        result = await verified(session, asked(WRONG, RIGHT, WRONG))
        again = await session.replay(result.run_id)
    assert [candidate.scores[0].value for candidate in result.candidates] == [0.1, 0.9, 0.1]
    assert (result.answer, result.confidence, result.decided_by) == ("4", 0.9, "best-of")
    assert result.candidate is not None
    assert result.candidate.steps == RIGHT.steps
    assert len(model.calls) == 2, "two of the three are the same text"
    assert set(result.usage) == {"verifier"}
    assert again.candidates == result.candidates


async def test_a_solution_without_a_readable_answer_is_judged_all_the_same(opened) -> None:
    async with opened(ScriptedModel(["Hm.\nScore: 20"])) as session:
        result = await verified(session, asked(Solution(text="I would rather not say.")))
    assert (result.status, result.answer, result.confidence) == (Status.ANSWERED, None, 0.2)


async def test_what_no_verdict_can_be_read_of_is_no_answer(opened) -> None:
    async with opened(ScriptedModel(["perhaps"])) as session:
        result = await verified(session, asked(RIGHT))
    assert result.status is Status.NO_ANSWER
    assert result.candidates[0].scores[0].value is None


async def test_a_problem_without_solutions_is_refused_before_anything_is_spent(opened) -> None:
    model = examiner()
    async with opened(model) as session:
        with pytest.raises(ProblemError, match="verify judges solutions, and the problem has none"):
            await verified(session, Problem.of("2 + 2?"))
    assert model.calls == []


def test_the_cost_is_that_of_judging_each() -> None:
    strategy = STRATEGIES.get("verify")
    config = strategy.configure({"verifier_options": {"mode": "verdict"}})
    assert strategy.cost(config, {"policy": fake_spec()}, asked(RIGHT, WRONG)).most == 4


def test_steps_must_make_up_the_text() -> None:
    with pytest.raises(ValueError, match="must make up its text"):
        Solution(text="a b", steps=("a", "b"))
    assert RIGHT.text == "2 + 2 = 4.\n\nIt is \\boxed{4}."
