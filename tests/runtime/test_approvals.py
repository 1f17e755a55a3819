"""Calls that a person is asked about: one word for one call, from control rows only, journaled, never asked twice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from symposia.core.errors import ConfigError, UnknownNameError
from symposia.core.events import ApprovalAsked, ApprovalGiven, Event
from symposia.core.problem import Problem
from symposia.core.records import ControlKind, Response
from symposia.core.result import RunState, Status, StopReason
from symposia.core.tooling import Approval
from symposia.runtime import tending
from symposia.runtime.approvals import open_questions, respond
from symposia.runtime.granting import require_unattended, stricter
from symposia.runtime.session import Session

from .calling import Counted, Heard, opened

ASK = {"echo": "ask"}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tending, "_POLL", 0.01)


def asked(*texts: str) -> dict[str, Any]:
    return {"team": "fake", "options": {"calls": [("echo", f'{{"text": "{text}"}}') for text in texts]}}


async def begin(session: Session, *texts: str, **changes: Any) -> asyncio.Task:
    spec = await session.prepare(Problem.of("?"), **asked(*texts), **changes)
    execution = await session.begin(spec, run_id="mine")
    task = asyncio.create_task(execution.execute())
    await waiting(session, len(texts))
    return task


async def waiting(session: Session, count: int) -> dict[str, ApprovalAsked]:
    """The open questions, once there are so many and the store says that the run waits."""
    while True:
        found = open_questions(stored.event for stored in await session.store.events("mine"))
        if len(found) == count and (await session.store.run("mine")).state is RunState.WAITING:
            return found
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("approve", [True, False])
async def test_a_call_waits_for_a_word(tmp_path: Path, approve: bool) -> None:
    counted = Counted()
    async with opened(tmp_path, counted.tool, approve=ASK) as session:
        run = await begin(session, "x")
        assert counted.calls == []
        await respond(session.store, "mine", approve=approve, author="ann", note="too dear")
        result = await asyncio.wait_for(run, 5)
        events = [stored.event for stored in await session.store.events("mine")]
        (given,) = [event for event in events if isinstance(event, ApprovalGiven)]
        assert (given.approved, given.author, given.note, given.tool) == (approve, "ann", "too dear", "echo")
        (question,) = [event for event in events if isinstance(event, ApprovalAsked)]
        assert (question.arguments, question.justification) == ({"text": "x"}, "because")
        assert open_questions(events) == {}
        Heard.results = ()
        assert (await session.replay("mine")).status is Status.ANSWERED
    assert result.status is Status.ANSWERED
    (told,) = Heard.results
    assert counted.calls == (["x"] if approve else [])
    assert (told.output, told.error) == (("X", None) if approve else (None, "this call was not allowed: too dear"))


async def test_one_word_is_for_one_call(tmp_path: Path) -> None:
    counted = Counted()
    async with opened(tmp_path, counted.tool, approve=ASK) as session:
        run = await begin(session, "x", "y")
        with pytest.raises(ConfigError, match="2 calls of run mine wait"):
            await respond(session.store, "mine", approve=True, author="ann")
        with pytest.raises(UnknownNameError, match="unknown waiting call"):
            await respond(session.store, "mine", approve=True, author="ann", about="calling/act.0.7")
        await respond(session.store, "mine", approve=True, author="ann", about="calling/act.0.1")
        await waiting(session, 1)
        assert counted.calls == ["y"]
        await respond(session.store, "mine", approve=False, author="ann")
        await asyncio.wait_for(run, 5)
        with pytest.raises(ConfigError, match="no tool's call of run mine waits"):
            await respond(session.store, "mine", approve=True, author="ann")
    assert counted.calls == ["y"]


async def test_the_first_word_stands(tmp_path: Path) -> None:
    counted = Counted()
    async with opened(tmp_path, counted.tool, approve=ASK) as session:
        run = await begin(session, "x")
        for approve in (False, True):
            said = Response(about="calling/act.0.0", approve=approve)
            await session.store.add_control("mine", ControlKind.RESPOND, "ann", said)
        await asyncio.wait_for(run, 5)
    assert counted.calls == []


async def test_a_resumed_run_does_not_ask_again(tmp_path: Path) -> None:
    slow = Counted(seconds=30)
    async with opened(tmp_path, slow.tool, approve=ASK) as session:
        run = await begin(session, "x")
        await respond(session.store, "mine", approve=True, author="ann")
        await slow.begun.wait()
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        slow._seconds = 0
        heard: list[Event] = []
        await session.resume("mine", listener=heard.append)
    assert slow.calls == ["x", "x"]
    assert not [event for event in heard if isinstance(event, ApprovalAsked)]


async def test_a_word_said_while_nobody_executes_the_run_is_taken_up(tmp_path: Path) -> None:
    counted = Counted()
    async with opened(tmp_path, counted.tool, approve=ASK) as session:
        run = await begin(session, "x")
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        assert (await session.store.run("mine")).state is RunState.INTERRUPTED
        await respond(session.store, "mine", approve=True, author="ann")
        await asyncio.wait_for(session.resume("mine"), 5)
        assert await session.store.pending_controls("mine") == []
    assert counted.calls == ["x"]


async def test_a_stop_does_not_wait_for_the_word(tmp_path: Path) -> None:
    counted = Counted()
    async with opened(tmp_path, counted.tool, approve=ASK) as session:
        run = await begin(session, "x")
        await session.store.add_control("mine", ControlKind.STOP, "ann")
        result = await asyncio.wait_for(run, 5)
    assert (result.stop_reason, counted.calls) == (StopReason.STEERED, [])


async def test_what_was_stopped_while_it_waited_asks_again(tmp_path: Path) -> None:
    counted = Counted()
    async with opened(tmp_path, counted.tool, approve=ASK) as session:
        run = await begin(session, "x")
        await session.store.add_control("mine", ControlKind.STOP, "ann")
        await asyncio.wait_for(run, 5)
        assert (await session.store.run("mine")).state is RunState.INTERRUPTED
        heard: list[Event] = []
        resumed = asyncio.create_task(session.resume("mine", listener=heard.append))
        assert set(await waiting(session, 1)) == {"calling/act.0.0"}
        await respond(session.store, "mine", approve=True, author="ann")
        result = await asyncio.wait_for(resumed, 5)
    assert (result.status, counted.calls) == (Status.ANSWERED, ["x"])
    assert len([event for event in heard if isinstance(event, ApprovalAsked)]) == 1


async def test_the_deadline_does_not_wait_for_the_word(tmp_path: Path) -> None:
    counted = Counted()
    async with opened(tmp_path, counted.tool, approve=ASK) as session:
        result = await asyncio.wait_for(session.solve("?", budget="seconds=0.3", **asked("x")), 5)
    assert (result.stop_reason, counted.calls) == (StopReason.DEADLINE, [])


async def test_a_word_without_a_question_opens_nothing(tmp_path: Path) -> None:
    counted = Counted()
    async with opened(tmp_path, counted.tool, approve=ASK) as session:
        run = await begin(session, "x")
        for said in (None, Response(about="calling/act.0.9", approve=True)):
            await session.store.add_control("mine", ControlKind.RESPOND, "ann", said)
        await asyncio.sleep(0.05)
        assert (counted.calls, run.done()) == ([], False)
        await session.store.add_control("mine", ControlKind.STOP, "ann")
        await asyncio.wait_for(run, 5)


async def test_an_experiment_asks_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path, Counted().tool, approve=ASK) as session:
        spec = await session.prepare(Problem.of("?"), **asked("x"))
    with pytest.raises(ConfigError, match="an experiment asks nobody"):
        require_unattended(spec.tools)


async def test_the_present_settings_can_only_be_stricter(tmp_path: Path) -> None:
    counted = Counted()
    async with opened(tmp_path, counted.tool) as session:
        await session.store.create_run(await session.prepare(Problem.of("?"), **asked("x")), id="mine")
    async with opened(tmp_path, counted.tool, approve={"echo": "never"}) as session:
        await session.resume("mine")
    assert (counted.calls, Heard.results[0].error) == ([], "the tool echo may not be called")
    always, ask, never = Approval
    assert {stricter(a, b) for a in Approval for b in Approval if never in {a, b}} == {never}
    assert (stricter(always, ask), stricter(ask, always), stricter(always, always)) == (ask, ask, always)
