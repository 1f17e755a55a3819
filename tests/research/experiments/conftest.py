"""Experiments on a scripted model: everything is real but the network and the model."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from symposia.models.gateway import ModelGateway, RetryPolicy
from symposia.research.experiments.spec import ExperimentSpec, make_spec
from symposia.research.tasks.item import Split, split_of
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedModel, fake_spec

QUICK = RetryPolicy(max_attempts=2, base=0.001, cap=0.01, unreachable_attempts=1, unreachable_base=0.001)

Opened = Callable[..., AbstractAsyncContextManager[Session]]
Write = Callable[..., Path]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Opens a session on the one store; keywords change the fake model's catalogue entry."""

    @asynccontextmanager
    async def opener(model: ScriptedModel, *, store: str | Path | None = None, **spec: Any) -> AsyncIterator[Session]:
        settings = load_settings(flags={"call_timeout": 30.0}, environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml")
        gateway = ModelGateway(transports={"direct": model}, retry=QUICK, call_timeout=30)
        models = {"fake": fake_spec(**spec), "other": fake_spec("other", **spec)}
        async with Session(settings=settings, store=store or tmp_path / "runs.db", gateway=gateway, models=models) as session:
            yield session

    return opener


@pytest.fixture
def data(tmp_path: Path) -> Write:
    """Writes a file of sums, of which the wanted number is in the dev split, and one is in the test split."""

    def write(count: int = 6, *, name: str = "sums.jsonl", change: Callable[[list[dict[str, str]]], None] | None = None) -> Path:
        rows, number = [], 0
        while len(rows) < count:
            question = f"What is {number} plus {number + 1}?"
            if split_of(question) is Split.DEV:
                rows.append({"question": question, "answer": str(2 * number + 1)})
            number += 1
        while split_of(f"What is {number} plus {number + 1}?") is Split.DEV:
            number += 1
        rows.append({"question": f"What is {number} plus {number + 1}?", "answer": str(2 * number + 1)})
        if change is not None:
            change(rows)
        path = tmp_path / name
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write


@pytest.fixture
def asked(data: Write) -> Callable[..., ExperimentSpec]:
    """Makes the spec of a small experiment; keywords are keys of the file."""

    def make(
        file: Path | None = None, *, limit: int | None = None, task: dict[str, Any] | None = None, **changes: Any
    ) -> ExperimentSpec:
        choice = {"name": "sums", "data": file or data(), "answer_kind": "number", "limit": limit, **(task or {})}
        strategies = [{"name": "self-consistency", "options": {"n": 4, "batched": False}}]
        return make_spec({"name": "sums", "task": choice, "models": ["fake"], "strategies": strategies, **changes})

    return make


def adder(prompt: str, sample: int) -> str:
    """Adds the two numbers of the question; every fourth sample is wrong."""
    words = prompt.rsplit("What is ", 1)[1].split("?", maxsplit=1)[0].split(" plus ")
    return f"So the answer is \\boxed{{{int(words[0]) + int(words[1]) + (sample % 4 == 3)}}}."
