"""What a score costs beside the model's own time: 500 given solutions of six steps, judged by the strategy ``verify``.

    python benchmarks/verifiers.py [--solutions 500] [--repeats 5] [--pace 0]

The models are scripted and answer after ``--pace`` seconds, from a process of their own. A run is the whole thing: problem, run
row, lease, budget, journal, events, candidates and scores in a store on disk. Beside each verifier the same requests go out bare,
as many at a time, and nothing else; overhead is the difference of the two, a score. It fails where that is a millisecond or more.

Needs an otherwise idle machine; processor time, which is that of the client alone, depends less on that.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from symposia.core.model_spec import Ability, ModelSpec
from symposia.core.problem import Problem, Solution
from symposia.models.reward_forms import OUTCOME_CLASSIFIER, QWEN_PRM, conversation
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import LoopbackServer, RewardServer

QUESTION = "Janet has 16 eggs, eats 3, bakes with 4 and sells the rest for $2 each. How many dollars does she make?"
STEPS = 6
IN_FLIGHT = 64
LIMIT = 1e-3
"""Seconds of overhead a score."""


class Arm(NamedTuple):
    """A verifier under options, and what goes out for each solution."""

    label: str
    verifier: str
    options: dict[str, Any]
    model: str
    path: str
    calls: int
    """A solution."""


ARMS = [
    Arm("process-reward", "process-reward", {}, "process", "/pooling", 1),
    Arm("outcome-reward", "outcome-reward", {}, "outcome", "/pooling", 1),
    Arm("judge, labels", "judge", {}, "judge", "/v1/chat/completions", 1),
    Arm("judge, labels, every step", "judge", {"unit": "step"}, "judge", "/v1/chat/completions", STEPS),
]


class Cost(NamedTuple):
    """Of one pass over all solutions, in seconds."""

    wall: float
    cpu: float


def solutions(count: int) -> tuple[Solution, ...]:
    middle = [f"Step {step}: what is left is counted again, and it is still {9 * step} of them." for step in range(1, STEPS - 1)]
    first, last = "Solution {number}: she has 16 - 3 - 4 = 9 eggs left.", "So she makes \\boxed{{{number}}} dollars."
    return tuple(Solution.of_steps([first.format(number=number), *middle, last.format(number=number)]) for number in range(count))


async def serve(pace: float) -> None:
    """Answer until the standard input ends; the addresses go out as a line of JSON."""
    judge = LoopbackServer(lambda _prompt, _sample: {"content": "Yes", "labels": {"Yes": -0.2, "No": -1.8}}, latency=pace)
    async with RewardServer(QWEN_PRM, pace=pace) as process, RewardServer(OUTCOME_CLASSIFIER, pace=pace) as outcome, judge:
        print(json.dumps({"process": process.url, "outcome": outcome.url, "judge": judge.url}), flush=True)
        await asyncio.to_thread(sys.stdin.read)


@contextlib.contextmanager
def served(pace: float) -> Iterator[dict[str, str]]:
    """Addresses of the scripted models, in a process of their own."""
    command = [sys.executable, __file__, "--serve", "--pace", str(pace)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        yield json.loads(server.stdout.readline())


def specs(urls: dict[str, str]) -> dict[str, ModelSpec]:
    common: dict[str, Any] = {"transport": "direct", "served_name": "fake", "concurrency": IN_FLIGHT}
    reward = frozenset({Ability.REWARD})
    found = {
        "process": ModelSpec(name="process", endpoint=urls["process"], abilities=reward, reward=QWEN_PRM, **common),
        "outcome": ModelSpec(name="outcome", endpoint=urls["outcome"], abilities=reward, reward=OUTCOME_CLASSIFIER, **common),
    }
    able = frozenset({Ability.CHAT, Ability.LOGPROBS})
    return found | {"judge": ModelSpec(name="judge", endpoint=urls["judge"], abilities=able, **common)}


async def measured(work: Callable[[], Awaitable[None]], repeats: int) -> Cost:
    """The medians of some passes, after one that is not counted."""
    await work()
    walls, cpus = [], []
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        await work()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return Cost(statistics.median(walls), statistics.median(cpus))


def verification(session: Session, arm: Arm, problem: Problem) -> Callable[[], Awaitable[None]]:
    async def work() -> None:
        options = {"verifier": arm.verifier, "verifier_options": arm.options}
        result = await session.solve(problem, team=arm.model, strategy="verify", options=options)
        assert result.total_usage.calls == arm.calls * len(problem.solutions), result.total_usage
        assert all(candidate.scores[0].value is not None for candidate in result.candidates)

    return work


async def bare(urls: dict[str, str], arm: Arm, problem: Problem, repeats: int) -> Cost:
    """The floor: requests like those of the arm, and their JSON read."""
    url = urls[arm.model].removesuffix("/v1") + arm.path
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=IN_FLIGHT)) as http:

        async def post(solution: Solution) -> None:
            async with http.post(url, json=_body(arm, problem, solution)) as response:
                await response.json()

        async def work() -> None:
            await asyncio.gather(*(post(solution) for solution in problem.solutions for _ in range(arm.calls)))

        return await measured(work, repeats)


def _body(arm: Arm, problem: Problem, solution: Solution) -> dict[str, Any]:
    if arm.model == "judge":
        asked = f"You are a strict examiner.\n{problem.question}\n{solution.text}\nYes or No?"
        return {"model": "fake", "messages": [{"role": "user", "content": asked}], "max_tokens": 1, "logprobs": True}
    form = QWEN_PRM if arm.model == "process" else OUTCOME_CLASSIFIER
    text = "".join(step.strip() + form.tag for step in solution.steps)
    return {"model": "fake", "messages": [*conversation(form, problem.messages), {"role": "assistant", "content": text}]}


class Row(NamedTuple):
    """What an arm cost, in milliseconds a score; one score for each step where every step is asked about."""

    arm: Arm
    scores: int
    run: Cost
    floor: Cost

    @property
    def overhead(self) -> float:
        return (self.run.wall - self.floor.wall) / self.scores

    def __str__(self) -> str:
        seconds = (self.run.wall, self.floor.wall, self.overhead * self.scores, self.run.cpu, self.floor.cpu)
        cells = "".join(f"{each / self.scores * 1e3:9.3f}ms" for each in seconds)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return f"{self.arm.label:25} {self.scores:6d}{cells}{peak:6.0f}MiB"


async def compare(urls: dict[str, str], count: int, repeats: int) -> float:
    """Print the table; the greatest overhead a score, in seconds."""
    problem = Problem.of(QUESTION).model_copy(update={"solutions": solutions(count)})
    columns = "".join(f"{name:>11}" for name in ("wall/score", "bare", "overhead", "CPU/score", "bare"))
    print(f"{count} solutions of {STEPS} steps, {IN_FLIGHT} calls in flight\n{'verifier':25} {'scores':>6}{columns}{'memory':>9}")
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(environ={}, cwd=Path(folder), user_file=Path(folder) / "none.toml")
        async with Session(settings=settings, store=Path(folder) / "bench.db", models=specs(urls)) as session:
            for arm in ARMS:
                floor = await bare(urls, arm, problem, repeats)
                run = await measured(verification(session, arm, problem), repeats)
                rows.append(Row(arm, count * arm.calls, run, floor))
                print(rows[-1], flush=True)
    return max(row.overhead for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--solutions", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--pace", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.serve:
        asyncio.run(serve(arguments.pace))
        return
    print(f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}, pace {arguments.pace} s")
    with served(arguments.pace) as urls:
        worst = asyncio.run(compare(urls, arguments.solutions, arguments.repeats))
    if worst >= LIMIT:
        sys.exit(f"a score costs {worst * 1e3:.2f} ms beside the model's own time, more than {LIMIT * 1e3:g} ms")


if __name__ == "__main__":
    main()
