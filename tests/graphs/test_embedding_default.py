"""Embedding on the process's default session, with the module ``symposia`` as the host: each test is a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from symposia.testing import LoopbackServer

Program = Callable[[str], str]

GRAPH = """
import asyncio, symposia
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph

builder = StateGraph(MessagesState)
builder.add_node("ask", symposia.strategy("self-consistency").as_node(symposia, options={"n": 3, "batched": False}))
builder.add_edge(START, "ask")
graph = builder.compile(checkpointer=InMemorySaver())
thread = {"configurable": {"thread_id": "t"}}
"""


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    slow = iter([0.0, 0.0, 3600.0])
    with LoopbackServer([r"\boxed{18}"], latency=lambda rng: next(slow, 0.0)).running() as server:
        yield server


@pytest.fixture
def program(tmp_path: Path, server: LoopbackServer) -> Program:
    (tmp_path / "symposia.toml").write_text(f'model = "{server.url}#fake"\nstore = "runs.db"\n')
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SYMPOSIA_")}

    def run(code: str) -> str:
        command = [sys.executable, "-X", "dev", "-W", "error", "-c", GRAPH + code]
        env = kept | {"HOME": str(tmp_path)}
        done = subprocess.run(command, cwd=tmp_path, env=env, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert "Warning" not in done.stderr
        assert "exception" not in done.stderr
        return done.stdout

    return run


def test_a_cancelled_host_can_be_resumed_at_once_from_another_loop(program: Program, server: LoopbackServer) -> None:
    """The node returns from its cancellation only when the run's lease is free."""
    code = """
async def first():
    async for piece in graph.astream({"messages": "6 + 12?"}, thread, stream_mode="custom"):
        if piece["symposia"]["type"] == "call_finished" and piece["symposia"]["index"] == 1:
            asyncio.current_task().cancel()

async def second():
    return await graph.ainvoke(None, thread)

try:
    asyncio.run(first())
except asyncio.CancelledError:
    print("cancelled")
print(asyncio.run(second())["messages"][-1].content)
"""
    assert program(code) == "cancelled\n18\n"
    assert len(server.requests) == 4
    assert len(server.cancelled) == 1


def test_events_of_the_default_sessions_thread_arrive_in_order_and_before_the_end(program: Program) -> None:
    code = """
async def main():
    node = symposia.strategy("greedy").as_node(symposia, stream_text=True)
    plain = StateGraph(MessagesState).add_node("ask", node).add_edge(START, "ask").compile()
    async for mode, piece in plain.astream({"messages": "6 + 12?"}, stream_mode=["custom", "updates"]):
        print(piece["symposia"]["type"] if mode == "custom" else "update")

asyncio.run(main())
"""
    kinds = program(code).split()
    assert kinds[:2] == ["run_started", "wave_started"]
    assert kinds[2] == "text"
    assert kinds[-4:] == ["candidate_added", "strategy_finished", "run_finished", "update"]
