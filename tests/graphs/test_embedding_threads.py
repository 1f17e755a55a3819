"""Which run a visit of an embedded strategy belongs to: a resumed thread goes on with its run, all else is a new one."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command, RetryPolicy, Send, interrupt

import symposia
from symposia.core.errors import (
    ServerError,
)
from symposia.core.result import Result
from symposia.testing import ScriptedModel

from .hosts import VOTE, Ask, greedy, host, runs, thread, vote


async def test_every_invocation_and_every_visit_is_a_new_run(opened) -> None:
    class Loop(TypedDict, total=False):
        question: str
        answer: str
        visits: Annotated[int, operator.add]

    model = ScriptedModel([r"\boxed{4}"])
    async with opened(model) as session:

        def counted(result: Result, state: Any) -> dict[str, Any]:
            return {"answer": result.answer, "visits": 1}

        graph = host(greedy(session, write=counted), Loop)
        graph.add_conditional_edges("ask", lambda state: "ask" if state["visits"] % 3 else END, ["ask", END])
        compiled = graph.compile(checkpointer=InMemorySaver())
        await compiled.ainvoke({"question": "2 + 2?"}, thread())
        assert len(model.calls) == len(await runs(session)) == 3
        await compiled.ainvoke({"question": "2 + 2?"}, thread())
        assert len(model.calls) == len(await runs(session)) == 6, "the same question on the same thread is asked again"
        bare = graph.compile()
        await bare.ainvoke({"question": "2 + 2?"})
        await bare.ainvoke({"question": "2 + 2?"})
        assert len(model.calls) == len(await runs(session)) == 12


async def test_parallel_sends_with_equal_inputs_are_runs_of_their_own(opened) -> None:
    class Many(TypedDict, total=False):
        question: str
        answers: Annotated[list[str], operator.add]

    answers = iter("1234")
    async with opened(ScriptedModel(lambda prompt, sample: rf"\boxed{{{next(answers)}}}")) as session:
        node = greedy(session, write=lambda result, state: {"answers": [result.answer]})
        graph = StateGraph(Many)
        graph.add_node("ask", node)
        graph.add_conditional_edges(START, lambda state: [Send("ask", {"question": "?"}) for _ in range(4)], ["ask"])
        end = await graph.compile(checkpointer=InMemorySaver()).ainvoke({"question": "?"}, thread())
        assert len(await runs(session)) == 4
    assert sorted(end["answers"]) == ["1", "2", "3", "4"]


@asynccontextmanager
async def saver(kind: str, folder: Path) -> AsyncIterator[Any]:
    if kind == "memory":
        yield InMemorySaver()
        return
    from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver

    async with AsyncSqliteSaver.from_conn_string(str(folder / "host.db")) as sqlite:
        yield sqlite


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
@pytest.mark.parametrize("embed", ["node", "graph"])
async def test_a_resumed_thread_goes_on_with_its_run(opened, tmp_path: Path, kind: str, embed: str) -> None:
    """Two replies are here when the host is cancelled: resumed, only the third call is made."""
    answered = asyncio.Event()
    gates = {0: 0.0, 1: 0.0, 2: 3600.0}
    model = ScriptedModel([r"\boxed{4}"], latency=lambda rng: gates[len(model.calls) - 1])
    async with opened(model) as session, saver(kind, tmp_path) as checkpoints:
        if embed == "node":
            node: Any = vote(session)
        else:
            node = symposia.strategy("self-consistency").as_graph(session, team="fake", options=VOTE)
        graph = host(node).compile(checkpointer=checkpoints)

        async def first() -> None:
            async for piece in graph.astream({"question": "2 + 2?"}, thread(), stream_mode="custom", subgraphs=True):
                if piece[-1]["symposia"]["type"] == "call_finished" and piece[-1]["symposia"]["index"] == 1:
                    answered.set()

        task, enough = asyncio.create_task(first()), asyncio.create_task(answered.wait())
        await asyncio.wait({task, enough}, return_when=asyncio.FIRST_COMPLETED)
        assert answered.is_set(), task
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert [call.cancelled for call in model.calls] == [False, False, True], "what was in flight is cancelled"
        (broken,) = await runs(session)
        assert broken.state == "interrupted"
        gates[3] = 0.0
        end = await graph.ainvoke(None, thread())
        (run,) = await runs(session)
    assert end["answer"] == "4"
    assert len(model.calls) == 4
    assert run.id == broken.id
    assert run.state == "finished"
    assert run.result.total_usage.lost_calls == 1, "and stays charged"


async def test_a_finished_run_is_not_made_again_where_the_host_breaks_after_it(opened) -> None:
    model = ScriptedModel([r"\boxed{4}"])
    broken = iter([True, False])

    def write(result: Result, state: Any) -> dict[str, Any]:
        if next(broken):
            raise RuntimeError("the host breaks")
        return {"answer": result.answer}

    async with opened(model) as session:
        graph = host(vote(session, write=write)).compile(checkpointer=InMemorySaver())
        with pytest.raises(RuntimeError, match="the host breaks"):
            await graph.ainvoke({"question": "2 + 2?"}, thread())
        end = await graph.ainvoke(None, thread())
    assert end["answer"] == "4"
    assert len(model.calls) == 3


async def test_a_node_changed_since_the_crash_begins_anew(opened) -> None:
    model = ScriptedModel([r"\boxed{4}"])
    checkpoints = InMemorySaver()
    async with opened(model) as session:
        broken = host(vote(session, write=lambda result, state: {}["nothing"])).compile(checkpointer=checkpoints)
        with pytest.raises(KeyError):
            await broken.ainvoke({"question": "2 + 2?"}, thread())
        mended = host(vote(session, options=VOTE | {"n": 5})).compile(checkpointer=checkpoints)
        await mended.ainvoke(None, thread())
        assert sorted(len(run.result.candidates) for run in await runs(session)) == [3, 5]


async def test_a_retried_node_goes_on_with_its_run(opened) -> None:
    """LangGraph's own retries: the calls that succeeded are kept, the one that failed for now is made again."""
    failures = iter([None, ServerError("down"), None])
    model = ScriptedModel([r"\boxed{4}"], fail=lambda call: next(failures, None))
    raised = iter([True])

    def write(result: Result, state: Any) -> dict[str, Any]:
        if next(raised, False):
            raise ConnectionError
        return {"answer": result.answer}

    async with opened(model) as session:
        graph = StateGraph(Ask)
        graph.add_node(
            "ask", vote(session, write=write), retry_policy=RetryPolicy(initial_interval=0.001, retry_on=ConnectionError)
        )
        graph.add_edge(START, "ask")
        end = await graph.compile().ainvoke({"question": "2 + 2?"})
        assert len(await runs(session)) == 1
    assert end["answer"] == "4"
    assert len(model.calls) == 3, "two succeeded: the run is finished, and the retry finds its result"


# Interrupts of the host


@pytest.mark.parametrize("where", ["before", "beside", "after", "within"])
async def test_a_hosts_interrupt_costs_no_call_twice(opened, where: str) -> None:
    class Review(TypedDict, total=False):
        question: str
        answer: str
        verdict: str

    async def review(state: Review) -> Review:
        return {"verdict": interrupt("fine?")}

    def read(state: Any) -> str:
        return f"{state['question']} {interrupt('really?')}" if where == "within" else state["question"]

    model = ScriptedModel([r"\boxed{4}"])
    async with opened(model) as session:
        graph = StateGraph(Review)
        graph.add_node("ask", vote(session, read=read))
        graph.add_node("review", review)
        edges = {
            "before": [(START, "review"), ("review", "ask")],
            "beside": [(START, "review"), (START, "ask")],
            "after": [(START, "ask"), ("ask", "review")],
            "within": [(START, "ask")],
        }
        for edge in edges[where]:
            graph.add_edge(*edge)
        compiled = graph.compile(checkpointer=InMemorySaver())
        halted = await compiled.ainvoke({"question": "2 + 2?"}, thread())
        assert "__interrupt__" in halted
        assert len(model.calls) == (3 if where in {"beside", "after"} else 0)
        end = await compiled.ainvoke(Command(resume="yes"), thread())
        assert len(await runs(session)) == 1
    assert end["answer"] == "4"
    assert where == "within" or end["verdict"] == "yes"
    assert len(model.calls) == 3
