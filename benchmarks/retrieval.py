"""What finding documents costs: 100,000 documents of up to 4 KB in one corpus, on SQLite.

    python benchmarks/retrieval.py [--documents 100000] [--queries 200] [--store PATH|URL] [--seed 0]

Texts are words drawn by a Zipf-Mandelbrot law from a vocabulary of 200,000 that a seed makes, 1 to 4 KB each. A query is 3 to 12
words out of some document, common ones included. Vectors have 256 numbers and are made by hashing words: what is measured is
the store, and of an embedder only that.

A child process fills the store. Then this one, which holds nothing else, opens it and searches: by words alone, by vectors alone,
and by both. Its peak memory is the figure that a program pays.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import platform
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np

from symposia.core.retrieval import Document
from symposia.memory.database import Database
from symposia.memory.retrieval import documents
from symposia.memory.retrieval.nearest import Nearest
from symposia.memory.retrieval.vectors import unit
from symposia.memory.store import Store
from symposia.testing import HashEmbedder

VOCABULARY = 200_000
LARGEST = 4000
PART = 2000
CORPUS = "bench"
NEVER = "zyzzogeton"


def vocabulary(rng: random.Random) -> list[str]:
    """Different words that can be spoken, the most common ones the shortest."""
    found: dict[str, None] = {}
    while len(found) < VOCABULARY:
        syllables = 1 + len(found).bit_length() // 6 + rng.randrange(2)
        word = "".join(rng.choice("bcdfghklmnprstvwz") + rng.choice("aeiou") for _ in range(syllables))
        found.setdefault(word + rng.choice(["", "", "n", "r", "s", "ing", "ed", "ly"]))
    return list(found)


class Texts:
    """A stream of texts, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self.words = np.array(vocabulary(random.Random(seed)), dtype=object)
        weights = 1 / (np.arange(1, VOCABULARY + 1) + 2.7) ** 1.07
        self.law = np.cumsum(weights / weights.sum())
        self.rng = np.random.default_rng(seed)

    def text(self) -> str:
        size = int(self.rng.integers(1000, LARGEST + 1))
        drawn = self.words[np.minimum(np.searchsorted(self.law, self.rng.random(size // 3)), VOCABULARY - 1)]
        return " ".join(drawn)[:size]

    def query(self, text: str) -> str:
        words = text.split()
        return " ".join(self.rng.choice(words, size=min(len(words), int(self.rng.integers(3, 13))), replace=False))


async def fill(place: str, amount: int, queries: int, seed: int) -> None:
    """Add the documents, with vectors, and print some queries out of them."""
    texts = Texts(seed)
    asked: list[str] = []
    seconds = 0.0
    async with await Store.open(place) as store:
        corpora = store.corpora(HashEmbedder())
        for start in range(0, amount, PART):
            part = [document(number, texts.text()) for number in range(start, min(amount, start + PART))]
            asked += [texts.query(one.text) for one in part if int(one.id[1:]) % max(1, amount // queries) == 0]
            began = time.perf_counter()
            await corpora.add(CORPUS, part)
            seconds += time.perf_counter() - began
    print(seconds, *asked[:queries], sep="\n")


def document(number: int, text: str) -> Document:
    return Document(id=f"d{number}", text=text, metadata={"year": 1950 + number % 75, "shelf": f"s{number % 1000}"})


class Times(NamedTuple):
    """What searches took, in milliseconds."""

    wall: list[float]
    cpu: list[float]
    """Of all threads: what a busy machine does not change much."""
    empty: int
    """How many found nothing."""

    def row(self, label: str) -> str:
        wall, cpu = (statistics.quantiles(each, n=100) for each in (self.wall, self.cpu))
        cells = (wall[49], wall[94], wall[98], max(self.wall), cpu[49], cpu[94])
        return f"| {label} | " + " | ".join(f"{cell:.1f}" for cell in cells) + f" | {self.empty} |"


async def timed(queries: Sequence[str], search: Callable[[str], Awaitable[Sequence[object]]]) -> Times:
    wall, cpu, empty = [], [], 0
    for query in queries:
        began, used = time.perf_counter(), time.process_time()
        hits = await search(query)
        wall.append(1000 * (time.perf_counter() - began))
        cpu.append(1000 * (time.process_time() - used))
        empty += not hits
    return Times(wall, cpu, empty)


async def once(label: str, work: Awaitable[object]) -> None:
    began = time.perf_counter()
    await work
    print(f"{label}: {1000 * (time.perf_counter() - began):.0f} ms")


async def measure(place: str, queries: Sequence[str]) -> bool:
    """Search, and print what it took; whether the searches by both are as quick and small as promised."""
    embedder = HashEmbedder()
    async with await Store.open(place) as store:
        both, words = store.corpora(embedder), store.corpora()
        print("Milliseconds.\n\n| search | p50 | p95 | p99 | max | CPU p50 | CPU p95 | found nothing |")
        print("|---|---:|---:|---:|---:|---:|---:|---:|")
        print((await timed(queries, partial(words.search, corpus=CORPUS))).row("words"))
        one_year = partial(words.search, corpus=CORPUS, where={"year": 1999})
        print((await timed(queries, one_year)).row("words, of one year"))
        print((await by_vectors(place, queries)).row("vectors"))
        await both.search(queries[0], corpus=CORPUS)  # reads the vectors; measured by itself below
        fused = await timed(queries, partial(both.search, corpus=CORPUS))
        print(fused.row("both"), flush=True)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        print(f"\nPeak memory of the searching process: {peak:.0f} MiB")
        await once("First search by both, which reads all vectors", store.corpora(embedder).search("x", corpus=CORPUS))
        await both.add(CORPUS, [Document(id="d0", text=f"replaced {NEVER}")])
        await once("First search by both after a document was replaced", both.search(NEVER, corpus=CORPUS))
        await once("A query of 10,000 words", both.search(" ".join(queries * (1 + 10_000 // (7 * len(queries)))), corpus=CORPUS))
    return statistics.quantiles(fused.wall, n=100)[94] < 100 and peak < 1000


async def by_vectors(place: str, queries: Sequence[str]) -> Times:
    database = await Database.open(place)
    try:
        nearest = Nearest(database)
        opened = await database.read(partial(documents.find, name=CORPUS))

        async def search(query: str) -> list[int]:
            embedder = HashEmbedder()
            vector = unit(await embedder.embed([query]), 1, embedder.dimension, embedder.name)[0]
            return await nearest.search(opened, opened.space, vector, (), 100)

        await search("x")
        return await timed(queries, search)
    finally:
        await database.close()


def run(place: str, options: argparse.Namespace) -> bool:
    given = ["--documents", options.documents, "--queries", options.queries, "--seed", options.seed]
    command = [sys.executable, __file__, "--fill", "--store", place, *map(str, given)]
    filled = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    seconds, *queries = filled.stdout.splitlines()
    print(
        f"{options.documents:,} documents added in {float(seconds):.1f} s: {options.documents / float(seconds):,.0f} a second;",
        end=" ",
    )
    size = sum(file.stat().st_size for file in Path(place).parent.glob(Path(place).name + "*")) if "://" not in place else 0
    print(f"{size / 2**20:,.0f} MiB on disk\n" if size else "\n")
    return asyncio.run(measure(place, queries))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--documents", type=int, default=100_000)
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--store", help="path or address; by default a new SQLite file")
    parser.add_argument("--fill", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.fill:
        asyncio.run(fill(options.store, options.documents, options.queries, options.seed))
        return
    print(f"CPython {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} before")
    if options.store:
        kept = run(options.store, options)
    else:
        with tempfile.TemporaryDirectory() as folder:
            kept = run(str(Path(folder) / "bench.db"), options)
    if not kept:
        sys.exit("slower than 100 ms (p95) or larger than 1 GB")


if __name__ == "__main__":
    main()
