"""Stores and things to put into them."""

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from symposia.core.calls import ChatRequest, Choice, Reply
from symposia.core.candidate import Candidate
from symposia.core.events import CallFinished, CandidateAdded, Warned
from symposia.core.model_spec import ModelSpec
from symposia.core.problem import Message, Problem
from symposia.core.records import EntryKind, EntryStatus, JournalEntry, RunSpec
from symposia.core.result import Result, Status, StopReason
from symposia.core.usage import Usage
from symposia.memory.store import Store


def _spec(question: str = "What is 2 + 2?", **changes: Any) -> RunSpec:
    return RunSpec(
        problem=Problem.of(question), strategy="greedy", models={"policy": ModelSpec(name="m")}, version="0", **changes
    )


def _entry(index: int = 0, status: str = "done", *, attempt: int = 0, text: str = "4", **changes: Any) -> JournalEntry:
    request = ChatRequest(messages=(Message(role="user", content="What is 2 + 2?"),), max_tokens=16)
    reply = Reply(model="m-1", choices=(Choice(text=text),), prompt_tokens=9, completion_tokens=2)
    values: dict[str, Any] = {
        "key": f"/propose.0.{index}",
        "attempt": attempt,
        "kind": EntryKind.CALL,
        "status": EntryStatus(status),
        "request_hash": request.hash(),
        "request": request.model_dump(mode="json"),
        "response": reply.model_dump(mode="json") if status == "done" else None,
        "role": "policy",
        "model": "m",
        "charge": Usage(calls=1, prompt_tokens=9, completion_tokens=2, dollars=0.1),
        "elapsed": 0.5,
    }
    return JournalEntry.model_validate(values | changes)


def _warned(index: int = 0, message: str = "careful") -> Warned:
    return Warned(node="propose", index=index, code="test", message=message)


def _finished(index: int = 0) -> CallFinished:
    fields: dict[str, Any] = {"prompt_tokens": 9, "cached_tokens": 0, "completion_tokens": 2, "dollars": None, "seconds": 0.1}
    return CallFinished(node="propose", index=index, role="policy", model="m", choices=1, **fields)


def _added(index: int = 0, text: str = "4", *, visit: int = 0) -> CandidateAdded:
    candidate = Candidate(id=f"/propose.0.{index}#0", text=text, model="m-1")
    return CandidateAdded(node="propose", visit=visit, index=index, candidate=candidate)


def _result(run_id: str, text: str = "4") -> Result:
    candidate = Candidate(id="/propose.0.0#0", text=text, model="m-1")
    return Result(
        answer="4",
        candidate=candidate,
        candidates=(candidate,),
        selections={},
        confidence=None,
        status=Status.ANSWERED,
        stop_reason=StopReason.FINISHED,
        usage={"policy": Usage(calls=1, completion_tokens=2)},
        run_id=run_id,
        strategy="greedy",
        models={"policy": "m"},
        seed=0,
        seconds=1.0,
        reproducible="seed",
        failures={},
    )


async def _until(condition: Callable[[], Any]) -> Any:
    for _ in range(500):
        found = condition()
        if inspect.isawaitable(found):
            found = await found
        if found:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError("did not come true within 5 s")


@pytest.fixture(scope="session")
def until() -> Callable[[Callable[[], Any]], Awaitable[Any]]:
    """Wait for a condition, plain or awaitable, to come true and give its value."""
    return _until


@pytest.fixture(scope="session")
def make() -> SimpleNamespace:
    """Makers of the core types: spec, entry, warned, finished, added, result."""
    return SimpleNamespace(spec=_spec, entry=_entry, warned=_warned, finished=_finished, added=_added, result=_result)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store" / "symposia.db"


_POSTGRES = pytest.param("postgres", marks=pytest.mark.integration)


@pytest.fixture(params=["file", _POSTGRES])
def place(request: pytest.FixtureRequest) -> Path | str:
    """Where a store that several processes share may lie: a file, a database on a server. They must behave alike."""
    found: Path | str = request.getfixturevalue("path" if request.param == "file" else "postgres_url")
    return found


@pytest.fixture(params=["file", "memory", _POSTGRES])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    """An empty store of each kind: they must behave alike."""
    names = {"file": "path", "postgres": "postgres_url"}
    place = ":memory:" if request.param == "memory" else request.getfixturevalue(names[request.param])
    async with await Store.open(place) as opened:
        yield opened


@pytest.fixture
async def kept(place: Path | str) -> AsyncIterator[Store]:
    """An empty store that outlives its closing and that other processes can open."""
    async with await Store.open(place) as opened:
        yield opened


@pytest.fixture
async def filed(path: Path) -> AsyncIterator[Store]:
    """An empty store in a file, for what only SQLite has."""
    async with await Store.open(path) as opened:
        yield opened


_PRELUDE = """
import asyncio, os, sys
from symposia.core.errors import StoreError
from symposia.core.events import Warned
from symposia.core.model_spec import ModelSpec
from symposia.core.problem import Problem
from symposia.core.records import JournalEntry, RunSpec
from symposia.core.result import RunState
from symposia.memory.store import Store, this_process

SPEC = RunSpec(problem=Problem.of("What is 2 + 2?"), strategy="greedy", models={"policy": ModelSpec(name="m")}, version="0")

def entry(key, size=10):
    return JournalEntry(key=key, kind="call", status="done", request_hash="h", request={"text": "x" * size})

def warned(index):
    return Warned(node="propose", index=index, code="test", message="careful")
"""


@pytest.fixture(scope="session")
def spawn() -> Callable[..., subprocess.Popen[str]]:
    """Start Python code with the store at hand in a process of its own; its arguments are in ``sys.argv``."""

    def start(code: str, *arguments: object, measured: bool = True) -> subprocess.Popen[str]:
        """``measured=False`` keeps coverage out of a process that may not write its data."""
        command = [sys.executable, "-W", "error", "-c", _PRELUDE + textwrap.dedent(code), *map(str, arguments)]
        environment = {name: value for name, value in os.environ.items() if measured or not name.startswith("COVERAGE_")}
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment)

    return start
