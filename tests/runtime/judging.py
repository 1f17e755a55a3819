"""Runs that have six given solutions judged by a reward model, one call each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from symposia.core.calls import ScoreRequest
from symposia.core.model_spec import ModelSpec
from symposia.core.problem import Problem, Solution
from symposia.core.protocols import Scorer
from symposia.core.result import Result
from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.models.reward_forms import QWEN_PRM
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings

N = 6
SOLUTIONS = tuple(Solution.of_steps([f"First, {number} is {number}.", f"So it is {number}."]) for number in range(N))
PROBLEM = Problem.of("How much is it?").model_copy(update={"solutions": SOLUTIONS})
KEYS = [f"verify/score.0.{number}" for number in range(N)]


def digits(text: str) -> float:
    """What the model says: something else of every solution, and of each of its steps."""
    read = [int(letter) for letter in text.rsplit("assistant: ", maxsplit=1)[-1] if letter.isdecimal()]
    return (1 + sum(read)) / 20


@asynccontextmanager
async def opened(
    folder: Path, prm: ModelSpec, *, call_timeout: float = 10, scorer: Scorer | None = None
) -> AsyncIterator[Session]:
    """A session that knows the reward model as ``prm``."""
    flags = {"call_timeout": call_timeout}
    settings = load_settings(environ={}, cwd=folder, user_file=folder / "none.toml", flags=flags)
    retry = RetryPolicy(max_attempts=2, base=0.001, cap=0.01, unreachable_base=0.001)
    gateway = ModelGateway(retry=retry, scorer=scorer)
    async with Session(settings=settings, store=folder / "runs.db", gateway=gateway, models={"prm": prm}) as session:
        yield session


async def verify(session: Session, **more: Any) -> Result:
    """Every solution judged step by step."""
    return await session.solve(PROBLEM, team="prm", strategy="verify", options={"verifier": "process-reward"}, **more)


def essence(result: Result, *, usage: bool = True) -> dict[str, Any]:
    """A result without what may differ between runs of one seed."""
    found = result.model_dump(exclude={"run_id", "seconds"} | (set() if usage else {"usage"}))
    for candidate in found["candidates"] if not usage else ():
        for score in candidate["scores"]:
            del score["usage"]
    if not usage and found["candidate"]:
        found["candidate"] = found["candidate"]["id"]
    return found


def values(result: Result) -> list[float | None]:
    """The score of each solution; None where it has none."""
    return [candidate.scores[0].value if candidate.scores else None for candidate in result.candidates]


WHOLE = [(1 + 2 * number) / 20 for number in range(N)]
"""The first step of each is its worst."""


def bound() -> int:
    """What is reserved for the smallest of the solutions."""
    spec = ModelSpec(name="prm", reward=QWEN_PRM)
    return spec.prompt_bound(ScoreRequest(messages=PROBLEM.messages, steps=SOLUTIONS[0].steps))
