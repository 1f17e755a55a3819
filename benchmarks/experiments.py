"""What an experiment costs beside its model: many problems on a scripted one, against the same calls made bare.

    python benchmarks/experiments.py [--problems 20000] [--samples 8] [--in-flight 32]

Everything of an experiment is in it: reading the data, run rows, leases, journal, events, graph, vote, grade, results,
evidence. The model answers at once, so that what is left beside the bare calls is overhead. Each way runs in a process of its
own, whose memory at its peak is printed. Milliseconds are a candidate's; ``CPU`` is that of all threads, which another program
on the machine changes less than the clock.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from symposia.core.calls import ChatRequest
from symposia.core.problem import Message
from symposia.models.gateway import ModelGateway
from symposia.research.experiments.experiment import run_experiment
from symposia.research.experiments.spec import make_spec
from symposia.research.tasks.item import Split, split_of
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedModel, fake_spec

WARM_UP = 64
"""Problems that pay for imports, connections and the first graph."""


def question(number: int) -> str:
    return f"What is {number} plus {number + 1}?"


def write_sums(path: Path, count: int) -> None:
    """A file of sums of which ``count`` are in the dev split."""
    numbers = (number for number in range(10 * count + 100) if split_of(question(number)) is Split.DEV)
    with path.open("w", encoding="utf-8") as file:
        for number, _ in zip(numbers, range(count), strict=False):
            file.write(json.dumps({"question": question(number), "answer": str(2 * number + 1)}) + "\n")


def scripted() -> ScriptedModel:
    """Adds the two numbers; every fourth sample is wrong. Forgets the calls: 160,000 of them are no part of what is measured."""

    def reply(prompt: str, sample: int) -> str:
        model.calls.clear()
        words = prompt.rpartition("What is ")[2].partition("?")[0].split(" plus ")
        return f"So the answer is \\boxed{{{int(words[0]) + int(words[1]) + (sample % 4 == 3)}}}."

    model = ScriptedModel(reply)
    return model


async def timed(work: Callable[[], Awaitable[Any]]) -> tuple[float, float]:
    """Seconds by the clock, and of CPU in all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    await work()
    return time.perf_counter() - wall, time.process_time() - cpu


async def bare(problems: int, samples: int, *, batched: bool) -> tuple[float, float]:
    """The same calls through the same transport, one after the other, and nothing else."""
    model, spec = scripted(), fake_spec(concurrency=1024)
    each = 1 if batched else samples

    async def work() -> None:
        for number in range(problems):
            messages = (Message(role="user", content=question(number)),)
            for index in range(each):
                request = ChatRequest(messages=messages, max_tokens=1024, n=samples // each, seed=index, temperature=0.8)
                await model.complete(spec, request, api_key=None, timeout=60, tag="bench", on_text=None)

    return await timed(work)


async def experiment(problems: int, samples: int, in_flight: int, *, batched: bool) -> tuple[float, float]:
    """The experiment through its runner, in a store on disk."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_sums(folder / "sums.jsonl", problems + WARM_UP)
        settings = load_settings(environ={}, cwd=folder, user_file=folder / "none.toml")
        gateway = ModelGateway(transports={"direct": scripted()})
        models = {"fake": fake_spec(concurrency=1024)}
        async with Session(settings=settings, store=folder / "runs.db", gateway=gateway, models=models) as session:

            async def run(limit: int) -> None:
                spec = make_spec(
                    {
                        "name": "bench",
                        "task": {"name": "sums", "data": folder / "sums.jsonl", "answer_kind": "number", "limit": limit},
                        "models": ["fake"],
                        "strategies": [{"name": "self-consistency", "options": {"n": samples, "batched": batched}}],
                        "baselines": False,
                        "in_flight": in_flight,
                    }
                )
                trials = (await run_experiment(session, spec)).trials
                assert len(trials) == limit, f"{len(trials)} of {limit} trials"

            await run(WARM_UP)
            return await timed(lambda: run(problems + WARM_UP))


def measure(way: str, options: argparse.Namespace) -> None:
    """Of one way, as JSON: for the process that asked."""
    batched = way.endswith("n")
    if way.startswith("bare"):
        wall, cpu = asyncio.run(bare(options.problems, options.samples, batched=batched))
    else:
        wall, cpu = asyncio.run(experiment(options.problems, options.samples, options.in_flight, batched=batched))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(json.dumps({"wall": wall, "cpu": cpu, "peak": peak}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--problems", type=int, default=20_000)
    parser.add_argument("--samples", type=int, default=8)
    parser.add_argument("--in-flight", type=int, default=32)
    parser.add_argument("--way", choices=["bare-n", "experiment-n", "bare", "experiment"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        measure(options.way, options)
        return
    candidates = options.problems * options.samples
    print(f"{options.problems:,} problems x {options.samples} samples, {options.in_flight} in flight")
    print(f"\n{'ms a candidate':34} {'bare':>7} {'whole':>7} {'overhead':>9} {'CPU':>7} {'x bare':>7} {'peak MB':>8}")
    for label, suffix in (("one request for all samples", "-n"), ("a request for each sample", "")):
        found = {}
        for way in ("bare", "experiment"):
            command = [sys.executable, __file__, "--way", way + suffix]
            numbers = [f"--{key}={getattr(options, key.replace('-', '_'))}" for key in ("problems", "samples", "in-flight")]
            done = subprocess.run([*command, *numbers], capture_output=True, text=True, check=False)
            if done.returncode:
                sys.exit(done.stderr)
            found[way] = json.loads(done.stdout)
        floor, whole = (found[way]["wall"] / candidates * 1e3 for way in ("bare", "experiment"))
        cpu = (found["experiment"]["cpu"] - found["bare"]["cpu"]) / candidates * 1e3
        peak = found["experiment"]["peak"] / 1e6
        print(f"{label:34} {floor:7.3f} {whole:7.3f} {whole - floor:9.3f} {cpu:7.3f} {whole / floor:6.1f}x {peak:8.0f}")


if __name__ == "__main__":
    main()
