"""Snippets per second and their processor time: each sandbox, and a plain ``python -c`` for each snippet beside them.

    python benchmarks/sandbox.py [--workers 2] [--seconds 5]

Needs an otherwise idle machine; processor time, which is that of this process and all below it, depends less on that. Snippets
come eight at a time; each sandbox has run a few before the clock starts.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import statistics
import sys
import time
import warnings
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import psutil

from symposia.tools.sandbox.opening import SANDBOXES, open_sandbox

SMALL = "total = 0\nfor n in range(100):\n    total += n * n\ntotal"
ALGEBRA = "import sympy\nx = sympy.Symbol('x')\nstr(sympy.integrate(sympy.sin(x) ** 2, x))"
ABREAST = 8


class Measured(NamedTuple):
    rate: float
    """Snippets a second, all workers together."""
    median: float
    """Seconds that one of them takes, from asking to having its value."""
    first: float
    """Seconds until the first had its value, when nothing was started yet."""
    processor: float
    """Seconds of processor time for each, here and in all processes below."""


async def measure(run: Callable[[], Awaitable[object]], seconds: float) -> Measured:
    began = time.perf_counter()
    await run()
    first = time.perf_counter() - began
    await asyncio.gather(*(run() for _ in range(ABREAST)))
    took: list[float] = []
    end = time.perf_counter() + seconds

    async def repeatedly() -> None:
        while (started := time.perf_counter()) < end:
            await run()
            took.append(time.perf_counter() - started)

    began, before = time.perf_counter(), processor_seconds()
    await asyncio.gather(*(repeatedly() for _ in range(ABREAST)))
    rate, processor = len(took) / (time.perf_counter() - began), (processor_seconds() - before) / len(took)
    return Measured(rate, statistics.median(took), first, processor)


def processor_seconds() -> float:
    """What this process and all below it have used. One that ends is counted by its parent from then on."""
    me = psutil.Process()
    return sum(sum(each.cpu_times()[:4]) for each in (me, *me.children(recursive=True)))


async def of_sandbox(name: str, code: str, value: object, options: argparse.Namespace) -> Measured:
    sandbox = open_sandbox(name, workers=options.workers)

    async def run() -> None:
        execution = await sandbox.run(code)
        assert execution.value == value, execution

    try:
        return await measure(run, options.seconds)
    finally:
        await sandbox.close()


async def of_subprocess(code: str, options: argparse.Namespace) -> Measured:
    """What everybody does who has no sandbox: a Python for each snippet, as many at a time as there are workers."""
    slots = asyncio.Semaphore(options.workers)

    async def run() -> None:
        async with slots:
            process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
            await process.communicate()
            assert process.returncode == 0

    return await measure(run, options.seconds)


async def main(options: argparse.Namespace) -> None:
    load = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    print(f"CPython {platform.python_version()}, {os.cpu_count()} cores, {options.workers} workers, load before {load}\n")
    print("| sandbox | snippet | snippets/s | processor time | median | first |\n|---|---|---:|---:|---:|---:|")
    for what, code, value in (("a loop of 100", SMALL, 328350), ("an integral with sympy", ALGEBRA, "x/2 - sin(x)*cos(x)/2")):
        rows = [(name, of_sandbox(name, code, value, options)) for name in SANDBOXES if name != "monty" or code is SMALL]
        for name, measured in [*rows, ("`python -c`", of_subprocess(code, options))]:
            rate, *times = await measured
            median, first, processor = (1e3 * seconds for seconds in times)
            print(f"| {name} | {what} | {rate:,.0f} | {processor:.1f} ms | {median:.1f} ms | {first:.0f} ms |", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore", RuntimeWarning)  # of the sandbox that is none
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=5.0, help="for each row")
    asyncio.run(main(parser.parse_args()))
