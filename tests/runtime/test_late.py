"""What a stopping rule leaves behind: stopped at the server where it can be, charged anyway, kept if it came, never voted.

A server that listens stops writing when its client hangs up; one that is deaf writes every reply to its end, and nobody reads it.
The run must not be able to tell them apart.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from symposia.core.events import Event
from symposia.core.records import EntryStatus, JournalEntry
from symposia.core.result import Result, StopReason
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import LoopbackServer, Recorded

N, MAX_TOKENS = 12, 50
NEEDED, DECIDER, EARLY = 4, 3, (4, 5)
"""Four equal answers decide. The fourth comes last of them, when two later samples are there already; the rest is on its way."""

RULES: dict[str, dict[str, Any]] = {
    "adaptive-consistency": {"n": N, "window": N, "max_tokens": MAX_TOKENS},
    "self-consistency": {"n": N, "window": N, "max_tokens": MAX_TOKENS, "stop": "beta"},
}


def reply(prompt: str, sample: int) -> str:
    """Late samples and other questions have other answers, so that it would show where they vote or are mixed up."""
    answer = 3 if "Another" in prompt else 7 if sample < NEEDED else 8
    return f"FAKE sample {sample}. \\boxed{{{answer}}}"


class Gate:
    """Says what the server may write when: the fourth sample once the early ones are in, the rest once the run is over."""

    def __init__(self) -> None:
        self.early, self.over = asyncio.Event(), asyncio.Event()
        self._landed = 0

    async def hold(self, request: Recorded) -> None:
        sample = request.body["seed"] & 1023
        if sample == DECIDER:
            await self.early.wait()
        elif sample > max(EARLY):
            await self.over.wait()

    def hear(self, event: Event) -> None:
        self._landed += event.type == "call_finished"
        if self._landed == DECIDER + len(EARLY):
            self.early.set()


async def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it never came about"
        await asyncio.sleep(0.01)


class Left:
    """What a run left everywhere."""

    def __init__(self, server: LoopbackServer, result: Result, journal: list[JournalEntry], pool: list[Any]) -> None:
        self.written = sum(request.generated for request in server.requests)
        self.stopped = sum(request.state == "cancelled" and not request.generated for request in server.requests)
        self.asked = len(server.requests)
        self.result = result
        self.calls = [entry for entry in journal if entry.role]
        self.pool = pool


async def run(folder: Path, strategy: str, *, deaf: bool) -> Left:
    settings, gate = load_settings(environ={}, cwd=folder, user_file=folder / "none.toml"), Gate()
    async with (
        LoopbackServer(reply, deaf=deaf, hold=gate.hold) as server,
        Session(settings=settings, store=folder / "runs.db", models={"fake": server.spec()}) as session,
    ):
        result = await session.solve("?", strategy=strategy, team="fake", options=RULES[strategy], listener=gate.hear)
        before = [await session.store.journal(result.run_id), await session.store.candidates(result.run_id)]
        if deaf:
            gate.over.set()
        await until(lambda: server.in_flight == 0)
        left = Left(server, result, await session.store.journal(result.run_id), await session.store.candidates(result.run_id))
        assert before == [await session.store.journal(result.run_id), left.pool], "what is written later changes nothing"
        replayed = await session.replay(result.run_id)
        other = await session.solve("Another?", strategy="greedy", team="fake")
        assert len(server.requests) == left.asked + 1, "a replay asks nobody"
    assert (replayed.candidates, replayed.usage) == (result.candidates, result.usage)
    assert other.answer == "3", "no reply to one call is taken for that to another"
    return left


@pytest.mark.parametrize("strategy", RULES)
@pytest.mark.parametrize("deaf", [False, True], ids=["listens", "deaf"])
async def test_what_is_left_behind(tmp_path: Path, strategy: str, deaf: bool) -> None:
    left = await run(tmp_path, strategy, deaf=deaf)
    late, lost = len(EARLY), N - NEEDED - len(EARLY)
    # At the server: a reply that nobody waits for is not written any further, unless the server does not notice.
    assert (left.asked, left.written, left.stopped) == ((N, N, 0) if deaf else (N, N - lost, lost))
    # The vote: the first samples by index and nothing else.
    result = left.result
    assert (result.answer, result.confidence, result.stop_reason) == ("7", 1.0, StopReason.AGREED)
    assert [(vote.answer, vote.count) for vote in result.votes] == [("7", NEEDED)]
    assert [candidate.id for candidate in result.candidates] == [f"{strategy}/propose.0.{index}#0" for index in range(NEEDED)]
    # The pool: late finishers are kept, and do not count.
    counted = {candidate.id.partition(".0.")[2]: candidate.counted for candidate in left.pool}
    assert counted == {f"{index}#0": index < NEEDED for index in range(NEEDED + late)}
    assert {candidate.answer.text for candidate in left.pool if not candidate.counted} == {"8"}
    # The journal: what came is done; of the rest it is known that it was sent, and what it may have cost at most.
    assert Counter(entry.status for entry in left.calls) == {EntryStatus.DONE: NEEDED + late, EntryStatus.SENT: lost}
    sent = [entry.charge for entry in left.calls if entry.status is EntryStatus.SENT]
    assert {charge.completion_tokens for charge in sent} == {MAX_TOKENS}
    # The ledger: all calls are charged, those that never came back by their upper bounds.
    usage = result.total_usage
    assert (usage.calls, usage.lost_calls, usage.lost_completion_tokens) == (N, lost, lost * MAX_TOKENS)
    came = [entry.charge.completion_tokens for entry in left.calls if entry.status is EntryStatus.DONE]
    assert usage.completion_tokens == sum(came) > 0
