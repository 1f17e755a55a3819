"""``python -m symposia.testing.server``: the loopback server as a process of its own. Prints its address as a line of JSON."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import signal
import sys

from .completions import default_reply
from .loopback import Latency, LoopbackServer


async def _serve(server: LoopbackServer) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows: there the process is simply ended
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with server:
        sys.stdout.write(json.dumps({"url": server.url, "port": server.port}) + "\n")
        sys.stdout.flush()
        await stop.wait()


def _latency(text: str) -> Latency:
    low, comma, high = text.partition(",")
    return (float(low), float(high)) if comma else float(low)


def main() -> None:
    """Serve until interrupted or terminated."""
    parser = argparse.ArgumentParser(prog="python -m symposia.testing.server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--latency", type=_latency, default=0.0, help="seconds, or LOW,HIGH for a random time")
    parser.add_argument("--pace", type=float, default=0.0, help="seconds between the chunks of a stream")
    parser.add_argument("--reply", action="append", help="the answer; repeat it for sample 0, 1, …")
    parser.add_argument("--model", default="fake", help="the model name that replies carry")
    parser.add_argument("--seed", type=int, default=0, help="of the random latencies")
    options = parser.parse_args()
    server = LoopbackServer(
        options.reply or default_reply,
        model=options.model,
        latency=options.latency,
        pace=options.pace,
        seed=options.seed,
        port=options.port,
    )
    asyncio.run(_serve(server))


if __name__ == "__main__":
    main()
