"""How long it takes to replay a finished run from its journal: self-consistency with N separate calls, no model involved.

    python benchmarks/replay.py [--calls 1000 10000]

The run is made once on a scripted model, stored, and then replayed from the store.
"""

from __future__ import annotations

import argparse
import asyncio
import cProfile
import platform
import pstats
import tempfile
import time
from pathlib import Path

from symposia.core.model_spec import Ability
from symposia.graphs.self_consistency import SelfConsistencyConfig
from symposia.models.gateway import ModelGateway
from symposia.runtime.session import Session
from symposia.runtime.settings import load_settings
from symposia.testing import ScriptedModel, fake_spec

TEXT = "She fills 14 trays with 12 rolls each, so 168 rolls. " * 12


def reply(_prompt: str, sample: int) -> str:
    return f"{TEXT}The rest is \\boxed{{{(18, 20, 18, 7)[sample % 4]}}}."


async def main(sizes: list[int], *, profile: bool) -> None:
    # The option has an upper bound for people; what is measured here is the machinery beyond it.
    SelfConsistencyConfig.model_fields["n"].metadata.clear()
    SelfConsistencyConfig.model_rebuild(force=True)
    print(f"CPython {platform.python_version()}\n")
    print("| calls in the journal | made and stored | replayed | CPU | CPU a call |\n|---:|---:|---:|---:|---:|")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            settings = load_settings(environ={}, cwd=Path(folder), user_file=Path(folder) / "none.toml")
            gateway = ModelGateway(transports={"direct": ScriptedModel(reply)}, call_timeout=600)
            models = {"fake": fake_spec(abilities=(Ability.CHAT, Ability.SEED), concurrency=64)}
            async with Session(settings=settings, store=Path(folder) / "runs.db", gateway=gateway, models=models) as session:
                began = time.perf_counter()
                options = {"n": size, "batched": False}
                made = await session.solve("How many rolls?", strategy="self-consistency", team="fake", options=options)
                stored, cpu = time.perf_counter(), time.process_time()
                profiler = cProfile.Profile(time.process_time)
                if profile:
                    profiler.enable()
                again = await session.replay(made.run_id)
                profiler.disable()
                ended, cpu = time.perf_counter(), time.process_time() - cpu
                assert again.votes == made.votes
                assert len(again.candidates) == size
        seconds = f"{stored - began:.2f} s | {ended - stored:.2f} s | {cpu:.2f} s | {1e6 * cpu / size:.0f} µs"
        print(f"| {size:,} | {seconds} |", flush=True)
        if profile:
            pstats.Stats(profiler).sort_stats("tottime").print_stats(35)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, nargs="+", default=[1000, 10_000])
    parser.add_argument("--profile", action="store_true", help="say where the replay spends its time")
    options = parser.parse_args()
    asyncio.run(main(options.calls, profile=options.profile))
