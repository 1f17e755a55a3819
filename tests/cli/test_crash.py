"""Kill the process anywhere: what is resumed ends as the unbroken run does, and no finished call is made again."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from symposia.core.records import EntryStatus
from symposia.memory.store import Store
from symposia.testing import LoopbackServer, Recorded

SAMPLES = 6
ANSWERS = [18, 20, 18, 18, 7, 18]


def reply(prompt: str, sample: int) -> str:
    return f"Thinking {'on ' * sample}gives \\boxed{{{ANSWERS[sample % len(ANSWERS)]}}}."


def arguments(server: LoopbackServer, stop: str) -> list[str]:
    model = f"{server.url}#fake"
    options = ["--set", f"n={SAMPLES}", "--set", "batched=false", "--set", f"stop={stop}", "--set", "window=3"]
    return ["solve", "6 + 12?", "--model", model, *options, "--json"]


def essence(result: dict, *, usage: bool) -> dict:
    skip = {"run_id", "seconds", "models"} | (set() if usage else {"usage", "total_usage"})
    return {key: value for key, value in result.items() if key not in skip}


def finished(requests: list[Recorded]) -> Counter[str]:
    """Replies sent, by the call they belong to (the run's id cut off)."""
    return Counter(request.tag.partition("/")[2] for request in requests if request.state == "replied")


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory) -> dict[str, dict]:
    """What each run gives when nothing kills it."""
    folder = tmp_path_factory.mktemp("unbroken")
    whole = {}
    with LoopbackServer(reply).running() as server:
        for stop in ("fixed", "beta"):
            command = [sys.executable, "-m", "symposia.cli", *arguments(server, stop), "--store", str(folder / "runs.db")]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True, timeout=60)
            whole[stop] = json.loads(done.stdout)
    return whole


def only_run(symposia) -> str:
    (record,) = [one for one in symposia("run", "list", "--json").json if one["state"] != "finished"]
    assert record["state"] == "interrupted"
    return record["id"]


@pytest.mark.parametrize("stop", ["fixed", "beta"])
@pytest.mark.parametrize(
    "kill_after",
    # Every place is tried; what takes longest of it beside the tests that take minutes.
    [pytest.param(count, marks=() if count in {1, 3, SAMPLES} else pytest.mark.integration) for count in range(1, SAMPLES + 1)],
)
def test_killed_after_the_kth_reply(
    symposia, tmp_path: Path, environment: dict[str, str], stop: str, kill_after: int, unbroken
) -> None:
    victim: list[subprocess.Popen] = []

    def on_reply(count: int) -> None:
        if victim and count == kill_after:
            victim[0].send_signal(signal.SIGKILL)

    # One call at a time is not enough to be cruel: latencies differ, so that several are in flight when the process dies.
    with LoopbackServer(reply, latency=(0.0, 0.05), on_reply=on_reply).running() as server:
        command = [sys.executable, "-m", "symposia.cli", *arguments(server, stop)]
        victim.append(
            subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )
        code = victim[0].wait(timeout=60)
        victim.clear()
        before = len(server.requests)
        if code == 0:
            # With a stopping rule the run may have ended before its k-th reply: nothing was killed, nothing is to be shown.
            assert stop == "beta"
            return
        assert code == -signal.SIGKILL
        run_id = only_run(symposia)
        journaled = _done(run_id, tmp_path)
        resumed = symposia("run", "resume", run_id, "--json")
        assert resumed.code == 0, resumed.err
        again = finished(server.requests[before:])
        assert not journaled & set(again), "a finished call was made again"
        assert max(again.values(), default=1) == 1
        assert essence(resumed.json, usage=False) == essence(unbroken[stop], usage=False)
        replayed = symposia("run", "replay", run_id, "--json")
        assert essence(replayed.json, usage=True) == essence(resumed.json, usage=True)


@pytest.mark.parametrize("point", ["journal-committed", "replied"])
@pytest.mark.parametrize("count", [1, 3, SAMPLES])
def test_killed_between_reply_journal_and_event(
    symposia, symposia_process, tmp_path: Path, point: str, count: int, unbroken
) -> None:
    with LoopbackServer(reply, latency=(0.0, 0.05)).running() as server:
        ran = symposia_process(*arguments(server, "fixed"), env={"SYMPOSIA_FAILPOINT": f"{point}:{count}"})
        assert ran.code == -signal.SIGKILL
        run_id = only_run(symposia)
        journaled = _done(run_id, tmp_path)
        assert point == "replied" or len(journaled) >= count
        before = len(server.requests)
        resumed = symposia("run", "resume", run_id, "--json")
        assert resumed.code == 0, resumed.err
        assert not journaled & set(finished(server.requests[before:]))
        assert essence(resumed.json, usage=False) == essence(unbroken["fixed"], usage=False)
        events = [json.loads(line)["event"] for line in symposia("run", "events", run_id).out.splitlines()]
        kinds = Counter(event["type"] for event in events)
        assert kinds["call_finished"] == kinds["candidate_added"] == SAMPLES
        assert kinds["run_started"] == 2


def test_what_a_crash_may_have_cost_stays_charged(symposia, tmp_path: Path, environment: dict[str, str]) -> None:
    def on_request(count: int) -> None:
        if count == SAMPLES and victim:
            os.kill(victim[0].pid, signal.SIGKILL)

    victim: list[subprocess.Popen] = []
    with LoopbackServer(reply, latency=0.3, on_request=on_request).running() as server:
        command = [sys.executable, "-m", "symposia.cli", *arguments(server, "fixed"), "--set", "max_tokens=100"]
        victim.append(
            subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        )
        victim[0].wait(timeout=60)
        victim.clear()
        resumed = symposia("run", "resume", only_run(symposia), "--json").json
    assert resumed["total_usage"]["lost_calls"] == SAMPLES
    assert resumed["total_usage"]["lost_completion_tokens"] == SAMPLES * 100
    assert resumed["total_usage"]["calls"] == 2 * SAMPLES


def _done(run_id: str, folder: Path) -> set[str]:
    """Keys of the calls that the journal holds as finished."""
    (path,) = (folder / "home").rglob("*.db")

    async def read() -> set[str]:
        async with await Store.open(path) as store:
            return {entry.key for entry in await store.journal(run_id) if entry.status is EntryStatus.DONE}

    return asyncio.run(read())
