"""Calls of reward models in a run: journaled, resumed, forked and replayed as calls of any other model."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from symposia.core.calls import ScoreReply, ScoreRequest
from symposia.core.errors import ReplayDiverged
from symposia.core.model_spec import ModelSpec
from symposia.core.records import EntryKind, EntryStatus
from symposia.core.result import StopReason
from symposia.models.reward_forms import QWEN_PRM
from symposia.models.scoring import ScoreClient
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import Fault, RewardServer

from .judging import KEYS, PROBLEM, SOLUTIONS, WHOLE, N, bound, digits, essence, opened, values, verify


def tags(server: RewardServer) -> list[str]:
    """Journal keys of the calls that arrived."""
    return [headers["x-request-id"].partition("/")[2] for headers in server.headers]


# --- journal, events, replay ------------------------------------------------------------------------------------------------


async def test_every_call_is_journaled_with_what_it_cost_before_it_is_used(tmp_path: Path) -> None:
    async with RewardServer(QWEN_PRM, digits) as server, opened(tmp_path, server.spec("prm")) as session:
        result = await verify(session)
        entries = await session.store.journal(result.run_id)
    assert values(result) == pytest.approx(WHOLE)
    calls = {entry.key: entry for entry in entries if entry.kind is EntryKind.CALL}
    assert list(calls) == KEYS == sorted(tags(server))
    for entry, solution, candidate in zip(calls.values(), SOLUTIONS, result.candidates, strict=True):
        assert (entry.status, entry.role, entry.model, entry.attempt) == (EntryStatus.DONE, "verifier", "prm", 0)
        request = ScoreRequest.model_validate(entry.request)
        assert (request.steps, request.messages, entry.request_hash) == (solution.steps, PROBLEM.messages, request.hash())
        told = ScoreReply.model_validate(entry.response)
        assert told.probabilities == candidate.scores[0].steps
        assert (entry.charge.calls, entry.charge.prompt_tokens) == (1, told.prompt_tokens)
        assert candidate.scores[0].usage == entry.charge
    assert sum(entry.charge.prompt_tokens for entry in calls.values()) == result.total_usage.prompt_tokens


async def test_an_intent_is_in_the_journal_before_its_call_leaves(tmp_path: Path) -> None:
    async with RewardServer(QWEN_PRM, digits, pace=30) as server, opened(tmp_path, server.spec("prm")) as session:
        record = await session.create(PROBLEM, team="prm", strategy="verify", options={"verifier": "process-reward"})
        running = asyncio.create_task((await session.execution(record)).execute())
        while server.in_flight < N:
            await asyncio.sleep(0.001)
        sent = await session.store.journal(record.id)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        after = await session.store.journal(record.id)
    assert [(entry.key, entry.status) for entry in sent] == [(key, EntryStatus.SENT) for key in KEYS]
    spec = server.spec("prm")
    for entry in sent:
        assert entry.charge.prompt_tokens == spec.prompt_bound(ScoreRequest.model_validate(entry.request))
    assert {entry.status for entry in after} <= {EntryStatus.SENT, EntryStatus.LOST}


async def test_events_say_what_happened(tmp_path: Path) -> None:
    def reject(_: str, body: dict[str, Any]) -> Fault | None:
        return Fault.answer(400) if "is 2." in body["messages"][-1]["content"] else None

    heard: list[Any] = []
    async with RewardServer(QWEN_PRM, digits, answer=reject) as server, opened(tmp_path, server.spec("prm")) as session:
        result = await verify(session, listener=heard.append)
        stored = [each.event for each in await session.store.events(result.run_id)]
    (begun,) = [event for event in heard if event.type == "wave_started"]
    assert (begun.node, begun.role, begun.model, begun.size) == ("score", "verifier", "prm", N)
    finished = [event for event in heard if event.type == "call_finished"]
    assert sorted(event.index for event in finished) == [0, 1, 3, 4, 5]
    assert {(event.role, event.model, event.choices, event.completion_tokens) for event in finished} == {
        ("verifier", "fake", 0, 0)
    }
    assert sum(event.prompt_tokens for event in finished) == result.total_usage.prompt_tokens
    (failed,) = [event for event in heard if event.type == "call_failed"]
    assert (failed.index, failed.failure.code) == (2, "rejected")
    assert "fewer_samples" not in [event.code for event in heard if event.type == "warned"], "none was asked for"
    assert sorted(event.id for event in stored) == sorted({event.id for event in heard})


async def test_a_replay_is_the_run_to_the_letter_and_asks_nobody(tmp_path: Path) -> None:
    async with RewardServer(QWEN_PRM, digits) as server, opened(tmp_path, server.spec("prm")) as session:
        result = await verify(session)
    async with opened(tmp_path, server.spec("prm")) as session:  # its server is gone
        replayed = await session.replay(result.run_id)
        assert essence(replayed) == essence(result)
    assert len(server.requests) == N


async def test_a_replay_diverges_where_the_run_asks_for_something_else(tmp_path: Path) -> None:
    async with RewardServer(QWEN_PRM, digits) as server, opened(tmp_path, server.spec("prm")) as session:
        result = await verify(session)
        record = await session.store.run(result.run_id)
        cut = SOLUTIONS[3].model_copy(update={"steps": (SOLUTIONS[3].text,)})
        problem = PROBLEM.model_copy(update={"solutions": (*SOLUTIONS[:3], cut, *SOLUTIONS[4:])})
        changed = record.model_copy(update={"spec": record.spec.model_copy(update={"problem": problem})})
        execution = session._execution(changed, lease=None, models=record.spec.models, listener=None)
        with pytest.raises(ReplayDiverged, match=r"score\.0\.3"):
            await execution.execute()


class Shuffled(ScoreClient):
    """Answers in another order than it is asked."""

    def __init__(self, order: tuple[int, ...]) -> None:
        super().__init__()
        self._order = order

    async def score(self, spec: ModelSpec, request: ScoreRequest, **more: Any) -> ScoreReply:
        reply = await super().score(spec, request, **more)
        await asyncio.sleep(0.02 * self._order[int(request.steps[-1][-2])])
        return reply


async def test_order_of_arrival_changes_nothing(tmp_path: Path) -> None:
    found = []
    async with RewardServer(QWEN_PRM, digits) as server:
        for order in ((0, 1, 2, 3, 4, 5), (5, 4, 3, 2, 1, 0), (2, 0, 5, 1, 4, 3)):
            async with opened(tmp_path, server.spec("prm"), scorer=Shuffled(order)) as session:
                found.append(await verify(session, budget=f"prompt_tokens={5 * bound()}"))
    assert len(found[0].candidates) == N
    assert essence(found[0]) == essence(found[1]) == essence(found[2])


# --- crash, resume, fork, copies --------------------------------------------------------------------------------------------

PROGRAM = """
import asyncio, json, sys
from pathlib import Path
from symposia.core.model_spec import ModelSpec
from symposia.core.problem import Problem
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings

async def main():
    given = json.load(sys.stdin)
    folder = Path(given["folder"])
    settings = load_settings(environ={}, cwd=folder, user_file=folder / "none.toml")
    models = {"prm": ModelSpec.model_validate(given["spec"])}
    async with Session(settings=settings, store=folder / "runs.db", models=models) as session:
        problem = Problem.model_validate(given["problem"])
        await session.solve(problem, team="prm", strategy="verify", options={"verifier": "process-reward"}, run_id="killed")

asyncio.run(main())
"""


@pytest.mark.parametrize("point", ["replied:3", "journal-committed:3"])
async def test_killed_anywhere_no_finished_call_is_made_again(tmp_path: Path, point: str) -> None:
    async with RewardServer(QWEN_PRM, digits) as server:
        spec = server.spec("prm", concurrency=2)
        given = {"folder": str(tmp_path), "spec": spec.model_dump(mode="json"), "problem": PROBLEM.model_dump(mode="json")}
        victim = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, stdin=asyncio.subprocess.PIPE, env=os.environ | {"SYMPOSIA_FAILPOINT": point}
        )
        await victim.communicate(json.dumps(given).encode())
        assert victim.returncode == -signal.SIGKILL
        before = len(server.requests)
        async with opened(tmp_path, spec) as session:
            journal = await session.store.journal("killed")
            done = {entry.key for entry in journal if entry.status is EntryStatus.DONE}
            assert 0 < len(done) < N
            resumed = await session.resume("killed")
            assert not done & set(tags(server)[before:]), "a finished call was made again"
            assert set(tags(server)[before:]) == set(KEYS) - done
            whole = await verify(session)
            assert essence(resumed, usage=False) == essence(whole, usage=False)
            lost = resumed.total_usage.lost_calls
            assert resumed.total_usage.calls == N + lost
            assert lost == sum(entry.status is EntryStatus.SENT for entry in journal)
            assert (lost > 0) is (resumed.total_usage.lost_prompt_tokens > 0)
            assert essence(await session.replay("killed")) == essence(resumed)


async def test_a_fork_with_more_budget_pays_only_for_what_is_new(tmp_path: Path) -> None:
    async with RewardServer(QWEN_PRM, digits) as server, opened(tmp_path, server.spec("prm")) as session:
        parent = await verify(session, budget="calls=2")
        assert (parent.stop_reason, len(server.requests)) == (StopReason.BUDGET, 2)
        record = await session.fork(parent.run_id, budget="calls=6")
        child = await (await session.execution(record)).execute()
        whole = await verify(session)
    assert sorted(tags(server)[2:N]) == KEYS[2:]
    assert child.candidates == whole.candidates
    assert child.total_usage.calls == N


async def test_an_exported_run_replays_elsewhere(tmp_path: Path) -> None:
    async with RewardServer(QWEN_PRM, digits) as server, opened(tmp_path, server.spec("prm")) as session:
        result = await verify(session)
        lines = [line async for line in session.store.export_run(result.run_id)]
    settings = load_settings(environ={}, cwd=tmp_path, user_file=tmp_path / "none.toml")
    async with Session(settings=settings, store=":memory:") as other:
        copied = await other.store.import_run(lines)
        assert await other.store.candidates(copied.id) == list(result.candidates)
        assert essence(await other.replay(copied.id)) == essence(result)
    assert len(server.requests) == N
