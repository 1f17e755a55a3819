"""Runs of the strategy ``verify`` on a scripted examiner, for verifiers that have programs run."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from symposia.core.candidate import Score
from symposia.core.model_spec import Ability
from symposia.core.problem import AnswerKind, Problem, Solution
from symposia.core.result import Result, Status, StopReason
from symposia.core.sandbox import Sandbox
from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import Answer, ScriptedModel, ScriptedSandbox, fake_spec

ABLE = (Ability.CHAT, Ability.SEED, Ability.LOGPROBS)
PLAIN = (Ability.CHAT, Ability.SEED)
TEAM = {"policy": "writer", "verifier": "examiner"}


def label(yes: float) -> Answer:
    """A reply of one word that says nothing, with this probability of Yes beside No."""
    return {"content": "FAKE", "labels": {"Yes": math.log(yes), "No": math.log(1 - yes)}}


def fenced(code: str) -> str:
    return f"```python\n{code}\n```"


@asynccontextmanager
async def opened(
    folder: Path, model: ScriptedModel, *abilities: Ability, sandbox: Sandbox | None = None, **flags: Any
) -> AsyncIterator[Session]:
    """A session whose writer and examiner are ``model``."""
    settings = load_settings(flags=flags, environ={}, cwd=folder, user_file=folder / "none.toml")
    gateway = ModelGateway(transports={"direct": model}, retry=RetryPolicy(max_attempts=1))
    models = {"writer": fake_spec("writer"), "examiner": fake_spec("examiner", abilities or ABLE)}
    async with Session(
        settings=settings, store=":memory:", gateway=gateway, models=models, sandbox=sandbox or ScriptedSandbox()
    ) as session:
        yield session


def asked(*solutions: Solution, question: str = "2 + 2 + 3?", kind: AnswerKind = AnswerKind.NUMBER) -> Problem:
    return Problem.of(question, answer_kind=kind).model_copy(update={"solutions": solutions})


STOPS = [("call_finished", "score"), ("tool_returned", "score-run-0"), ("call_finished", "score-1")]
"""Events at which a run may be stopped: in the first wave, in that of the sandbox, and in the wave after it."""


async def verified(
    session: Session,
    verifier: str,
    problem: Problem,
    *,
    heard: list[Any] | None = None,
    budget: str | None = None,
    **options: Any,
) -> Result:
    return await session.solve(
        problem,
        team=TEAM,
        strategy="verify",
        options={"verifier": verifier, "verifier_options": options},
        listener=None if heard is None else heard.append,
        budget=budget,
    )


async def stopped_and_resumed(
    session: Session, verifier: str, problem: Problem, *, kind: str, node: str
) -> tuple[Result, Result, list[Any]]:
    """A run stopped at the first event of this kind at this node, what became of it when it was resumed, and its events."""
    record = await session.create(problem, strategy="verify", team=TEAM, options={"verifier": verifier})
    halted: list[str] = []

    def stop(event: Any) -> None:
        if event.type == kind and event.node == node and not halted:
            halted.append(event.id)
            execution.control.halt(StopReason.STEERED)

    execution = await session.execution(record, listener=stop)
    stopped = await execution.execute()
    assert (len(halted), stopped.status) == (1, Status.CANCELLED)
    resumed = await session.resume(record.id)
    return stopped, resumed, [each.event for each in await session.store.events(record.id)]


def score_of(result: Result, place: int = 0) -> Score:
    (score,) = result.candidates[place].scores
    return score


def codes(heard: Sequence[Any]) -> list[str]:
    return [event.code for event in heard if event.type == "warned"]
