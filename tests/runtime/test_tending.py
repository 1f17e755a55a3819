"""Many runs of one session are kept alive and follow what is asked of them, by two tasks in all."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from symposia.core.errors import EngineError, LeaseLostError, NameTakenError
from symposia.core.problem import Problem
from symposia.core.records import ControlKind
from symposia.core.result import RunState, Status, StopReason
from symposia.runtime import tending
from symposia.runtime.session import Session
from symposia.testing import ScriptedModel

SLOW = {"n": 64, "stop": "beta", "window": 1, "confidence": 0.9999999}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tending, "_POLL", 0.02)
    monkeypatch.setattr(tending, "_HEARTBEAT", 0.02)


async def begun(session: Session, run_id: str) -> asyncio.Task:
    spec = await session.prepare(Problem.of("?"), team="fake", options=SLOW)
    return asyncio.create_task((await session.begin(spec, run_id=run_id)).execute())


def tasks() -> int:
    return sum(task.get_coro().__qualname__ in {"Tender._beat", "Tender._listen"} for task in asyncio.all_tasks())


async def test_each_run_follows_its_own_wishes(opened) -> None:
    async with opened(ScriptedModel(["7"], latency=0.02)) as session:
        runs = {run_id: await begun(session, run_id) for run_id in ("a", "b", "c")}
        for run_id, wish in (("a", ControlKind.STOP), ("b", ControlKind.PAUSE), ("nobody", None)):
            if wish is not None:
                await session.store.add_control(run_id, wish, "ann")
        stopped = await asyncio.wait_for(runs["a"], 5)
        assert (stopped.stop_reason, stopped.status) == (StopReason.STEERED, Status.CANCELLED)
        while (await session.store.run("b")).state is not RunState.PAUSED:
            await asyncio.sleep(0.01)
        assert (await session.store.run("c")).state is RunState.RUNNING
        assert tasks() == 2
        for run_id in ("b", "c"):
            await session.store.add_control(run_id, ControlKind.STOP, "ann")
            assert (await asyncio.wait_for(runs[run_id], 5)).stop_reason is StopReason.STEERED


async def test_the_tasks_end_with_the_last_run_and_begin_anew(opened) -> None:
    async with opened(ScriptedModel(["7"])) as session:
        seen: list[int] = []
        for _ in range(2):
            solve = partial(session.solve, "?", team="fake", options={"n": 2}, listener=lambda _: seen.append(tasks()))
            await asyncio.gather(*(solve() for _ in range(4)))
            assert max(seen) == 2, "not two a run"
            while tasks():
                await asyncio.sleep(0.01)
        await session.solve("?", team="fake", options={"n": 2})
    assert tasks() == 0, "closing the session ends them at once"


async def test_leases_are_renewed_until_another_has_one(opened, monkeypatch) -> None:
    monkeypatch.setattr(tending, "LEASE_SECONDS", 30.0)
    async with opened(ScriptedModel(["7"], latency=0.02)) as session:
        lost, kept = await begun(session, "lost"), await begun(session, "kept")
        beaten = await session.store._database.read(_expiries)
        while (now := await session.store._database.read(_expiries)).keys() != beaten.keys() or any(
            now[run_id] <= beaten[run_id] for run_id in now
        ):
            await asyncio.sleep(0.01)
        await session.store._database.write(
            lambda connection: connection.exec_driver_sql("UPDATE runs SET fence = 2, owner = 'elsewhere:1:1' WHERE id = 'lost'")
        )
        with pytest.raises(LeaseLostError):
            await asyncio.wait_for(lost, 5)
        assert not kept.done()
        await session.store.add_control("kept", ControlKind.STOP, "ann")
        await asyncio.wait_for(kept, 5)


def _expiries(connection) -> dict[str, float]:
    return dict(connection.exec_driver_sql("SELECT id, expires_at FROM runs").all())


async def test_a_run_with_a_known_id_is_not_made_again(opened) -> None:
    model = ScriptedModel(["7"])
    async with opened(model) as session:
        first = await session.solve("?", team="fake", options={"n": 2}, run_id="mine")
        made = len(model.calls)
        assert await session.solve("?", team="fake", options={"n": 2}, run_id="mine") == first
        assert len(model.calls) == made
        with pytest.raises(NameTakenError):
            await session.begin((await session.store.run("mine")).spec, run_id="mine")


async def test_nothing_is_stored_where_a_model_cannot_be_had(opened, monkeypatch) -> None:
    async def broken(_staff, _spec):
        raise EngineError("it does not start")

    async with opened(ScriptedModel(["7"])) as session:
        monkeypatch.setattr(type(session.staff), "ready", broken)
        with pytest.raises(EngineError):
            await session.solve("?", team="fake", options={"n": 2})
        assert await session.store.runs() == []


async def test_runs_of_an_experiment_say_so_and_their_forks_do_not(opened) -> None:
    async with opened(ScriptedModel(["7"])) as session:
        await session.store.create_experiment("spring", {})
        result = await session.solve("?", team="fake", options={"n": 2}, experiment="spring")
        assert (await session.store.run(result.run_id)).spec.experiment == "spring"
        fork = await session.fork(result.run_id)
        assert fork.spec.experiment is None
        assert [run.id for run in await session.store.runs()] == [fork.id]
