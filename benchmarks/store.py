"""What the store carries: eight processes that write 1,000 events a second each into one store, on SQLite, then on PostgreSQL.

    python benchmarks/store.py [--processes 8] [--rate 1000] [--seconds 60] [--store PATH|URL]

Each process executes a run of its own. It appends its events as they fall due and, twenty times a second, records a journal
entry and waits for the commit, as a call does before its result is used. That wait is the commit latency. At the end the
events that stand in the store are counted against those that were sent.

PostgreSQL runs as a private server with its usual durable settings, made from the one that is installed; ``--store`` names
another place instead of both.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from symposia.core.events import CallFinished
from symposia.core.model_spec import ModelSpec
from symposia.core.problem import Problem
from symposia.core.records import JournalEntry, Lease, RunSpec
from symposia.memory.store import Store, this_process
from symposia.testing import PostgresServer

TICK = 0.01
PROBE = 0.05


def event(index: int) -> CallFinished:
    return CallFinished(
        scope="/self-consistency",
        node="propose",
        index=index,
        role="policy",
        model="qwen2.5-coder-1.5b",
        choices=1,
        prompt_tokens=180,
        cached_tokens=0,
        completion_tokens=240,
        dollars=None,
        seconds=1.25,
    )


def entry(index: int) -> JournalEntry:
    response = {"text": "We add the rolls and get \\boxed{64}. " * 20}
    return JournalEntry(key=f"/propose.0.{index}", kind="call", status="done", request_hash="h", request={}, response=response)


async def feed(store: Store, lease: Lease, rate: int, seconds: float) -> int:
    """Append events as they fall due; how many."""
    began, sent = time.perf_counter(), 0
    while (passed := time.perf_counter() - began) < seconds:
        due = int(passed * rate)
        if due > sent:
            store.append(lease, [event(index) for index in range(sent, due)])
            sent = due
        await asyncio.sleep(TICK)
    store.append(lease, [event(index) for index in range(sent, int(seconds * rate))])
    return int(seconds * rate)


async def probe(store: Store, lease: Lease, found: list[float]) -> None:
    """Record an entry again and again; seconds until each was committed go into ``found``."""
    while True:
        began = time.perf_counter()
        await store.record(lease, [entry(len(found))])
        found.append(time.perf_counter() - began)
        await asyncio.sleep(PROBE)


async def work(place: str, name: str, rate: int, seconds: float) -> None:
    spec = RunSpec(problem=Problem.of("?"), strategy="greedy", models={"policy": ModelSpec(name="m")}, version="0")
    async with await Store.open(place) as store:
        run = await store.create_run(spec, id=name)
        lease = await store.acquire(run.id, owner=this_process(), ttl=3600)
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)  # all begin at once
        latencies: list[float] = []
        before = time.process_time()
        prober = asyncio.create_task(probe(store, lease, latencies))
        sent = await feed(store, lease, rate, seconds)
        prober.cancel()
        await asyncio.gather(prober, return_exceptions=True)
        await store.flush(lease)
        cpu = time.process_time() - before
        written = len(await store.event_ids(run.id))
    sys.stdout.write(json.dumps({"sent": sent, "written": written, "cpu": cpu, "latencies": latencies}) + "\n")


def measure(label: str, place: str, processes: int, rate: int, seconds: float) -> bool:
    """Run the processes and print a row; whether nothing was lost."""
    command = [sys.executable, __file__, "--worker", "--store", place, "--rate", str(rate), "--seconds", str(seconds)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    prefix = f"bench{os.getpid()}"
    children = [subprocess.Popen([*command, "--name", f"{prefix}-{n}"], text=True, **pipes) for n in range(processes)]
    for child in children:
        child.stdout.readline()
    began = time.perf_counter()
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    said = [json.loads(child.communicate()[0]) for child in children]
    wall = time.perf_counter() - began
    latencies = sorted(1000 * one for each in said for one in each["latencies"])
    cuts = statistics.quantiles(latencies, n=100)
    sent, written = (sum(each[name] for each in said) for name in ("sent", "written"))
    cpu = sum(each["cpu"] for each in said)
    print(
        f"| {label} | {sent:,} | {written:,} | {len(latencies):,} | {cuts[49]:.1f} | {cuts[98]:.1f} | {latencies[-1]:.1f} "
        f"| {cpu / wall:.2f} | {1e6 * cpu / sent:.0f} |",
        flush=True,
    )
    return sent == written


def children_cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=8)
    parser.add_argument("--rate", type=int, default=1000, help="events a second and process")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--store", help="path or address; by default a new SQLite file, then a private PostgreSQL server")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--name", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        asyncio.run(work(options.store, options.name, options.rate, options.seconds))
        return
    given = (options.processes, options.rate, options.seconds)
    print(f"CPython {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before;", end=" ")
    print(f"{given[0]} processes, {given[1]:,} events a second each, {given[2]:g} s.")
    print("Latencies in milliseconds, CPU of the writing processes.\n")
    print("| store | sent | written | commits measured | p50 | p99 | max | CPU cores | µs an event |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    if options.store:
        whole = [measure(options.store.partition("://")[0], options.store, *given)]
    else:
        with tempfile.TemporaryDirectory() as folder:
            whole = [measure("SQLite", str(Path(folder) / "bench.db"), *given)]
        try:
            with PostgresServer.running(durable=True) as server:
                before = children_cpu()
                whole.append(measure("PostgreSQL", server.new_database(), *given))
            print(f"\nCPU of the server and its writers together: {children_cpu() - before:.0f} s")
        except FileNotFoundError as error:
            print(f"\n{error}")
    if not all(whole):
        sys.exit("events were lost")


if __name__ == "__main__":
    main()
