"""What orchestration costs: self-consistency and single calls against one loopback server with a fixed latency.

    python benchmarks/orchestration.py [--repeats 5] [--latency 0.2]

The server runs in a process of its own and answers after exactly ``--latency`` seconds. Everything is measured in one run on
one server, so that ratios hold where absolute times do not. Two tables:

1. wall time of a whole self-consistency run (graph, budget, journal, events, vote and store included), as a multiple of the
   latency: N separate calls by the direct transport, through LiteLLM, and N samples in one request; ``its-hub`` beside it;
2. one call: calls per second and client CPU per call at 64 in flight, for bare aiohttp, the direct transport, LiteLLM and
   ``its-hub``; and what journal and events add.

``its-hub`` is optional: ``pip install "its-hub[lm]"``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path

import aiohttp

from symposia.core.calls import ChatRequest
from symposia.core.model_spec import Ability, ModelSpec
from symposia.core.problem import Message
from symposia.models.direct_transport import DirectTransport
from symposia.models.litellm_transport import LiteLLMTransport
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings

QUESTION = "Janet has 16 eggs, eats 3, bakes with 4 and sells the rest for $2 each. How many dollars does she make?"
IN_FLIGHT = 64


def spec(url: str, transport: str, *, batched: bool = False) -> ModelSpec:
    abilities = {Ability.CHAT, Ability.SEED} | ({Ability.N} if batched else set())
    name = f"loopback-{transport}{'-n' if batched else ''}"
    return ModelSpec(
        name=name, served_name="fake", endpoint=url, transport=transport, abilities=frozenset(abilities), concurrency=1024
    )


async def median_seconds(work: Callable[[], Awaitable[object]], repeats: int) -> tuple[float, float, float]:
    """Least, median and greatest wall time after one warm-up."""
    await work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        await work()
        times.append(time.perf_counter() - start)
    return min(times), statistics.median(times), max(times)


async def runs(url: str, latency: float, repeats: int) -> None:
    specs = {s.name: s for s in (spec(url, "direct"), spec(url, "litellm"), spec(url, "direct", batched=True))}
    rows = [("bare aiohttp, no orchestration", n, await bare_run(url, n, repeats)) for n in (64, 256)]
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(environ={}, cwd=Path(folder))
        async with Session(settings=settings, store=Path(folder) / "bench.db", models=specs) as session:

            def solve(model: str, n: int) -> Callable[[], Awaitable[object]]:
                async def work() -> None:
                    result = await session.solve(QUESTION, strategy="self-consistency", team=model, options={"n": n})
                    assert len(result.candidates) == n, result

                return work

            for label, model, n in (
                ("symposia, direct, separate calls", "loopback-direct", 64),
                ("symposia, direct, separate calls", "loopback-direct", 256),
                ("symposia, LiteLLM, separate calls", "loopback-litellm", 64),
                ("symposia, direct, one request (n)", "loopback-direct-n", 64),
            ):
                rows.append((label, n, await median_seconds(solve(model, n), repeats)))
    if find_spec("its_hub") and find_spec("backoff"):
        for label, limit in (("its-hub, its default (32 in flight)", 32), ("its-hub, unlimited", -1)):
            rows += [(label, n, await its_hub_run(url, n, limit, repeats)) for n in (64, 256)]
    print(f"\n{'self-consistency, whole run':38} {'N':>4} {'median':>8} {'x latency':>10}   least-greatest")
    for label, n, (low, mid, high) in rows:
        print(f"{label:38} {n:4d} {mid * 1e3:6.0f}ms {mid / latency:9.2f}x   {low / latency:.2f}-{high / latency:.2f}")


async def bare_run(url: str, n: int, repeats: int) -> tuple[float, float, float]:
    """The floor: n posts at once and their JSON, nothing else."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:

        async def work() -> None:
            await asyncio.gather(*(post(http, url) for _ in range(n)))

        return await median_seconds(work, repeats)


async def post(http: aiohttp.ClientSession, url: str) -> None:
    payload = {"model": "fake", "messages": [{"role": "user", "content": QUESTION}], "max_tokens": 64}
    async with http.post(f"{url}/chat/completions", json=payload) as response:
        await response.json()


async def its_hub_run(url: str, n: int, limit: int, repeats: int) -> tuple[float, float, float]:
    from its_hub.core.algorithms.self_consistency import SelfConsistency
    from its_hub.core.lms.openai_lm import OpenAICompatibleLanguageModel
    from its_hub.core.orchestrator import LMOrchestrator

    async with OpenAICompatibleLanguageModel(url, "none", "fake") as model:
        algorithm = SelfConsistency(orchestrator=LMOrchestrator(max_concurrency=limit))
        return await median_seconds(lambda: algorithm.ainfer(model, QUESTION, n), repeats)


async def calls(url: str, count: int) -> None:
    messages = (Message(role="user", content=QUESTION),)
    request = ChatRequest(messages=messages, max_tokens=64)
    rows = []
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        rows.append(("bare aiohttp", *await rate(lambda: post(http, url), count)))
    for label, transport, model in (
        ("symposia, direct", DirectTransport(), spec(url, "direct")),
        ("symposia, LiteLLM", LiteLLMTransport(), spec(url, "litellm")),
    ):

        async def one(transport=transport, model=model) -> None:
            await transport.complete(model, request, api_key=None, timeout=60, tag="bench", on_text=None)

        rows.append((label, *await rate(one, count)))
        await transport.close()
    if find_spec("its_hub") and find_spec("backoff"):
        from its_hub.api import ChatMessage
        from its_hub.core.lms.openai_lm import OpenAICompatibleLanguageModel

        async with OpenAICompatibleLanguageModel(url, "none", "fake") as hub:
            chat = [ChatMessage(role="user", content=QUESTION)]
            rows.append(("its-hub", *await rate(lambda: hub.agenerate_single(chat), count)))
    base = rows[0][2]
    print(f"\n{f'one call, {IN_FLIGHT} in flight':38} {'calls/s':>8} {'CPU/call':>10} {'x aiohttp':>10}")
    for label, speed, cpu in rows:
        print(f"{label:38} {speed:8.0f} {cpu * 1e3:8.3f}ms {cpu / base:9.2f}x")


async def rate(one: Callable[[], Awaitable[object]], count: int) -> tuple[float, float]:
    """Calls per second and CPU seconds per call with a fixed number in flight: the median of five by CPU, after a warm-up."""
    await asyncio.gather(*(one() for _ in range(IN_FLIGHT)))
    rounds = [await _round(one, count) for _ in range(5)]
    return sorted(rounds, key=lambda speed_and_cpu: speed_and_cpu[1])[2]


async def _round(one: Callable[[], Awaitable[object]], count: int) -> tuple[float, float]:
    left = count
    start, cpu = time.perf_counter(), time.process_time()

    async def worker() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            await one()

    await asyncio.gather(*(worker() for _ in range(IN_FLIGHT)))
    return count / (time.perf_counter() - start), (time.process_time() - cpu) / count


async def bookkeeping(repeats: int) -> None:
    """Journal and events of a run, per call: intent, result and event, as a wave of calls writes them."""
    from symposia.core.calls import Choice, Reply
    from symposia.core.events import CallFinished
    from symposia.core.problem import Problem
    from symposia.core.records import EntryKind, EntryStatus, JournalEntry, RunSpec
    from symposia.memory.store import Store, this_process

    reply = Reply(model="fake", choices=(Choice(text="word " * 150 + r"\boxed{18}"),), completion_tokens=180)
    request = ChatRequest(messages=(Message(role="user", content=QUESTION),), max_tokens=1024)
    walls, cpus = [], []
    with tempfile.TemporaryDirectory() as folder:
        async with await Store.open(Path(folder) / "bench.db") as store:
            run = await store.create_run(
                RunSpec(
                    problem=Problem.of(QUESTION), strategy="greedy", models={"policy": ModelSpec(name="fake")}, version="bench"
                )
            )
            lease = await store.acquire(run.id, owner=this_process(), ttl=600)

            async def one(key: str, index: int) -> None:
                entry = JournalEntry(
                    key=key,
                    kind=EntryKind.CALL,
                    status=EntryStatus.SENT,
                    request_hash="h",
                    request=request.model_dump(mode="json"),
                )
                await store.record(lease, [entry])
                done = {"status": EntryStatus.DONE, "response": reply.model_dump(mode="json")}
                await store.record(lease, [entry.model_copy(update=done)])
                event = CallFinished(
                    scope="bench", node=key, index=index, role="policy", model="fake", choices=1, prompt_tokens=40,
                    cached_tokens=0, completion_tokens=180, dollars=None, seconds=0.2,
                )  # fmt: skip
                store.append(lease, [event])

            for repeat in range(repeats + 1):
                start, cpu = time.perf_counter(), time.process_time()
                await asyncio.gather(*(one(f"bench/{repeat}.{i}", i) for i in range(IN_FLIGHT)))
                await store.flush()
                walls.append((time.perf_counter() - start) / IN_FLIGHT)
                cpus.append((time.process_time() - cpu) / IN_FLIGHT)
    wall, cpu = statistics.median(walls[1:]), statistics.median(cpus[1:])
    print(f"\njournal and events, {IN_FLIGHT} calls together: {wall * 1e3:.3f} ms wall, {cpu * 1e3:.3f} ms CPU a call")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--calls", type=int, default=512)
    arguments = parser.parse_args()
    command = [sys.executable, "-m", "symposia.testing.server", "--port", "0", "--latency", str(arguments.latency)]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    try:
        url = json.loads(server.stdout.readline())["url"]
        print(
            f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, latency {arguments.latency} s"
        )
        asyncio.run(runs(url, arguments.latency, arguments.repeats))
        asyncio.run(calls(url, arguments.calls))
        asyncio.run(bookkeeping(arguments.repeats))
    finally:
        server.terminate()
        server.wait()


if __name__ == "__main__":
    main()
