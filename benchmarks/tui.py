"""What the terminal application costs: start, a run of 100,000 events, and one that is written while it is looked at.

    python benchmarks/tui.py [--events 100000] [--rate 5000] [--seconds 20]

The start is that of the real command on a pseudo-terminal, from its launch to the first drawing. The rest is measured in the
application itself, without a terminal but with all of its drawing; the run that is written comes from another process.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import pty
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import psutil
from textual import events

from symposia.core.budget import Budget
from symposia.core.candidate import Answer, Candidate, ExtractionRule, Score
from symposia.core.events import CallFinished, CandidateAdded, CandidateScored, Event, RunStarted, WaveStarted
from symposia.core.problem import AnswerKind, Problem
from symposia.core.records import RunSpec
from symposia.core.result import RunState
from symposia.memory.store import Store
from symposia.testing import fake_spec
from symposia.tui.app import SymposiaApp
from symposia.tui.desk import Desk, open_session
from symposia.tui.feed import Feed
from symposia.tui.widgets.lines import LinePane

TEXT = "She fills 14 trays with 12 rolls each, so 168 rolls. She sells 95 and 38 of them, which leaves 35.\n\n" * 3
SIZE = (160, 45)


def happenings() -> Iterator[Event]:
    """The events of a run that never ends: waves of calls, each with a sample that a judge scores."""
    yield RunStarted(strategy="best-of-n", models={"policy": "fake", "verifier": "fake"})
    number = 0
    while True:
        visit, index = divmod(number, 64)
        place = {"scope": "best-of-n", "node": "propose", "visit": visit, "index": index}
        if index == 0:
            yield WaveStarted(**place, role="policy", model="fake", size=64, window=16)
        tokens = {"prompt_tokens": 120, "cached_tokens": 60, "completion_tokens": 90}
        yield CallFinished(**place, role="policy", model="fake", choices=1, dollars=0.0001, seconds=2.0, **tokens)
        key, value = f"best-of-n/propose.{visit}.{index}#0", str((18, 20, 18, 7)[number % 4])
        answer = Answer(value=value, raw=value, kind=AnswerKind.NUMBER, rule=ExtractionRule.BOXED)
        yield CandidateAdded(scope="best-of-n", node=key, candidate=Candidate(id=key, text=TEXT, model="fake", answer=answer))
        score = Score(verifier="judge", value=(number % 10) / 10)
        yield CandidateScored(scope="best-of-n", node="score", visit=visit, index=index, candidate=key, score=score)
        number += 1


def spec() -> RunSpec:
    """A run that nobody executes."""
    problem, models = Problem.of("How many rolls?"), {"policy": fake_spec()}
    return RunSpec(problem=problem, strategy="best-of-n", models=models, budget=Budget(dollars=50), version="0")


async def write(place: Path, count: int) -> str:
    """A run with ``count`` events; its id."""
    async with await Store.open(place) as store:
        record, lease = await store.begin_run(spec(), owner="benchmark", ttl=600)
        events = happenings()
        for _ in range(0, count, 1000):
            store.append(lease, list(islice(events, min(1000, count))))
            await store.flush(lease)
        await store.release(lease, RunState.INTERRUPTED, 60.0)
        return record.id


async def write_live(place: str, rate: int, seconds: float) -> None:
    """What the other process does: a run with ``rate`` events a second, its id on stdout before."""
    async with await Store.open(place) as store:
        record, lease = await store.begin_run(spec(), owner="benchmark", ttl=600)
        print(record.id, flush=True)
        events, began, written = happenings(), time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds:
            due = int(rate * passed) - written
            if due > 0:
                store.append(lease, list(islice(events, due)))
                written += due
            await asyncio.sleep(0.02)
        await store.flush(lease)
        await store.release(lease, RunState.INTERRUPTED, seconds)


def first_paint(place: Path) -> float:
    """Seconds from the launch of the command to its first drawing, the best of five."""
    return min(_paint(place) for _ in range(5))


def _paint(place: Path) -> float:
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": "160", "LINES": "45"}
        os.execv(sys.executable, [sys.executable, "-m", "symposia.cli", "tui", "--store", str(place)])
    seen = b""
    while b"QUESTION" not in seen and b"opening" not in seen and b"Runs" not in seen:
        if not select.select([terminal], [], [], 20)[0]:
            raise TimeoutError(seen)
        seen += os.read(terminal, 65536)
    took = time.perf_counter() - began
    os.kill(pid, 15)
    os.close(terminal)
    os.waitpid(pid, 0)
    return took


async def follow(place: Path, run_id: str, count: int) -> None:
    """A long run that is there already: first without a snapshot, then with one; then scrolling, then memory."""
    for label in ("never looked at before", "from its snapshot"):
        app = SymposiaApp(Desk(lambda: open_session(str(place), place.parent)), run_id=run_id)
        began = time.perf_counter()
        async with app.run_test(size=SIZE):
            first = await _until(lambda feed: len(feed.view.samples) > 0, app, began)
            whole = await _until(lambda feed: feed.view.seq == count and not feed.behind, app, began)
            print(f"| {count:,} events, {label}: first samples on the screen | {first:.2f} s | < 1 s |")
            print(f"| {count:,} events, {label}: all of them | {whole:.2f} s | < 5 s |")
            if label.startswith("from"):
                frames = await _scroll(app)
                print(f"| scrolling through its samples, frames a second | {frames:.0f} | ≥ 20 |")
                memory = psutil.Process().memory_info().rss / 1e6
                print(f"| memory of the process, benchmark included | {memory:.0f} MB | < 250 MB |")


async def _until(reached: object, app: SymposiaApp, began: float) -> float:
    while not (app.feed is not None and reached(app.feed)):  # type: ignore[operator]  # noqa: ASYNC110
        await asyncio.sleep(0.005)
    app.screen.redraw()  # type: ignore[attr-defined]
    return time.perf_counter() - began


async def _scroll(app: SymposiaApp) -> float:
    """Frames a second: the next key comes when what the one before changed is drawn."""
    pane = app.screen.query_one("#samples", LinePane)
    pane.focus()
    took = [await _pressed(app, pane, "k") for _ in range(300)]
    return len(took) / sum(took)


async def _pressed(app: SymposiaApp, pane: LinePane, key: str) -> float:
    """Seconds from a key until what it moved is drawn. Not by the pilot, who waits until nothing happens any more."""
    before, drawn, began = pane.cursor, asyncio.Event(), time.perf_counter()
    app.post_message(events.Key(key, key))
    while pane.cursor == before:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    pane.call_after_refresh(drawn.set)
    await drawn.wait()
    return time.perf_counter() - began


async def live(place: Path, rate: int, seconds: float) -> None:
    """A run that is written by another process."""
    command = [sys.executable, __file__, "--write", str(place), "--rate", str(rate), "--seconds", str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:  # noqa: ASYNC220
        assert writer.stdout is not None
        run_id = writer.stdout.readline().strip()
        app = SymposiaApp(Desk(lambda: open_session(str(place), place.parent)), run_id=run_id)
        async with app.run_test(size=SIZE):
            await _until(lambda feed: len(feed.view.samples) > 0, app, 0.0)
            pane = app.screen.query_one("#samples", LinePane)
            pane.focus()
            began, cpu = time.perf_counter(), time.process_time()
            waits: list[float] = []
            while time.perf_counter() - began < seconds - 3:
                await asyncio.sleep(0.2)
                waits.append(await _pressed(app, pane, "k"))
            share = (time.process_time() - cpu) / (time.perf_counter() - began)
            feed = app.feed
            assert isinstance(feed, Feed)
            behind = rate * (time.perf_counter() - began) - feed.view.seq
        writer.wait()
    waits.sort()
    print(f"| {rate:,} events a second: share of a core | {100 * share:.0f} % | < 40 % |")
    print(
        f"| … a key until it is drawn, median and 99 % | {1e3 * statistics.median(waits):.0f} ms, "
        f"{1e3 * waits[int(0.99 * len(waits))]:.0f} ms | < 100 ms |"
    )
    print(f"| … behind the writer, events | {max(0, behind):,.0f} | |")


def main(count: int, rate: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "runs.db"
        run_id = asyncio.run(write(place, count))
        print("| what | measured | wanted |\n| :-- | --: | --: |")
        print(f"| from the launch of the command to its first drawing | {first_paint(place):.2f} s | < 0.7 s |")
        asyncio.run(follow(place, run_id, count))
        asyncio.run(live(place, rate, seconds))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rate", type=int, default=5_000)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--write", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.write:
        asyncio.run(write_live(options.write, options.rate, options.seconds))
    else:
        main(options.events, options.rate, options.seconds)
