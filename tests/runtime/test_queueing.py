"""What is queued behind a run: asked once the run has an answer, by one process, in order."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from symposia.core.errors import ProblemError
from symposia.core.events import Controlled
from symposia.core.problem import Problem
from symposia.core.records import ControlKind, ControlRecord, RunRecord
from symposia.core.result import RunState, Status
from symposia.runtime.queueing import follow_up
from symposia.runtime.session import Session
from symposia.testing import ScriptedModel


async def queue(session: Session, run: RunRecord, *texts: str) -> None:
    for text in texts:
        await session.store.add_control(run.id, ControlKind.QUEUE, "ann", text=text)


async def made(session: Session, **changes: Any) -> RunRecord:
    asked = {"team": "fake", "options": {"n": 2}, "budget": "calls=9", "seed": 5}
    return await session.create(Problem.of("9 + 9?", answer_kind="number"), **asked | changes)


async def execute(session: Session, run: RunRecord) -> Any:
    return await (await session.execution(run)).execute()


def texts(wishes: list[ControlRecord]) -> list[tuple[int, str]]:
    return [(wish.seq, wish.text) for wish in wishes]


async def test_the_next_run_asks_the_same_models_in_the_same_way_about_the_whole_conversation(opened) -> None:
    async with opened(ScriptedModel(["so \\boxed{18}"])) as session:
        run = await made(session)
        await queue(session, run, "twice?", "half?")
        await execute(session, run)
        nxt = await follow_up(session.store, run.id)
        assert nxt is not None
        assert (nxt.state, nxt.spec.follows) == (RunState.QUEUED, run.id)
        same = {"strategy", "config", "models", "budget", "seed", "tools", "sandbox", "ledger", "calibration", "version"}
        assert nxt.spec.model_dump(include=same) == run.spec.model_dump(include=same)
        assert [(each.role, each.text) for each in nxt.spec.problem.messages] == [
            ("user", "9 + 9?"),
            ("assistant", "so \\boxed{18}"),
            ("user", "twice?"),
        ]
        assert nxt.spec.problem.answer_kind == "number"
        assert texts(await session.store.pending_controls(nxt.id)) == [(1, "half?")]
        assert await session.store.pending_controls(run.id) == []
        last = (await session.store.events(run.id))[-1].event
        assert last == Controlled(index=1, kind="queue", author="ann", text="twice?")
        assert (await execute(session, nxt)).status is Status.ANSWERED
        after = await follow_up(session.store, nxt.id)
        assert after is not None
        assert (after.spec.follows, len(after.spec.problem.messages)) == (nxt.id, 5)
        assert await follow_up(session.store, nxt.id) is None


async def test_two_processes_do_not_ask_the_same_twice(opened) -> None:
    async with opened(ScriptedModel(["\\boxed{18}"])) as session:
        run = await made(session)
        await queue(session, run, "twice?")
        await execute(session, run)
        found = await asyncio.gather(*(follow_up(session.store, run.id) for _ in range(3)))
        assert sum(each is not None for each in found) == 1
        assert len(await session.store.runs()) == 2


@pytest.mark.parametrize(("reply", "budget"), [("no answer here", None), ("\\boxed{18}", "stop")])
async def test_without_an_answer_it_stays_queued(opened, reply, budget) -> None:
    async with opened(ScriptedModel([reply])) as session:
        run = await made(session)
        await queue(session, run, "twice?")
        assert await follow_up(session.store, run.id) is None, "it has not begun"
        execution = await session.execution(run)
        if budget == "stop":
            execution.control.halt("steered")
        result = await execution.execute()
        assert result.status is not Status.ANSWERED
        assert await follow_up(session.store, run.id) is None
        assert texts(await session.store.pending_controls(run.id)) == [(1, "twice?")]


async def test_a_stopped_run_asks_it_once_it_was_resumed(opened) -> None:
    async with opened(ScriptedModel(["\\boxed{18}"])) as session:
        run = await made(session)
        await queue(session, run, "twice?")
        execution = await session.execution(run)
        execution.control.halt("steered")
        await execution.execute()
        await session.resume(run.id)
        assert await follow_up(session.store, run.id) is not None


async def test_what_was_taken_back_is_not_asked(opened, monkeypatch) -> None:
    """The second question is taken back just as it is made a run."""
    async with opened(ScriptedModel(["\\boxed{18}"])) as session:
        run = await made(session)
        await queue(session, run, "twice?", "half?")
        await execute(session, run)
        pending = await session.store.pending_controls(run.id)
        await session.store.withdraw_control(run.id, 1)
        stale = iter([pending])
        now = session.store.pending_controls

        async def seen(run_id: str) -> list[ControlRecord]:
            return next(stale, None) or await now(run_id)

        monkeypatch.setattr(session.store, "pending_controls", seen)
        nxt = await follow_up(session.store, run.id)
        assert nxt is not None
        assert nxt.spec.problem.question == "half?"


async def test_what_cannot_be_asked_stays_queued(opened) -> None:
    async with opened(ScriptedModel(["\\boxed{18}"])) as session:
        run = await made(session)
        await queue(session, run, "x" * 199_999)
        await execute(session, run)
        with pytest.raises(ProblemError, match="more than the 200,000 allowed"):
            await follow_up(session.store, run.id)
        assert len(await session.store.pending_controls(run.id)) == 1
        assert len(await session.store.runs()) == 1
